package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

const (
	kindSCIM      = "scim_configuration"
	kindSCIMToken = "scim_token"
)

var errSCIMRefused = map[string]*fault.Error{
	"scim_configurations_connection": client.ErrNoConnection,
	"scim_configurations_pkey":       client.ErrSCIMExists,
}

// scimMapping is how a mapping is stored.
type scimMapping struct {
	Auth0 string `json:"auth0"`
	SCIM  string `json:"scim"`
}

func encodeSCIM(mapping []client.SCIMMapping) ([]byte, error) {
	rows := make([]scimMapping, len(mapping))
	for i, m := range mapping {
		rows[i] = scimMapping(m)
	}
	b, err := json.Marshal(rows)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding a SCIM mapping: %w", err))
	}
	return b, nil
}

func toSCIM(row sqlcgen.FindSCIMRow) (client.SCIM, error) {
	var rows []scimMapping
	if err := json.Unmarshal(row.Mapping, &rows); err != nil {
		return client.SCIM{}, fault.Internal(fmt.Errorf("decoding a SCIM mapping: %w", err))
	}
	s := client.SCIM{
		ConnectionID: row.ConnectionID, ConnectionName: row.ConnectionName, Strategy: row.Strategy, UserIDAttribute: row.UserIDAttribute,
		Mapping: make([]client.SCIMMapping, len(rows)), Created: row.CreatedAt.UTC(), Updated: row.UpdatedAt.UTC(),
	}
	for i, m := range rows {
		s.Mapping[i] = client.SCIMMapping(m)
	}
	return s, nil
}

// noSCIM tells, after a configuration was not found, whether that or its connection is missing.
func noSCIM(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, connectionID string) error {
	there, err := q.ConnectionExists(ctx, sqlcgen.ConnectionExistsParams{TenantID: string(tenant), ID: connectionID})
	switch {
	case err != nil:
		return pgkit.Error(err, nil)
	case there:
		return client.ErrNoSCIM
	}
	return client.ErrNoConnection
}

func findSCIM(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, connectionID string) (client.SCIM, error) {
	row, err := q.FindSCIM(ctx, sqlcgen.FindSCIMParams{TenantID: string(tenant), ConnectionID: connectionID})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return client.SCIM{}, noSCIM(ctx, q, tenant, connectionID)
	case err != nil:
		return client.SCIM{}, pgkit.Error(err, nil)
	}
	return toSCIM(row)
}

// FindSCIM implements client.Store.
func (s *Store) FindSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) (client.SCIM, error) {
	var scim client.SCIM
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		scim, err = findSCIM(ctx, q, tenant, connectionID)
		return err
	})
	return scim, err
}

// ListSCIM implements client.Store.
func (s *Store) ListSCIM(ctx context.Context, tenant tenancy.ID, p client.Page) (client.Part[client.SCIM], error) {
	after, limit, skip, err := bounds(p)
	if err != nil {
		return client.Part[client.SCIM]{}, err
	}
	var rows []sqlcgen.ListSCIMRow
	var total int64
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		rows, err = q.ListSCIM(ctx, sqlcgen.ListSCIMParams{TenantID: string(tenant), After: after, MaxRows: limit, Skip: skip})
		if err == nil && p.Total {
			total, err = q.CountSCIM(ctx, string(tenant))
		}
		return err
	})
	if err != nil {
		return client.Part[client.SCIM]{}, pgkit.Error(err, nil)
	}
	out, err := part(rows, p, func(r sqlcgen.ListSCIMRow) int64 { return r.Position },
		func(r sqlcgen.ListSCIMRow) (client.SCIM, error) { return toSCIM(sqlcgen.FindSCIMRow(r)) })
	out.Total = int(total)
	return out, err
}

// CreateSCIM implements client.Store.
func (s *Store) CreateSCIM(ctx context.Context, tenant tenancy.ID, scim client.SCIM) error {
	mapping, err := encodeSCIM(scim.Mapping)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, scim)
		err := u.InsertSCIM(ctx, sqlcgen.InsertSCIMParams{
			TenantID: string(tenant), ConnectionID: scim.ConnectionID, UserIDAttribute: scim.UserIDAttribute, Mapping: mapping,
			CreatedAt: scim.Created, UpdatedAt: scim.Updated,
		})
		if err != nil {
			return byConstraint(err, errSCIMRefused)
		}
		return u.fact(ctx, logapi.SCIMCreated, kindSCIM, scim.ConnectionID)
	})
}

// UpdateSCIM implements client.Store.
func (s *Store) UpdateSCIM(ctx context.Context, tenant tenancy.ID, scim client.SCIM) (client.SCIM, error) {
	mapping, err := encodeSCIM(scim.Mapping)
	if err != nil {
		return client.SCIM{}, err
	}
	var is client.SCIM
	err = s.write(ctx, tenant, func(u *unit) error {
		_, err := u.UpdateSCIM(ctx, sqlcgen.UpdateSCIMParams{
			TenantID: string(tenant), ConnectionID: scim.ConnectionID, UserIDAttribute: scim.UserIDAttribute, Mapping: mapping, UpdatedAt: scim.Updated,
		})
		if err != nil {
			return pgkit.Error(err, nil)
		}
		if is, err = findSCIM(ctx, u.Queries, tenant, scim.ConnectionID); err != nil {
			return err
		}
		u.leaves(ctx, is)
		return u.fact(ctx, logapi.SCIMUpdated, kindSCIM, scim.ConnectionID)
	})
	return is, err
}

// DeleteSCIM implements client.Store.
func (s *Store) DeleteSCIM(ctx context.Context, tenant tenancy.ID, connectionID string) error {
	return s.write(ctx, tenant, func(u *unit) error {
		n, err := u.DeleteSCIM(ctx, sqlcgen.DeleteSCIMParams{TenantID: string(tenant), ConnectionID: connectionID})
		switch {
		case err != nil:
			return pgkit.Error(err, nil)
		case n == 0:
			return client.ErrNoSCIM
		}
		return u.fact(ctx, logapi.SCIMDeleted, kindSCIM, connectionID)
	})
}

// ListSCIMTokens implements client.Store.
func (s *Store) ListSCIMTokens(ctx context.Context, tenant tenancy.ID, connectionID string) ([]client.SCIMToken, error) {
	tokens := []client.SCIMToken{}
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		if _, err := findSCIM(ctx, q, tenant, connectionID); err != nil {
			return err
		}
		rows, err := q.ListSCIMTokens(ctx, sqlcgen.ListSCIMTokensParams{TenantID: string(tenant), ConnectionID: connectionID})
		for _, row := range rows {
			tokens = append(tokens, client.SCIMToken{
				ID: row.ID, Hash: row.Hash, Scopes: row.Scopes, Created: row.CreatedAt.UTC(), Expires: zeroTime(row.ExpiresAt),
				LastUsed: zeroTime(row.LastUsedAt),
			})
		}
		return pgkit.Error(err, nil)
	})
	return tokens, err
}

func zeroTime(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// CreateSCIMToken implements client.Store.
func (s *Store) CreateSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID string, t client.SCIMToken, most int) error {
	return s.write(ctx, tenant, func(u *unit) error {
		u.leaves(ctx, t)
		_, err := u.LockSCIM(ctx, sqlcgen.LockSCIMParams{TenantID: string(tenant), ConnectionID: connectionID})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return noSCIM(ctx, u.Queries, tenant, connectionID)
		case err != nil:
			return pgkit.Error(err, nil)
		}
		n, err := u.CountSCIMTokens(ctx, sqlcgen.CountSCIMTokensParams{TenantID: string(tenant), ConnectionID: connectionID})
		switch {
		case err != nil:
			return pgkit.Error(err, nil)
		case n >= int64(most):
			return client.ErrSCIMTokens
		}
		err = u.InsertSCIMToken(ctx, sqlcgen.InsertSCIMTokenParams{
			TenantID: string(tenant), ID: t.ID, ConnectionID: connectionID, Hash: t.Hash, Scopes: t.Scopes, CreatedAt: t.Created,
			ExpiresAt: nullTime(t.Expires),
		})
		if err != nil {
			return pgkit.Error(err, nil)
		}
		return u.fact(ctx, logapi.SCIMTokenCreated, kindSCIMToken, t.ID)
	})
}

// DeleteSCIMToken implements client.Store.
func (s *Store) DeleteSCIMToken(ctx context.Context, tenant tenancy.ID, connectionID, id string) error {
	return s.write(ctx, tenant, func(u *unit) error {
		n, err := u.DeleteSCIMToken(ctx, sqlcgen.DeleteSCIMTokenParams{TenantID: string(tenant), ConnectionID: connectionID, ID: id})
		switch {
		case err != nil:
			return pgkit.Error(err, nil)
		case n == 0:
			return client.ErrNoSCIMToken
		}
		return u.fact(ctx, logapi.SCIMTokenDeleted, kindSCIMToken, id)
	})
}
