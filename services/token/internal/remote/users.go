package remote

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	userapi "github.com/postern-id/postern/libs/api/user"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Users is the user service as the domain asks it. Nothing is remembered: a blocked user is out at once.
type Users struct {
	Service userapiconnect.UserServiceClient
}

var _ token.Users = Users{}

// VerifyPassword implements token.Users.
func (u Users) VerifyPassword(ctx context.Context, tenant tenancy.ID, connection, identifier, password string) (token.PasswordOutcome, *token.User, error) {
	res, err := u.Service.VerifyPassword(ctx, &userapi.VerifyPasswordRequest{
		TenantId: string(tenant), Connection: connection, Identifier: identifier, Password: password,
	})
	if err != nil {
		return 0, nil, err
	}
	user := userOf(res.GetUser())
	outcome := token.PasswordOutcome(0)
	switch res.GetOutcome() {
	case userapi.VerifyPasswordResponse_OUTCOME_OK:
		outcome = token.PasswordOK
	case userapi.VerifyPasswordResponse_OUTCOME_WRONG_PASSWORD:
		return token.PasswordWrong, user, nil
	case userapi.VerifyPasswordResponse_OUTCOME_UNKNOWN_USER:
		return token.PasswordUnknownUser, nil, nil
	case userapi.VerifyPasswordResponse_OUTCOME_BLOCKED:
		outcome = token.PasswordBlocked
	case userapi.VerifyPasswordResponse_OUTCOME_UNSPECIFIED:
	}
	if outcome == 0 || user == nil { // whatever a newer neighbour means by it, it lets nobody in
		return 0, nil, fault.Internal(fmt.Errorf("the user service answered a password with outcome %d, user known: %t", res.GetOutcome(), user != nil))
	}
	return outcome, user, nil
}

// FindUser implements token.Users.
func (u Users) FindUser(ctx context.Context, tenant tenancy.ID, id string) (*token.User, error) {
	res, err := u.Service.FindUser(ctx, &userapi.FindUserRequest{TenantId: string(tenant), UserId: id})
	if err != nil {
		return nil, err
	}
	return userOf(res), nil
}

// RecordLogin implements token.Users.
func (u Users) RecordLogin(ctx context.Context, tenant tenancy.ID, id, ip string) (int64, error) {
	res, err := u.Service.RecordLogin(ctx, &userapi.RecordLoginRequest{TenantId: string(tenant), UserId: id, Ip: ip})
	return res.GetLoginsCount(), err
}

func userOf(r *userapi.User) *token.User {
	if r == nil {
		return nil
	}
	u := &token.User{
		ID: r.GetUserId(), Email: r.GetEmail(), EmailVerified: r.GetEmailVerified(), Username: r.GetUsername(),
		Phone: r.GetPhoneNumber(), PhoneVerified: r.GetPhoneVerified(), Name: r.GetName(), GivenName: r.GetGivenName(),
		FamilyName: r.GetFamilyName(), Nickname: r.GetNickname(), Picture: r.GetPicture(), Blocked: r.GetBlocked(),
		LoginsCount: r.GetLoginsCount(),
	}
	for _, at := range []struct {
		from *timestamppb.Timestamp
		to   *time.Time
	}{{r.GetCreatedAt(), &u.CreatedAt}, {r.GetUpdatedAt(), &u.UpdatedAt}, {r.GetLoginsValidFrom(), &u.LoginsValidFrom}, {r.GetLastPasswordReset(), &u.PasswordChanged}} {
		if at.from.IsValid() {
			*at.to = at.from.AsTime()
		}
	}
	return u
}
