package client

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// SCIMStore keeps the SCIM configurations of connections and their tokens, under the rules of Store. A deleted connection takes them
// along.
type SCIMStore interface {
	// FindSCIM gives the connection's; ErrNoConnection, ErrNoSCIM.
	FindSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) (SCIM, error)
	// ListSCIM gives a part of the tenant's.
	ListSCIM(ctx context.Context, tenant tenancy.ID, page Page) (Part[SCIM], error)
	// CreateSCIM adds the connection's; ErrNoConnection, ErrSCIMExists.
	CreateSCIM(ctx context.Context, tenant tenancy.ID, s SCIM) error
	// UpdateSCIM replaces the user id attribute, the mapping and the time of the last change, and gives all of it; ErrNoConnection,
	// ErrNoSCIM.
	UpdateSCIM(ctx context.Context, tenant tenancy.ID, s SCIM) (SCIM, error)
	// DeleteSCIM removes it with its tokens; ErrNoSCIM.
	DeleteSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) error

	// ListSCIMTokens gives the connection's, their secrets empty, in the order of creation; ErrNoConnection, ErrNoSCIM.
	ListSCIMTokens(ctx context.Context, tenant tenancy.ID, connectionID string) ([]SCIMToken, error)
	// CreateSCIMToken adds one, without its secret, unless the connection has most already; ErrNoConnection, ErrNoSCIM, ErrSCIMTokens.
	CreateSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID string, t SCIMToken, most int) error
	// DeleteSCIMToken removes one of the connection's; ErrNoSCIMToken.
	DeleteSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID, id string) error
}

// FindSCIM gives a connection's SCIM configuration; ErrNoConnection, ErrNoSCIM.
func (s *Service) FindSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) (SCIM, error) {
	return s.store.FindSCIM(ctx, tenant, connectionID)
}

// ListSCIM gives a part of the tenant's SCIM configurations.
func (s *Service) ListSCIM(ctx context.Context, tenant tenancy.ID, p Page) (Part[SCIM], error) {
	return s.store.ListSCIM(ctx, tenant, p)
}

// CreateSCIM configures a connection as Connection.NewSCIM says; ErrNoConnection, ErrSCIMExists.
func (s *Service) CreateSCIM(ctx context.Context, tenant tenancy.ID, connectionID, userIDAttribute string, mapping []SCIMMapping) (SCIM, error) {
	c, err := s.store.FindConnection(ctx, tenant, connectionID)
	if err != nil {
		return SCIM{}, err
	}
	scim, err := c.NewSCIM(userIDAttribute, mapping, s.now())
	if err != nil {
		return SCIM{}, err
	}
	return scim, s.store.CreateSCIM(ctx, tenant, scim)
}

// UpdateSCIM replaces the user id attribute and the mapping; ErrNoConnection, ErrNoSCIM, Invalid.
func (s *Service) UpdateSCIM(ctx context.Context, tenant tenancy.ID, connectionID, userIDAttribute string, mapping []SCIMMapping) (SCIM, error) {
	scim := SCIM{ConnectionID: connectionID, UserIDAttribute: userIDAttribute, Mapping: mapping, Updated: s.now()}
	if err := scim.check(); err != nil {
		return SCIM{}, err
	}
	return s.store.UpdateSCIM(ctx, tenant, scim)
}

// DeleteSCIM ends the provisioning of a connection, and its tokens; a repeat is fine.
func (s *Service) DeleteSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) error {
	return gone(s.store.DeleteSCIM(ctx, tenant, connectionID), ErrNoSCIM)
}

// ListSCIMTokens gives the tokens of a connection; ErrNoConnection, ErrNoSCIM.
func (s *Service) ListSCIMTokens(ctx context.Context, tenant tenancy.ID, connectionID string) ([]SCIMToken, error) {
	return s.store.ListSCIMTokens(ctx, tenant, connectionID)
}

// CreateSCIMToken makes a token as NewSCIMToken says; its secret is known this once. ErrNoConnection, ErrNoSCIM, ErrSCIMTokens.
func (s *Service) CreateSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID string, scopes []string, life time.Duration) (SCIMToken, error) {
	t, err := NewSCIMToken(scopes, life, s.now())
	if err != nil {
		return SCIMToken{}, err
	}
	return t, s.store.CreateSCIMToken(ctx, tenant, connectionID, t, maxSCIMTokens)
}

// DeleteSCIMToken ends a token at once; a repeat is fine.
func (s *Service) DeleteSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID, id string) error {
	return gone(s.store.DeleteSCIMToken(ctx, tenant, connectionID, id), ErrNoSCIMToken)
}
