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

var errGrantRefused = map[string]*fault.Error{
	"client_grants_once":     client.ErrGrantExists,
	"client_grants_client":   client.ErrNoClient,
	"client_grants_audience": client.ErrNoResourceServer,
}

func toGrant(row sqlcgen.ClientGrant) (client.Grant, error) {
	g := client.Grant{
		ID: row.ID, DefaultFor: row.DefaultFor, Audience: row.Audience, Scope: row.Scope, SubjectType: row.SubjectType, System: row.IsSystem,
		Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if row.ClientID != nil {
		g.ClientID = client.ID(*row.ClientID)
	}
	var err error
	g.Settings, err = decode(row.Settings)
	return g, err
}

// holder is by what caches know a grant: its client, or the kind it stands in for.
func holder(g client.Grant) string {
	if g.ClientID != "" {
		return string(g.ClientID)
	}
	return g.DefaultFor
}

// FindGrant implements client.Store.
func (s *Store) FindGrant(ctx context.Context, tenant tenancy.ID, id string) (client.Grant, error) {
	var row sqlcgen.ClientGrant
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindGrant(ctx, sqlcgen.FindGrantParams{TenantID: string(tenant), ID: id})
		return err
	})
	if err != nil {
		return client.Grant{}, found(err, client.ErrNoGrant)
	}
	return toGrant(row)
}

// FindGrantFor implements client.Store.
func (s *Store) FindGrantFor(ctx context.Context, tenant tenancy.ID, id client.ID, audience, subjectType string) (client.Grant, error) {
	var row sqlcgen.ClientGrant
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindGrantFor(ctx, sqlcgen.FindGrantForParams{
			TenantID: string(tenant), ClientID: string(id), Audience: audience, SubjectType: subjectType,
		})
		return err
	})
	if err != nil {
		return client.Grant{}, found(err, client.ErrNoGrant)
	}
	return toGrant(row)
}

// ListGrants implements client.Store.
func (s *Store) ListGrants(ctx context.Context, tenant tenancy.ID, f client.GrantFilter, p client.Page) (client.Part[client.Grant], error) {
	after, limit, skip, err := bounds(p)
	if err != nil {
		return client.Part[client.Grant]{}, err
	}
	var rows []sqlcgen.ClientGrant
	var total int64
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		rows, err = q.ListGrants(ctx, sqlcgen.ListGrantsParams{
			TenantID: string(tenant), ClientID: string(f.ClientID), Audience: f.Audience, SubjectType: f.SubjectType, DefaultFor: f.DefaultFor,
			AnyOrganization: f.AnyOrganization, After: after, MaxRows: limit, Skip: skip,
		})
		if err == nil && p.Total {
			total, err = q.CountGrants(ctx, sqlcgen.CountGrantsParams{
				TenantID: string(tenant), ClientID: string(f.ClientID), Audience: f.Audience, SubjectType: f.SubjectType, DefaultFor: f.DefaultFor,
				AnyOrganization: f.AnyOrganization,
			})
		}
		return err
	})
	if err != nil {
		return client.Part[client.Grant]{}, pgkit.Error(err, nil)
	}
	out, err := part(rows, p, func(r sqlcgen.ClientGrant) int64 { return r.Position }, toGrant)
	out.Total = int(total)
	return out, err
}

// CreateGrant implements client.Store.
func (s *Store) CreateGrant(ctx context.Context, tenant tenancy.ID, g client.Grant) error {
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, g)
		if err := u.insertGrant(ctx, g); err != nil {
			return byConstraint(err, errGrantRefused)
		}
		return u.fact(ctx, logapi.GrantCreated, kindGrant, holder(g))
	})
}

func (u *unit) insertGrant(ctx context.Context, g client.Grant) error {
	settings, err := encode(g.Settings)
	if err != nil {
		return err
	}
	var clientID *string
	if g.ClientID != "" {
		id := string(g.ClientID)
		clientID = &id
	}
	return u.InsertGrant(ctx, sqlcgen.InsertGrantParams{
		TenantID: string(u.tenant), ID: g.ID, ClientID: clientID, DefaultFor: g.DefaultFor, Audience: g.Audience,
		Scope: append([]string{}, g.Scope...), SubjectType: g.SubjectType, IsSystem: g.System, Settings: settings,
		CreatedAt: g.Created, UpdatedAt: g.Updated,
	})
}

// UpdateGrant implements client.Store.
func (s *Store) UpdateGrant(ctx context.Context, tenant tenancy.ID, g client.Grant) error {
	settings, err := encode(g.Settings)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, g)
		n, err := u.UpdateGrant(ctx, sqlcgen.UpdateGrantParams{
			TenantID: string(tenant), ID: g.ID, Version: g.Version, Scope: append([]string{}, g.Scope...), Settings: settings, UpdatedAt: g.Updated,
		})
		err = changed(n, err, func() (bool, error) {
			return u.GrantExists(ctx, sqlcgen.GrantExistsParams{TenantID: string(tenant), ID: g.ID})
		}, client.ErrNoGrant)
		if err != nil {
			return err
		}
		return u.fact(ctx, logapi.GrantUpdated, kindGrant, holder(g))
	})
}

// DeleteGrant implements client.Store.
func (s *Store) DeleteGrant(ctx context.Context, tenant tenancy.ID, id string) error {
	return s.write(ctx, tenant, func(u *unit) error {
		gone, err := u.DeleteGrant(ctx, sqlcgen.DeleteGrantParams{TenantID: string(tenant), ID: id})
		if err != nil {
			return found(err, client.ErrNoGrant)
		}
		g, err := toGrant(gone)
		if err != nil {
			return err
		}
		return u.fact(ctx, logapi.GrantDeleted, kindGrant, holder(g))
	})
}
