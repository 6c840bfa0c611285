package client

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// attempts bounds how often a write that lost a race is repeated on what won.
const attempts = 5

// Service is the verbs of the room. Safe for concurrent use.
type Service struct {
	store     Store
	switches  Switchboard
	documents Documents
	now       clock.Now
	loopback  bool
}

// Option of a Service.
type Option func(*Service)

// WithSwitches gives who tells how a tenant's switches stand. Without it they stand as on a new tenant.
func WithSwitches(b Switchboard) Option { return func(s *Service) { s.switches = b } }

// NewService makes the verbs over a store.
func NewService(store Store, now clock.Now, options ...Option) *Service {
	s := &Service{store: store, switches: unset{}, documents: offline{}, now: now}
	for _, option := range options {
		option(s)
	}
	return s
}

// revised reads, changes and writes, and does so again while someone else wrote in between.
func revised[T any](find func() (T, error), change func(T) (T, error), write func(T) error) (T, error) {
	var none T
	for attempt := 1; ; attempt++ {
		was, err := find()
		if err != nil {
			return none, err
		}
		is, err := change(was)
		if err != nil {
			return none, err
		}
		err = write(is)
		if err == nil {
			return is, nil
		}
		if !Is(err, ErrChanged) || attempt == attempts {
			return none, err
		}
	}
}

// FindClient gives one client with its secret; ErrNoClient.
func (s *Service) FindClient(ctx context.Context, tenant tenancy.ID, id ID) (Client, error) {
	return s.store.FindClient(ctx, tenant, id)
}

// ListClients gives a part of the clients, their secrets only when asked for.
func (s *Service) ListClients(ctx context.Context, tenant tenancy.ID, f Filter, p Page, secrets bool) (Part[Client], error) {
	return s.store.ListClients(ctx, tenant, f, p, secrets)
}

// CreateClient registers a client and switches every connection on for it when it is a first-party one and the tenant wants that.
// Invalid when sent breaks a rule.
func (s *Service) CreateClient(ctx context.Context, tenant tenancy.ID, sent Settings) (Client, error) {
	c, err := NewClient(sent, s.now())
	if err != nil {
		return Client{}, err
	}
	if err := s.checkLegacy(ctx, tenant, Client{}, c); err != nil {
		return Client{}, err
	}
	if err := s.checkBackchannel(Client{}, c); err != nil {
		return Client{}, err
	}
	everywhere := c.FirstParty // a third-party client only gets the connections that are the whole domain's
	if everywhere {
		switches, err := s.switches.FindSwitches(ctx, tenant)
		if err != nil {
			return Client{}, err
		}
		everywhere = switches.Connect
	}
	if err := s.store.CreateClient(ctx, tenant, c, everywhere); err != nil {
		return Client{}, fmt.Errorf("creating a client: %w", err)
	}
	return c, nil
}

// UpdateClient changes a client as Client.Patched says; ErrNoClient.
func (s *Service) UpdateClient(ctx context.Context, tenant tenancy.ID, id ID, patch Settings) (Client, error) {
	return s.reviseClient(ctx, tenant, id, func(was Client) (Client, error) {
		is, err := was.Patched(patch, s.now())
		if err != nil {
			return Client{}, err
		}
		if err := s.checkBackchannel(was, is); err != nil {
			return Client{}, err
		}
		return is, s.checkLegacy(ctx, tenant, was, is)
	})
}

// checkLegacy refuses the grant types of old that a client gets while the tenant has not switched them on; what it has, it keeps.
func (s *Service) checkLegacy(ctx context.Context, tenant tenancy.ID, was, is Client) error {
	var gets []string
	for _, grant := range is.GrantTypes() {
		if old, _ := legacy(grant, Switches{}); old && !slices.Contains(was.GrantTypes(), grant) {
			gets = append(gets, grant)
		}
	}
	if len(gets) == 0 {
		return nil
	}
	on, err := s.switches.FindSwitches(ctx, tenant)
	if err != nil {
		return err
	}
	gets = slices.DeleteFunc(gets, func(grant string) bool { _, allowed := legacy(grant, on); return allowed })
	if len(gets) > 0 {
		return invalid("Invalid grant types: %s", strings.Join(gets, ","))
	}
	return nil
}

// RotateSecret gives the client a new secret; the old one ends at once. ErrNoClient.
func (s *Service) RotateSecret(ctx context.Context, tenant tenancy.ID, id ID) (Client, error) {
	return s.reviseClient(ctx, tenant, id, func(c Client) (Client, error) { return c.Rotated(s.now()), nil })
}

func (s *Service) reviseClient(ctx context.Context, tenant tenancy.ID, id ID, change func(Client) (Client, error)) (Client, error) {
	return revised(
		func() (Client, error) { return s.store.FindClient(ctx, tenant, id) }, change,
		func(c Client) error { return s.store.UpdateClient(ctx, tenant, c) })
}

// gone counts what is not there as deleted: on this wire a repeated deletion is fine.
func gone(err error, missing *fault.Error) error {
	if Is(err, missing) {
		return nil
	}
	return err
}

// DeleteClient removes a client with its grants and takes it off every connection; a repeat is fine. The global client stays.
func (s *Service) DeleteClient(ctx context.Context, tenant tenancy.ID, id ID) error {
	c, err := s.store.FindClient(ctx, tenant, id)
	if err != nil {
		return gone(err, ErrNoClient)
	}
	if c.Global {
		return fault.Denied("operation_not_supported", "The global client cannot be deleted")
	}
	return gone(s.store.DeleteClient(ctx, tenant, id), ErrNoClient)
}

// FindResourceServer gives the one with that id or identifier; ErrNoResourceServer.
func (s *Service) FindResourceServer(ctx context.Context, tenant tenancy.ID, idOrIdentifier string) (ResourceServer, error) {
	return s.store.FindResourceServer(ctx, tenant, idOrIdentifier)
}

// ListResourceServers gives a part of them.
func (s *Service) ListResourceServers(ctx context.Context, tenant tenancy.ID, identifiers []string, p Page) (Part[ResourceServer], error) {
	return s.store.ListResourceServers(ctx, tenant, identifiers, p)
}

// CreateResourceServer registers an audience; Conflict when it is taken.
func (s *Service) CreateResourceServer(ctx context.Context, tenant tenancy.ID, sent Settings) (ResourceServer, error) {
	r, err := NewResourceServer(sent, s.now())
	if err != nil {
		return ResourceServer{}, err
	}
	if err := s.store.CreateResourceServer(ctx, tenant, r); err != nil {
		return ResourceServer{}, fmt.Errorf("creating a resource server: %w", err)
	}
	return r, nil
}

// UpdateResourceServer changes it as ResourceServer.Patched says; ErrNoResourceServer.
func (s *Service) UpdateResourceServer(ctx context.Context, tenant tenancy.ID, idOrIdentifier string, patch Settings) (ResourceServer, error) {
	return revised(
		func() (ResourceServer, error) { return s.store.FindResourceServer(ctx, tenant, idOrIdentifier) },
		func(r ResourceServer) (ResourceServer, error) { return r.Patched(patch, s.now()) },
		func(r ResourceServer) error { return s.store.UpdateResourceServer(ctx, tenant, r) })
}

// DeleteResourceServer removes it with the grants for it; a repeat is fine. A system one stays.
func (s *Service) DeleteResourceServer(ctx context.Context, tenant tenancy.ID, idOrIdentifier string) error {
	r, err := s.store.FindResourceServer(ctx, tenant, idOrIdentifier)
	if err != nil {
		return gone(err, ErrNoResourceServer)
	}
	if r.System {
		return errUnsupported("A system API cannot be deleted")
	}
	return gone(s.store.DeleteResourceServer(ctx, tenant, r.ID), ErrNoResourceServer)
}
