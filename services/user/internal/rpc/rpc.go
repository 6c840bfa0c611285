// Package rpc answers the neighbours in the cell (Connect): UserService over the domain's verbs.
package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	userapi "github.com/postern-id/postern/libs/api/user"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Handler serves UserService.
func Handler(users *user.Service, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(userapiconnect.NewUserServiceHandler(server{users}, rpckit.ServerOption(log)))
	return mux
}

type server struct{ users *user.Service }

func tenantOf(id string) (tenancy.ID, error) {
	if id == "" {
		return "", fault.Invalid("", "A call names its tenant")
	}
	return tenancy.ID(id), nil
}

var outcomes = map[user.Outcome]userapi.VerifyPasswordResponse_Outcome{
	user.OutcomeOK:            userapi.VerifyPasswordResponse_OUTCOME_OK,
	user.OutcomeWrongPassword: userapi.VerifyPasswordResponse_OUTCOME_WRONG_PASSWORD,
	user.OutcomeUnknownUser:   userapi.VerifyPasswordResponse_OUTCOME_UNKNOWN_USER,
	user.OutcomeBlocked:       userapi.VerifyPasswordResponse_OUTCOME_BLOCKED,
}

// VerifyPassword implements userapiconnect.UserServiceHandler.
func (s server) VerifyPassword(ctx context.Context, req *userapi.VerifyPasswordRequest) (*userapi.VerifyPasswordResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	outcome, u, err := s.users.VerifyPassword(ctx, tenant, req.GetConnection(), req.GetIdentifier(), req.GetPassword())
	if err != nil {
		return nil, err
	}
	res := &userapi.VerifyPasswordResponse{Outcome: outcomes[outcome]}
	if u.ID != "" {
		if res.User, err = toWire(u); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// FindUser implements userapiconnect.UserServiceHandler.
func (s server) FindUser(ctx context.Context, req *userapi.FindUserRequest) (*userapi.User, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	u, err := s.users.Find(ctx, tenant, user.ID(req.GetUserId()))
	if err != nil {
		return nil, err
	}
	return toWire(u)
}

// RecordLogin implements userapiconnect.UserServiceHandler.
func (s server) RecordLogin(ctx context.Context, req *userapi.RecordLoginRequest) (*userapi.RecordLoginResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	count, err := s.users.RecordLogin(ctx, tenant, user.ID(req.GetUserId()), req.GetIp())
	if err != nil {
		return nil, err
	}
	return &userapi.RecordLoginResponse{LoginsCount: count}, nil
}

// RemoveTenant implements userapiconnect.UserServiceHandler.
func (s server) RemoveTenant(ctx context.Context, req *userapi.RemoveTenantRequest) (*userapi.RemoveTenantResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	if err := s.users.RemoveTenant(ctx, tenant); err != nil {
		return nil, err
	}
	return &userapi.RemoveTenantResponse{}, nil
}

func toWire(u user.User) (*userapi.User, error) {
	userMetadata, err := encode(u.UserMetadata)
	if err != nil {
		return nil, err
	}
	appMetadata, err := encode(u.AppMetadata)
	if err != nil {
		return nil, err
	}
	out := &userapi.User{
		UserId: string(u.ID), Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username, PhoneNumber: u.PhoneNumber,
		PhoneVerified: u.PhoneVerified, Name: u.Name, GivenName: u.GivenName, FamilyName: u.FamilyName, Nickname: u.Nickname,
		Picture: u.Picture, Blocked: u.Blocked, UserMetadataJson: userMetadata, AppMetadataJson: appMetadata,
		CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt), LastLogin: stamp(u.LastLogin), LastIp: u.LastIP, LoginsCount: u.LoginsCount,
		LoginsValidFrom: stamp(later(u.CreatedAt, u.LoginsValidFrom)), LastPasswordReset: stamp(u.LastPasswordReset),
	}
	for _, i := range u.Identities {
		out.Identities = append(out.Identities, &userapi.Identity{Connection: i.Connection, Provider: i.Provider, UserId: i.ID, IsSocial: i.IsSocial})
	}
	return out, nil
}

func encode(m user.Metadata) ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding metadata: %w", err))
	}
	return b, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
