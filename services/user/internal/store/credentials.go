package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/user/internal/user"
)

func putCredential(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, i user.Identity, c user.Credential, now time.Time) error {
	return q.PutCredential(ctx, sqlcgen.PutCredentialParams{
		TenantID: string(tenant), Provider: i.Provider, IdentityID: i.ID, Hash: c.Hash, UpdatedAt: now,
	})
}

// FindByIdentifier implements user.Store.
func (s *Store) FindByIdentifier(ctx context.Context, tenant tenancy.ID, connection, identifier string) (user.ID, user.Identity, user.Credential, error) {
	var found sqlcgen.FindByEmailRow
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) (err error) {
		if isEmail(identifier) {
			found, err = q.FindByEmail(ctx, sqlcgen.FindByEmailParams{TenantID: string(tenant), Connection: connection, Identifier: identifier})
			return err
		}
		row, err := q.FindByUsername(ctx, sqlcgen.FindByUsernameParams{TenantID: string(tenant), Connection: connection, Identifier: identifier})
		found = sqlcgen.FindByEmailRow(row)
		return err
	})
	if err != nil {
		return "", user.Identity{}, user.Credential{}, err
	}
	identity := user.Identity{Connection: found.Connection, Provider: found.Provider, ID: found.ID}
	return user.ID(found.UserID), identity, user.Credential{Hash: found.Hash}, nil
}

// ReplaceHash implements user.Store.
func (s *Store) ReplaceHash(ctx context.Context, tenant tenancy.ID, i user.Identity, old, fresh user.Credential) error {
	return s.write(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		return q.ReplaceHash(ctx, sqlcgen.ReplaceHashParams{
			TenantID: string(tenant), Provider: i.Provider, IdentityID: i.ID, OldHash: old.Hash, NewHash: fresh.Hash,
		})
	})
}
