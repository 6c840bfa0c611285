// Package control keeps the control plane's accounts in PostgreSQL: schema control of the database postern_control. It fills
// tenant.Store and tenant.WorkStore. There is no row-level security here (see the first migration): each query names the account,
// or a secret that only the account has.
package control

import (
	"context"
	"embed"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/services/tenant/internal/store/control/sqlcgen"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the schema's, for pgkit.Migrate.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Store is the control plane's tables. Safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	q    *sqlcgen.Queries
}

// New makes a store over a pool of the runtime role.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool, q: sqlcgen.New(pool)} }

func (s *Store) inTx(ctx context.Context, notFound *fault.Error, fn func(*sqlcgen.Queries) error) error {
	return pgkit.Error(pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) }), notFound)
}

// violates reports whether err is about the constraint.
func violates(err error, constraint string) bool {
	return strings.EqualFold(pgkit.Constraint(err), constraint)
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// ref gives what deref takes: the empty value is null.
func ref(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func utc(t time.Time) time.Time { return t.UTC() }

func utcOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
