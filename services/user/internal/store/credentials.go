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

// replacePassword puts c in the place of the identity's credential, and keeps as many of those before it.
func replacePassword(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, i user.Identity, c user.Credential, keep int, now time.Time) error {
	if keep > 0 {
		err := q.KeepPassword(ctx, sqlcgen.KeepPasswordParams{TenantID: string(tenant), Provider: i.Provider, IdentityID: i.ID, ReplacedAt: now})
		if err != nil {
			return err
		}
	}
	err := q.ForgetPasswords(ctx, sqlcgen.ForgetPasswordsParams{TenantID: string(tenant), Provider: i.Provider, IdentityID: i.ID, Keep: rows(keep)})
	if err != nil {
		return err
	}
	return putCredential(ctx, q, tenant, i, c, now)
}

// rows is a count as SQL takes it.
func rows(n int) int32 { return int32(min(max(n, 0), 1<<20)) }

// ListPasswords implements user.Store.
func (s *Store) ListPasswords(ctx context.Context, tenant tenancy.ID, i user.Identity, limit int) ([]user.Credential, error) {
	var known []user.Credential
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		hashes, err := q.ListPasswords(ctx, sqlcgen.ListPasswordsParams{
			TenantID: string(tenant), Provider: i.Provider, IdentityID: i.ID, MaxRows: rows(limit),
		})
		for _, hash := range hashes {
			known = append(known, user.Credential{Hash: hash})
		}
		return err
	})
	return known, err
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
