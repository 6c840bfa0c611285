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

const placeSigning = "signing_secret"

var errIdentifierTaken = map[string]*fault.Error{
	"resource_servers_identifier": client.ErrIdentifierTaken,
}

func (s *Store) toResourceServer(ctx context.Context, tenant tenancy.ID, row sqlcgen.ResourceServer, clientID string) (client.ResourceServer, error) {
	r := client.ResourceServer{
		ID: row.ID, Identifier: row.Identifier, Name: row.Name, System: row.IsSystem, ClientID: client.ID(clientID),
		Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(), Version: row.Version,
	}
	var err error
	if r.Settings, err = decode(row.Settings); err != nil {
		return client.ResourceServer{}, err
	}
	plain, err := s.open(ctx, tenant, placeSigning, row.ID, row.SigningSecretSealed)
	r.SigningSecret = client.Secret(plain)
	return r, err
}

// FindResourceServer implements client.Store.
func (s *Store) FindResourceServer(ctx context.Context, tenant tenancy.ID, idOrIdentifier string) (client.ResourceServer, error) {
	var row sqlcgen.FindResourceServerRow
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindResourceServer(ctx, sqlcgen.FindResourceServerParams{TenantID: string(tenant), IDOrIdentifier: idOrIdentifier})
		return err
	})
	if err != nil {
		return client.ResourceServer{}, found(err, client.ErrNoResourceServer)
	}
	return s.toResourceServer(ctx, tenant, row.ResourceServer, row.ClientID)
}

// ListResourceServers implements client.Store.
func (s *Store) ListResourceServers(ctx context.Context, tenant tenancy.ID, identifiers []string, p client.Page) (client.Part[client.ResourceServer], error) {
	after, limit, skip, err := bounds(p)
	if err != nil {
		return client.Part[client.ResourceServer]{}, err
	}
	var rows []sqlcgen.ListResourceServersRow
	var total int64
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		wanted := append([]string{}, identifiers...)
		rows, err = q.ListResourceServers(ctx, sqlcgen.ListResourceServersParams{
			TenantID: string(tenant), Identifiers: wanted, After: after, MaxRows: limit, Skip: skip,
		})
		if err == nil && p.Total {
			total, err = q.CountResourceServers(ctx, sqlcgen.CountResourceServersParams{TenantID: string(tenant), Identifiers: wanted})
		}
		return err
	})
	if err != nil {
		return client.Part[client.ResourceServer]{}, pgkit.Error(err, nil)
	}
	out, err := part(rows, p, func(r sqlcgen.ListResourceServersRow) int64 { return r.ResourceServer.Position },
		func(r sqlcgen.ListResourceServersRow) (client.ResourceServer, error) {
			return s.toResourceServer(ctx, tenant, r.ResourceServer, r.ClientID)
		})
	out.Total = int(total)
	return out, err
}

// CreateResourceServer implements client.Store.
func (s *Store) CreateResourceServer(ctx context.Context, tenant tenancy.ID, r client.ResourceServer) error {
	sealed, err := s.seal(ctx, tenant, placeSigning, r.ID, []byte(r.SigningSecret))
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, r)
		if err := u.insertResourceServer(ctx, r, sealed); err != nil {
			return byConstraint(err, errIdentifierTaken)
		}
		return u.fact(ctx, logapi.ResourceServerCreated, kindResourceServer, r.Identifier)
	})
}

func (u *unit) insertResourceServer(ctx context.Context, r client.ResourceServer, sealed []byte) error {
	settings, err := encode(r.Settings)
	if err != nil {
		return err
	}
	return u.InsertResourceServer(ctx, sqlcgen.InsertResourceServerParams{
		TenantID: string(u.tenant), ID: r.ID, Identifier: r.Identifier, Name: r.Name, IsSystem: r.System, SigningSecretSealed: sealed,
		Settings: settings, CreatedAt: r.Created, UpdatedAt: r.Updated,
	})
}

// UpdateResourceServer implements client.Store.
func (s *Store) UpdateResourceServer(ctx context.Context, tenant tenancy.ID, r client.ResourceServer) error {
	sealed, err := s.seal(ctx, tenant, placeSigning, r.ID, []byte(r.SigningSecret))
	if err != nil {
		return err
	}
	settings, err := encode(r.Settings)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, r)
		n, err := u.UpdateResourceServer(ctx, sqlcgen.UpdateResourceServerParams{
			TenantID: string(tenant), ID: r.ID, Version: r.Version, Name: r.Name, SigningSecretSealed: sealed, Settings: settings, UpdatedAt: r.Updated,
		})
		err = changed(n, err, func() (bool, error) {
			return u.ResourceServerExists(ctx, sqlcgen.ResourceServerExistsParams{TenantID: string(tenant), ID: r.ID})
		}, client.ErrNoResourceServer)
		if err != nil {
			return err
		}
		return u.fact(ctx, logapi.ResourceServerUpdated, kindResourceServer, r.Identifier)
	})
}

// DeleteResourceServer implements client.Store. The grants go by the foreign key.
func (s *Store) DeleteResourceServer(ctx context.Context, tenant tenancy.ID, id string) error {
	return s.write(ctx, tenant, func(u *unit) error {
		identifier, err := u.FindIdentifier(ctx, sqlcgen.FindIdentifierParams{TenantID: string(tenant), ID: id})
		if err != nil {
			return found(err, client.ErrNoResourceServer)
		}
		holders, err := u.GrantHolders(ctx, sqlcgen.GrantHoldersParams{TenantID: string(tenant), Audience: identifier})
		if err != nil {
			return err
		}
		if err := u.DeleteResourceServer(ctx, sqlcgen.DeleteResourceServerParams{TenantID: string(tenant), ID: id}); err != nil {
			return err
		}
		if err := u.fact(ctx, logapi.ResourceServerDeleted, kindResourceServer, identifier); err != nil {
			return err
		}
		for _, holder := range holders {
			if err := u.fact(ctx, logapi.GrantDeleted, kindGrant, holder); err != nil {
				return err
			}
		}
		return nil
	})
}
