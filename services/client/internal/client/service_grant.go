package client

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/libs/tenancy"
)

// FindGrant gives the grant with that id; ErrNoGrant.
func (s *Service) FindGrant(ctx context.Context, tenant tenancy.ID, id string) (Grant, error) {
	return s.store.FindGrant(ctx, tenant, id)
}

// FindUsableGrant gives what the client may ask of the audience on behalf of that kind of subject, with only those scopes that the
// resource server defines today: its own grant, else, for a third-party client, the one that stands in for such clients. ErrNoGrant
// when nothing; ErrNoResourceServer when there is no such audience.
func (s *Service) FindUsableGrant(ctx context.Context, tenant tenancy.ID, client ID, audience, subject string) (Grant, error) {
	g, err := s.store.FindGrantFor(ctx, tenant, client, audience, subject)
	if Is(err, ErrNoGrant) {
		g, err = s.findStandIn(ctx, tenant, client, audience, subject)
	}
	if err != nil {
		return Grant{}, err
	}
	r, err := s.store.FindResourceServer(ctx, tenant, audience)
	if err != nil {
		return Grant{}, err
	}
	if subject == SubjectClient && r.RefusesClients() {
		return Grant{}, ErrNoGrant
	}
	g.Scope = g.usable(r)
	return g, nil
}

// findStandIn gives the grant that stands in for a client that has none of its own.
func (s *Service) findStandIn(ctx context.Context, tenant tenancy.ID, client ID, audience, subject string) (Grant, error) {
	c, err := s.store.FindClient(ctx, tenant, client)
	if Is(err, ErrNoClient) || err == nil && c.FirstParty {
		return Grant{}, ErrNoGrant
	}
	if err != nil {
		return Grant{}, err
	}
	part, err := s.store.ListGrants(ctx, tenant, GrantFilter{DefaultFor: thirdParties, Audience: audience, SubjectType: subject}, Page{Limit: 1})
	if err != nil {
		return Grant{}, err
	}
	if len(part.Items) == 0 {
		return Grant{}, ErrNoGrant
	}
	return part.Items[0], nil
}

// ListGrants gives a part of the grants.
func (s *Service) ListGrants(ctx context.Context, tenant tenancy.ID, f GrantFilter, p Page) (Part[Grant], error) {
	return s.store.ListGrants(ctx, tenant, f, p)
}

// CreateGrant lets a client ask for scopes of a resource server; Conflict when it has such a grant already.
func (s *Service) CreateGrant(ctx context.Context, tenant tenancy.ID, sent Settings) (Grant, error) {
	g, err := NewGrant(sent, s.now())
	if err != nil {
		return Grant{}, err
	}
	if err := s.checkGrant(ctx, tenant, g); err != nil {
		return Grant{}, err
	}
	if err := s.store.CreateGrant(ctx, tenant, g); err != nil {
		return Grant{}, fmt.Errorf("creating a grant: %w", err)
	}
	return g, nil
}

// checkGrant holds a grant to what its resource server and client allow.
func (s *Service) checkGrant(ctx context.Context, tenant tenancy.ID, g Grant) error {
	r, err := s.store.FindResourceServer(ctx, tenant, g.Audience)
	if err != nil {
		return err
	}
	if r.Identifier != g.Audience { // an id was given; only the identifier is an audience
		return ErrNoResourceServer
	}
	if g.ClientID == "" {
		return g.fits(r, nil)
	}
	c, err := s.store.FindClient(ctx, tenant, g.ClientID)
	if err != nil {
		return err
	}
	return g.fits(r, &c)
}

// ListGrantOrganizations gives the organizations that a grant is for; ErrNoGrant. A grant cannot be tied to one yet, so it has none.
func (s *Service) ListGrantOrganizations(ctx context.Context, tenant tenancy.ID, id string) (Part[string], error) {
	_, err := s.store.FindGrant(ctx, tenant, id)
	return Part[string]{}, err
}

// UpdateGrant changes a grant as Grant.Patched says; ErrNoGrant.
func (s *Service) UpdateGrant(ctx context.Context, tenant tenancy.ID, id string, patch Settings) (Grant, error) {
	return revised(
		func() (Grant, error) { return s.store.FindGrant(ctx, tenant, id) },
		func(g Grant) (Grant, error) {
			// What was granted was held to the resource server then. A scope that it does not define is kept, as on the wire, and opens
			// nothing until it does (Grant.usable).
			return g.Patched(patch, s.now())
		},
		func(g Grant) error { return s.store.UpdateGrant(ctx, tenant, g) })
}

// DeleteGrant removes a grant; a repeat is fine. One that the platform made stays.
func (s *Service) DeleteGrant(ctx context.Context, tenant tenancy.ID, id string) error {
	g, err := s.store.FindGrant(ctx, tenant, id)
	if err != nil {
		return gone(err, ErrNoGrant)
	}
	if g.System {
		return errUnsupported("A system grant cannot be deleted")
	}
	return gone(s.store.DeleteGrant(ctx, tenant, id), ErrNoGrant)
}
