// Package store keeps keys, logins, codes and opaque tokens in PostgreSQL. Row-level security shows each transaction its tenant's
// rows alone, and every query names the tenant besides. A step that has a fact writes it in the same transaction.
package store

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/facts"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the schema's, in order.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}

// Store is the PostgreSQL side of the domain's store ports. Safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	kick func()
}

var (
	_ token.KeyStore   = (*Store)(nil)
	_ token.LoginStore = (*Store)(nil)
	_ token.CodeStore  = (*Store)(nil)

	_ token.OpaqueStore    = (*Store)(nil)
	_ token.AssertionStore = (*Store)(nil)
	_ token.RefreshStore   = (*Store)(nil)
	_ token.RefreshAdmin   = (*Store)(nil)
	_ token.DeviceKeyStore = (*Store)(nil)
	_ token.ConsentStore   = (*Store)(nil)
	_ token.PushStore      = (*Store)(nil)
	_ token.DeviceStore    = (*Store)(nil)
	_ token.SessionAdmin   = (*Store)(nil)
	_ token.LogoutQueue    = (*Store)(nil)
	_ token.TransferStore  = (*Store)(nil)
)

// New makes a Store; kick is called after each commit that left a fact (pgkit.Relay.Kick).
func New(pool *pgxpool.Pool, kick func()) *Store { return &Store{pool: pool, kick: kick} }

// write runs fn as one change of tenant, with its fact; nil: the change has none.
func (s *Store) write(ctx context.Context, tenant tenancy.ID, f *token.Fact, fn func(*sqlcgen.Queries) error) error {
	return s.change(ctx, tenant, f, func(q, _ *sqlcgen.Queries) error { return fn(q) })
}

// change is write whose fn has a second hand, last: what it does leaves with the commit (pgkit.Later).
func (s *Store) change(ctx context.Context, tenant tenancy.ID, f *token.Fact, fn func(q, last *sqlcgen.Queries) error) error {
	err := pgkit.InTenant(ctx, s.pool, tenant, func(tx pgx.Tx) error {
		if err := fn(sqlcgen.New(tx), sqlcgen.New(pgkit.Later(tx))); err != nil || f == nil {
			return err
		}
		return appendFact(ctx, tx, tenant, *f)
	})
	if err != nil {
		return translate(err)
	}
	if f != nil {
		s.kick()
	}
	return nil
}

func (s *Store) read(ctx context.Context, tenant tenancy.ID, fn func(*sqlcgen.Queries) error) error {
	return translate(pgkit.InTenantRead(ctx, s.pool, tenant, func(tx pgx.Tx) error { return fn(sqlcgen.New(tx)) }))
}

func translate(err error) error { return pgkit.Error(err, errNotFound()) }

func errNotFound() *fault.Error { return fault.NotFound("Not found") }

// must makes "no row changed" what it means here: there was nothing to change.
func must(rows int64, err error) error {
	if err == nil && rows == 0 {
		return errNotFound()
	}
	return err
}

func appendFact(ctx context.Context, tx pgx.Tx, tenant tenancy.ID, f token.Fact) error {
	e := facts.Event(f)
	payload, err := e.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	return pgkit.AppendOutbox(ctx, tx, tenant, e.Subject, e.ID, payload)
}

// RecordFact implements token.LoginStore.
func (s *Store) RecordFact(ctx context.Context, f token.Fact) error {
	return s.write(ctx, f.Tenant, &f, func(*sqlcgen.Queries) error { return nil })
}

// Record implements token.Recorder.
func (s *Store) Record(ctx context.Context, f token.Fact) error { return s.RecordFact(ctx, f) }

// RemoveTenant deletes all the tenant has here; a repeat is fine. Facts not yet published stay until they are.
func (s *Store) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		for _, remove := range []func(context.Context, string) error{
			q.DeleteTenantAccessTokens, q.DeleteTenantAssertions, q.DeleteTenantCodes, q.DeleteTenantTransactions, q.DeleteTenantSessions, q.DeleteKeys,
			q.DeleteTenantRefreshTokens, q.DeleteTenantDeviceKeys, q.DeleteTenantLogoutMessages, q.DeleteTenantDeviceCodes, q.DeleteTenantConsents, q.DeleteTenantPushed,
			q.DeleteTenantRevocations, q.DeleteTenantTokenCounts, q.DeleteTenantTransfers,
		} {
			if err := remove(ctx, string(tenant)); err != nil {
				return err
			}
		}
		return nil
	})
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func hash(b []byte) (h token.Hash) {
	copy(h[:], b)
	return h
}
