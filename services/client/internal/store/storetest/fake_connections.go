package storetest

import (
	"context"
	"slices"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

func showConnection(c client.Connection) client.Connection {
	c.Settings, c.Options, c.EnabledClients = copied(c.Settings), copied(c.Options), append([]client.ID{}, c.EnabledClients...)
	return c
}

func (f *Fake) findConnection(tenant tenancy.ID, is func(client.Connection) bool) (client.Connection, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Connection{}, err
	}
	defer end()
	i := index(s.connections, is)
	if i < 0 {
		return client.Connection{}, client.ErrNoConnection
	}
	return showConnection(s.connections[i].item), nil
}

// FindConnection implements client.Store.
func (f *Fake) FindConnection(_ context.Context, tenant tenancy.ID, id string) (client.Connection, error) {
	return f.findConnection(tenant, func(c client.Connection) bool { return c.ID == id })
}

// FindConnectionNamed implements client.Store.
func (f *Fake) FindConnectionNamed(_ context.Context, tenant tenancy.ID, name string) (client.Connection, error) {
	return f.findConnection(tenant, func(c client.Connection) bool { return c.Name == name })
}

// ListConnections implements client.Store.
func (f *Fake) ListConnections(_ context.Context, tenant tenancy.ID, filter client.ConnectionFilter, p client.Page) (client.Part[client.Connection], error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Part[client.Connection]{}, err
	}
	defer end()
	return pick(s.connections, p, func(c client.Connection) bool {
		return (len(filter.Strategies) == 0 || slices.Contains(filter.Strategies, c.Strategy)) && (filter.Name == "" || filter.Name == c.Name) &&
			(filter.Client == "" || slices.Contains(c.EnabledClients, filter.Client))
	}, showConnection)
}

// CreateConnection implements client.Store.
func (f *Fake) CreateConnection(_ context.Context, tenant tenancy.ID, c client.Connection) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	if index(s.connections, func(other client.Connection) bool { return other.Name == c.Name }) >= 0 {
		return client.ErrNameTaken
	}
	if slices.ContainsFunc(c.EnabledClients, func(id client.ID) bool { return !s.hasClient(id) }) {
		return client.ErrNoClient
	}
	f.addConnection(s, tenant, c)
	return nil
}

func (f *Fake) addConnection(s *shelf, tenant tenancy.ID, c client.Connection) {
	c = showConnection(c)
	c.Version = 1
	s.connections = append(s.connections, placed[client.Connection]{f.next(), c})
	f.tell(tenant, "connection.created", "connection", c.ID+" "+c.Name)
}

// UpdateConnection implements client.Store.
func (f *Fake) UpdateConnection(_ context.Context, tenant tenancy.ID, c client.Connection) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.connections, func(other client.Connection) bool { return other.ID == c.ID })
	switch {
	case i < 0:
		return client.ErrNoConnection
	case s.connections[i].item.Version != c.Version:
		return client.ErrChanged
	case slices.ContainsFunc(c.EnabledClients, func(id client.ID) bool { return !s.hasClient(id) }):
		return client.ErrNoClient
	}
	was := s.connections[i].item
	c = showConnection(c)
	c.Version, c.Created, c.Name, c.Strategy = was.Version+1, was.Created, was.Name, was.Strategy
	s.connections[i].item = c
	f.tell(tenant, "connection.updated", "connection", c.ID+" "+c.Name)
	return nil
}

// DeleteConnection implements client.Store.
func (f *Fake) DeleteConnection(_ context.Context, tenant tenancy.ID, id string) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.connections, func(c client.Connection) bool { return c.ID == id })
	if i < 0 {
		return client.ErrNoConnection
	}
	f.tell(tenant, "connection.deleted", "connection", id+" "+s.connections[i].item.Name)
	s.connections = slices.Delete(s.connections, i, i+1)
	s.scim = slices.DeleteFunc(s.scim, func(p placed[provisioning]) bool { return p.item.ConnectionID == id })
	return nil
}

// SeedTenant implements client.Store.
func (f *Fake) SeedTenant(_ context.Context, tenant tenancy.ID, seed client.Seed) (client.Seeded, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Seeded{}, err
	}
	defer end()
	if s.seeded != nil {
		return *s.seeded, nil
	}
	f.addServer(s, tenant, seed.API)
	for _, c := range []client.Client{seed.Global, seed.Default, seed.Management} {
		f.addClient(s, tenant, c)
	}
	f.addGrant(s, tenant, seed.Grant)
	f.addConnection(s, tenant, seed.Database)
	s.seeded = &client.Seeded{Management: seed.Management.ID, Default: seed.Default.ID}
	return *s.seeded, nil
}

// FindSeeded implements client.Store.
func (f *Fake) FindSeeded(_ context.Context, tenant tenancy.ID) (client.Seeded, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Seeded{}, err
	}
	defer end()
	if s.seeded == nil {
		return client.Seeded{}, fault.NotFound("not seeded")
	}
	return *s.seeded, nil
}

// RemoveTenant implements client.Store.
func (f *Fake) RemoveTenant(_ context.Context, tenant tenancy.ID) error {
	_, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	delete(f.tenants, tenant)
	return nil
}
