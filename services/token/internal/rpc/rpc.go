// Package rpc is the service's front door for its neighbours.
package rpc

import (
	"context"
	"log/slog"
	"net/http"

	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Ring gives and forgets what is kept in memory of keys.
type Ring interface {
	// Renew gives the keys as they are now, not as they were when they were last asked for.
	Renew(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error)
	Forget(tenant tenancy.ID)
}

// Remover deletes all a tenant has in the store.
type Remover interface {
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
}

// Deps are what the door opens on.
type Deps struct {
	Keys    *token.Keys
	Ring    Ring
	Remover Remover
	Log     *slog.Logger
}

// New gives the Connect handlers.
func New(d Deps) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(tokenapiconnect.NewTokenServiceHandler(&service{d}, rpckit.ServerOption(d.Log)))
	return mux
}

type service struct{ Deps }

// PublishKeys implements tokenapiconnect.TokenServiceHandler.
func (s *service) PublishKeys(ctx context.Context, req *tokenapi.PublishKeysRequest) (*tokenapi.PublishKeysResponse, error) {
	tenant := tenancy.ID(req.GetTenantId())
	if tenant == "" || req.GetHostname() == "" {
		return nil, fault.Invalid("", "tenant_id and hostname are needed")
	}
	keys, err := s.Keys.Publish(ctx, tenant, req.GetHostname())
	if err != nil {
		return nil, err
	}
	s.Ring.Forget(tenant)
	res := &tokenapi.PublishKeysResponse{}
	for _, key := range keys {
		res.KeyIds = append(res.KeyIds, key.KeyID)
	}
	return res, nil
}

// ListKeys implements tokenapiconnect.TokenServiceHandler.
func (s *service) ListKeys(ctx context.Context, req *tokenapi.ListKeysRequest) (*tokenapi.ListKeysResponse, error) {
	keys, err := s.Ring.Renew(ctx, tenancy.ID(req.GetTenantId()))
	if err != nil {
		return nil, err
	}
	jwks, err := token.JWKS(keys, false) // also those that the world is not shown: neighbours know what to do with each
	if err != nil {
		return nil, fault.Internal(err)
	}
	return &tokenapi.ListKeysResponse{JwksJson: jwks}, nil
}

// RemoveTenant implements tokenapiconnect.TokenServiceHandler.
func (s *service) RemoveTenant(ctx context.Context, req *tokenapi.RemoveTenantRequest) (*tokenapi.RemoveTenantResponse, error) {
	tenant := tenancy.ID(req.GetTenantId())
	if err := s.Remover.RemoveTenant(ctx, tenant); err != nil {
		return nil, err
	}
	s.Ring.Forget(tenant)
	return &tokenapi.RemoveTenantResponse{}, nil
}
