package store

import (
	"context"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

const placeOptions = "connection_options"

var errConnectionRefused = map[string]*fault.Error{
	"connections_name":          client.ErrNameTaken,
	"connection_clients_client": client.ErrNoClient,
}

// connectionObject names a connection in a fact by both of what caches know it by, the id first: no id holds a space.
func connectionObject(id, name string) string { return id + " " + name }

func (s *Store) toConnection(ctx context.Context, tenant tenancy.ID, row sqlcgen.Connection, enabled []client.ID) (client.Connection, error) {
	c := client.Connection{
		ID: row.ID, Name: row.Name, Strategy: row.Strategy, EnabledClients: append([]client.ID{}, enabled...),
		Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(), Version: row.Version,
	}
	var err error
	if c.Settings, err = decode(row.Settings); err != nil {
		return client.Connection{}, err
	}
	plain, err := s.open(ctx, tenant, placeOptions, row.ID, row.OptionsSealed)
	if err != nil {
		return client.Connection{}, err
	}
	c.Options, err = decode(plain)
	return c, err
}

// enabledFor gives the clients of each connection.
func enabledFor(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, rows ...sqlcgen.Connection) (map[string][]client.ID, error) {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	links, err := q.EnabledClients(ctx, sqlcgen.EnabledClientsParams{TenantID: string(tenant), ConnectionIds: ids})
	if err != nil {
		return nil, err
	}
	enabled := map[string][]client.ID{}
	for _, link := range links {
		enabled[link.ConnectionID] = append(enabled[link.ConnectionID], client.ID(link.ClientID))
	}
	return enabled, nil
}

func (s *Store) findConnection(ctx context.Context, tenant tenancy.ID, find func(*sqlcgen.Queries) (sqlcgen.Connection, error)) (client.Connection, error) {
	var row sqlcgen.Connection
	var enabled map[string][]client.ID
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		if row, err = find(q); err != nil {
			return err
		}
		enabled, err = enabledFor(ctx, q, tenant, row)
		return err
	})
	if err != nil {
		return client.Connection{}, found(err, client.ErrNoConnection)
	}
	return s.toConnection(ctx, tenant, row, enabled[row.ID])
}

// FindConnection implements client.Store.
func (s *Store) FindConnection(ctx context.Context, tenant tenancy.ID, id string) (client.Connection, error) {
	return s.findConnection(ctx, tenant, func(q *sqlcgen.Queries) (sqlcgen.Connection, error) {
		return q.FindConnection(ctx, sqlcgen.FindConnectionParams{TenantID: string(tenant), ID: id})
	})
}

// FindConnectionNamed implements client.Store.
func (s *Store) FindConnectionNamed(ctx context.Context, tenant tenancy.ID, name string) (client.Connection, error) {
	return s.findConnection(ctx, tenant, func(q *sqlcgen.Queries) (sqlcgen.Connection, error) {
		return q.FindConnectionNamed(ctx, sqlcgen.FindConnectionNamedParams{TenantID: string(tenant), Name: name})
	})
}

// ListConnections implements client.Store.
func (s *Store) ListConnections(ctx context.Context, tenant tenancy.ID, f client.ConnectionFilter, p client.Page) (client.Part[client.Connection], error) {
	after, limit, skip, err := bounds(p)
	if err != nil {
		return client.Part[client.Connection]{}, err
	}
	var rows []sqlcgen.Connection
	var enabled map[string][]client.ID
	var total int64
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		strategies := append([]string{}, f.Strategies...)
		rows, err = q.ListConnections(ctx, sqlcgen.ListConnectionsParams{
			TenantID: string(tenant), Strategies: strategies, Name: f.Name, ClientID: string(f.Client), After: after, MaxRows: limit, Skip: skip,
		})
		if err != nil {
			return err
		}
		if enabled, err = enabledFor(ctx, q, tenant, rows...); err == nil && p.Total {
			total, err = q.CountConnections(ctx, sqlcgen.CountConnectionsParams{
				TenantID: string(tenant), Strategies: strategies, Name: f.Name, ClientID: string(f.Client),
			})
		}
		return err
	})
	if err != nil {
		return client.Part[client.Connection]{}, pgkit.Error(err, nil)
	}
	out, err := part(rows, p, func(r sqlcgen.Connection) int64 { return r.Position },
		func(r sqlcgen.Connection) (client.Connection, error) {
			return s.toConnection(ctx, tenant, r, enabled[r.ID])
		})
	out.Total = int(total)
	return out, err
}

func (s *Store) sealOptions(ctx context.Context, tenant tenancy.ID, c client.Connection) (options, settings []byte, err error) {
	plain, err := encode(c.Options)
	if err != nil {
		return nil, nil, err
	}
	if options, err = s.seal(ctx, tenant, placeOptions, c.ID, plain); err != nil {
		return nil, nil, err
	}
	settings, err = encode(c.Settings)
	return options, settings, err
}

// CreateConnection implements client.Store.
func (s *Store) CreateConnection(ctx context.Context, tenant tenancy.ID, c client.Connection) error {
	options, settings, err := s.sealOptions(ctx, tenant, c)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, c)
		if err := u.insertConnection(ctx, c, options, settings); err != nil {
			return byConstraint(err, errConnectionRefused)
		}
		return u.fact(ctx, logapi.ConnectionCreated, kindConnection, connectionObject(c.ID, c.Name))
	})
}

func (u *unit) insertConnection(ctx context.Context, c client.Connection, options, settings []byte) error {
	err := u.InsertConnection(ctx, sqlcgen.InsertConnectionParams{
		TenantID: string(u.tenant), ID: c.ID, Name: c.Name, Strategy: c.Strategy, OptionsSealed: options, Settings: settings,
		CreatedAt: c.Created, UpdatedAt: c.Updated,
	})
	if err != nil {
		return err
	}
	return u.EnableClients(ctx, sqlcgen.EnableClientsParams{TenantID: string(u.tenant), ConnectionID: c.ID, ClientIds: texts(c.EnabledClients)})
}

// UpdateConnection implements client.Store.
func (s *Store) UpdateConnection(ctx context.Context, tenant tenancy.ID, c client.Connection) error {
	options, settings, err := s.sealOptions(ctx, tenant, c)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, c)
		n, err := u.UpdateConnection(ctx, sqlcgen.UpdateConnectionParams{
			TenantID: string(tenant), ID: c.ID, Version: c.Version, OptionsSealed: options, Settings: settings, UpdatedAt: c.Updated,
		})
		err = changed(n, err, func() (bool, error) {
			return u.ConnectionExists(ctx, sqlcgen.ConnectionExistsParams{TenantID: string(tenant), ID: c.ID})
		}, client.ErrNoConnection)
		if err != nil {
			return err
		}
		enabled := texts(c.EnabledClients)
		if err := u.ClearClients(ctx, sqlcgen.ClearClientsParams{TenantID: string(tenant), ConnectionID: c.ID, Keep: enabled}); err != nil {
			return err
		}
		err = u.EnableClients(ctx, sqlcgen.EnableClientsParams{TenantID: string(tenant), ConnectionID: c.ID, ClientIds: enabled})
		if err != nil {
			return byConstraint(err, errConnectionRefused)
		}
		return u.fact(ctx, logapi.ConnectionUpdated, kindConnection, connectionObject(c.ID, c.Name))
	})
}

// DeleteConnection implements client.Store.
func (s *Store) DeleteConnection(ctx context.Context, tenant tenancy.ID, id string) error {
	return s.write(ctx, tenant, func(u *unit) error {
		name, err := u.DeleteConnection(ctx, sqlcgen.DeleteConnectionParams{TenantID: string(tenant), ID: id})
		if err != nil {
			return found(err, client.ErrNoConnection)
		}
		return u.fact(ctx, logapi.ConnectionDeleted, kindConnection, connectionObject(id, name))
	})
}

func texts(ids []client.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}
