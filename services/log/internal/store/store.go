// Package store keeps the audit log in PostgreSQL, in a partition a day. Row-level security shows each reader its tenant's entries
// alone; only appending is done for many tenants at once, under a policy that allows nothing else.
package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store/sqlcgen"
)

// Store is an auditlog.Store. Safe for concurrent use.
type Store struct{ pool *pgxpool.Pool }

var _ auditlog.Store = (*Store)(nil)

// New makes a Store.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

func (s *Store) read(ctx context.Context, tenant tenancy.ID, fn func(pgx.Tx, *sqlcgen.Queries) error) error {
	err := pgkit.InTenantRead(ctx, s.pool, tenant, func(tx pgx.Tx) error { return fn(tx, sqlcgen.New(tx)) })
	return pgkit.Error(err, auditlog.ErrNotFound)
}

// After implements auditlog.Store.
func (s *Store) After(ctx context.Context, tenant tenancy.ID, seq int64, limit int, usersOnly bool) ([]auditlog.Entry, error) {
	var out []auditlog.Entry
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		rows, err := q.AfterSeq(ctx, sqlcgen.AfterSeqParams{
			TenantID: string(tenant), Seq: seq, UsersOnly: usersOnly, Max: int32(min(limit, 1000)), //nolint:gosec // bounded
		})
		out = toEntries(rows)
		return err
	})
	return out, err
}

// Find implements auditlog.Store.
func (s *Store) Find(ctx context.Context, tenant tenancy.ID, id auditlog.ID) (auditlog.Entry, error) {
	seq, ok := id.Seq()
	if !ok {
		return auditlog.Entry{}, auditlog.ErrNotFound
	}
	var e auditlog.Entry
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		row, err := q.FindBySeq(ctx, sqlcgen.FindBySeqParams{TenantID: string(tenant), Seq: seq})
		e = toEntry(row)
		return err
	})
	if err == nil && e.ID() != id {
		err = auditlog.ErrNotFound
	}
	if err != nil {
		return auditlog.Entry{}, err
	}
	return e, nil
}

// The types that count (reference: type codes).
var (
	loginTypes  = []string{"s", "sepft"}
	signupTypes = []string{"ss"}
	leakTypes   = []string{"pwd_leak", "signup_pwd_leak"}
	activeTypes = []string{"s", "ss", "ssa", "sepft", "sertft"}
)

// Daily implements auditlog.Store.
func (s *Store) Daily(ctx context.Context, tenant tenancy.ID, from, to time.Time) ([]auditlog.Day, error) {
	var out []auditlog.Day
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		rows, err := q.CountDays(ctx, sqlcgen.CountDaysParams{
			TenantID: string(tenant), Since: from, Before: to, Logins: loginTypes, Signups: signupTypes, Leaks: leakTypes,
		})
		for _, r := range rows {
			out = append(out, auditlog.Day{
				Date: r.Day.UTC(), Logins: r.Logins, Signups: r.Signups, LeakedPasswords: r.LeakedPasswords, First: r.First.UTC(), Last: r.Last.UTC(),
			})
		}
		return err
	})
	return out, err
}

// ActiveUsers implements auditlog.Store.
func (s *Store) ActiveUsers(ctx context.Context, tenant tenancy.ID, since time.Time) (int, error) {
	var n int64
	err := s.read(ctx, tenant, func(_ pgx.Tx, q *sqlcgen.Queries) error {
		var err error
		n, err = q.CountActiveUsers(ctx, sqlcgen.CountActiveUsersParams{TenantID: string(tenant), Since: since, Types: activeTypes})
		return err
	})
	return int(n), err
}

// removeAtOnce bounds one deletion, so that none runs into the statement's time limit.
const removeAtOnce = 10_000

// RemoveTenant implements auditlog.Store. It deletes in many short transactions; who stops it half-way calls it again.
func (s *Store) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	for {
		var n int64
		err := pgkit.InTenant(ctx, s.pool, tenant, func(tx pgx.Tx) error {
			var err error
			n, err = sqlcgen.New(tx).DeleteSome(ctx, sqlcgen.DeleteSomeParams{TenantID: string(tenant), Max: removeAtOnce})
			return err
		})
		if err != nil || n < removeAtOnce {
			return pgkit.Error(err, nil)
		}
	}
}

// Maintain implements auditlog.Store.
func (s *Store) Maintain(ctx context.Context, first, last time.Time) error {
	return pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "select keep_partitions($1::text::date, $2::text::date)", first.UTC().Format(time.DateOnly), last.UTC().Format(time.DateOnly))
		return err
	})
}

func toEntries(rows []sqlcgen.Entry) []auditlog.Entry {
	out := make([]auditlog.Entry, len(rows))
	for i, row := range rows {
		out[i] = toEntry(row)
	}
	return out
}

func toEntry(r sqlcgen.Entry) auditlog.Entry {
	return auditlog.Entry{
		Seq: r.Seq, Ingested: r.IngestedAt.UTC(), EventID: r.EventID, Tenant: tenancy.ID(r.TenantID), TenantName: text(r.TenantName),
		Date: r.Date.UTC(), Type: r.Type, Description: text(r.Description), ClientID: text(r.ClientID), ClientName: text(r.ClientName),
		Connection: text(r.Connection), ConnectionID: text(r.ConnectionID), Strategy: text(r.Strategy), StrategyType: text(r.StrategyType),
		UserID: text(r.UserID), UserName: text(r.UserName), IP: text(r.Ip), UserAgent: text(r.UserAgent), Mobile: r.IsMobile,
		Hostname: text(r.Hostname), Audience: text(r.Audience), Scope: text(r.Scope), SessionID: text(r.SessionID),
		Certificate: text(r.MtlsThumbprint), Correlation: text(r.CorrelationID), Details: r.Details,
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
