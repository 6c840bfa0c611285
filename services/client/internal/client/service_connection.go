package client

import (
	"context"
	"fmt"
	"slices"

	"github.com/postern-id/postern/libs/tenancy"
)

// allConnections is more than any client's list is shown at once.
const allConnections = 1000

// FindConnection gives the connection with that id; ErrNoConnection.
func (s *Service) FindConnection(ctx context.Context, tenant tenancy.ID, id string) (Connection, error) {
	return s.store.FindConnection(ctx, tenant, id)
}

// FindConnectionNamed gives the connection with exactly that name; ErrNoConnection.
func (s *Service) FindConnectionNamed(ctx context.Context, tenant tenancy.ID, name string) (Connection, error) {
	return s.store.FindConnectionNamed(ctx, tenant, name)
}

// ListConnections gives a part of the connections. ErrNoClient when the filter names a client that is not there.
func (s *Service) ListConnections(ctx context.Context, tenant tenancy.ID, f ConnectionFilter, p Page) (Part[Connection], error) {
	if f.Client != "" {
		if _, err := s.store.FindClient(ctx, tenant, f.Client); err != nil {
			return Part[Connection]{}, err
		}
	}
	return s.store.ListConnections(ctx, tenant, f, p)
}

// ListEnabled gives the connections that a client's users may come from, by name: those switched on for it, and for a third-party
// client those of the whole domain. None when there is no such client.
func (s *Service) ListEnabled(ctx context.Context, tenant tenancy.ID, id ID) ([]Connection, error) {
	c, err := s.store.FindClient(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	filter := ConnectionFilter{Client: id}
	if !c.FirstParty {
		filter.Client = ""
	}
	part, err := s.store.ListConnections(ctx, tenant, filter, Page{Limit: allConnections})
	if err != nil {
		return nil, err
	}
	enabled := slices.DeleteFunc(part.Items, func(con Connection) bool {
		return !slices.Contains(con.EnabledClients, id) && !con.Settings.Flag("is_domain_connection")
	})
	slices.SortFunc(enabled, func(a, b Connection) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return enabled, nil
}

// CreateConnection adds a source of identities; Conflict when its name is taken.
func (s *Service) CreateConnection(ctx context.Context, tenant tenancy.ID, sent Settings) (Connection, error) {
	c, err := NewConnection(sent, s.now())
	if err != nil {
		return Connection{}, err
	}
	if err := s.store.CreateConnection(ctx, tenant, c); err != nil {
		return Connection{}, fmt.Errorf("creating a connection: %w", err)
	}
	return c, nil
}

// UpdateConnection changes a connection as Connection.Patched says; ErrNoConnection.
func (s *Service) UpdateConnection(ctx context.Context, tenant tenancy.ID, id string, patch Settings) (Connection, error) {
	return s.reviseConnection(ctx, tenant, id, func(c Connection) (Connection, error) { return c.Patched(patch, s.now()) })
}

// SwitchClients switches a connection on or off for the clients named, and leaves the others; ErrNoConnection, ErrNoClient.
func (s *Service) SwitchClients(ctx context.Context, tenant tenancy.ID, id string, on map[ID]bool) error {
	_, err := s.reviseConnection(ctx, tenant, id, func(c Connection) (Connection, error) { return c.Switched(on, s.now()), nil })
	return err
}

func (s *Service) reviseConnection(ctx context.Context, tenant tenancy.ID, id string, change func(Connection) (Connection, error)) (Connection, error) {
	return revised(
		func() (Connection, error) { return s.store.FindConnection(ctx, tenant, id) }, change,
		func(c Connection) error { return s.store.UpdateConnection(ctx, tenant, c) })
}

// DeleteConnection removes a connection; a repeat is fine.
func (s *Service) DeleteConnection(ctx context.Context, tenant tenancy.ID, id string) error {
	return gone(s.store.DeleteConnection(ctx, tenant, id), ErrNoConnection)
}
