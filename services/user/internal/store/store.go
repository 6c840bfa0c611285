// Package store keeps users in PostgreSQL. Row-level security shows each transaction its tenant's rows alone, and every query names
// the tenant besides. It writes the event of a change in the change's own transaction.
package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Store is a user.Store. Safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	kick func()
}

var _ user.Store = (*Store)(nil)

// New makes a Store; kick is called after each commit that left an event (pgkit.Relay.Kick).
func New(pool *pgxpool.Pool, kick func()) *Store { return &Store{pool: pool, kick: kick} }

// write runs fn as one change of tenant; translate turns what it fails with into the domain's faults.
func (s *Store) write(ctx context.Context, tenant tenancy.ID, fn func(pgx.Tx, *sqlcgen.Queries) error) error {
	err := pgkit.InTenant(ctx, s.pool, tenant, func(tx pgx.Tx) error { return fn(tx, sqlcgen.New(tx)) })
	if err != nil {
		return translate(err)
	}
	s.kick()
	return nil
}

func (s *Store) read(ctx context.Context, tenant tenancy.ID, fn func(pgx.Tx, *sqlcgen.Queries) error) error {
	return translate(pgkit.InTenantRead(ctx, s.pool, tenant, func(tx pgx.Tx) error { return fn(tx, sqlcgen.New(tx)) }))
}

func translate(err error) error {
	err = pgkit.Error(err, user.ErrNotFound)
	if fault.Is(err, fault.KindConflict) {
		return user.ErrExists.Because(err)
	}
	return err
}

// event appends what happened to a user. The acting caller and the tenant's name ride in ctx.
func event(ctx context.Context, tx pgx.Tx, tenant tenancy.ID, subject string, u user.User, now time.Time) error {
	e := logapi.New(now, tenant, subject)
	if t, ok := tenancy.From(ctx); ok {
		e.TenantName = t.Name
	}
	e.Object = &logapi.Object{Kind: "user", ID: string(u.ID)}
	e.Entry = logapi.EntryOf(audit.From(ctx).Answered(u))
	payload, err := e.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	return pgkit.AppendOutbox(ctx, tx, tenant, e.Subject, e.ID, payload)
}

// null makes an empty text SQL's null.
func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func encodeMetadata(m user.Metadata) ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding metadata: %w", err))
	}
	return b, nil
}

func decodeMetadata(b []byte) (user.Metadata, error) {
	if b == nil {
		return nil, nil
	}
	var m user.Metadata
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fault.Internal(fmt.Errorf("decoding metadata: %w", err))
	}
	return m, nil
}
