// Package store keeps clients, resource servers, grants and connections in PostgreSQL, schema "client". It is the only room that
// knows SQL and sealing; secrets are sealed before a transaction begins and opened after it ended, because the key that seals may
// need a connection of its own.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

// Sealer encrypts what must be readable again, for one tenant and one place (vaultkit.Sealer).
type Sealer interface {
	Seal(ctx context.Context, tenant tenancy.ID, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, tenant tenancy.ID, context string, sealed []byte) ([]byte, error)
	// Forget drops what is remembered of a tenant that goes.
	Forget(tenant tenancy.ID)
}

// Deps are what a Store is made of.
type Deps struct {
	Pool   *pgxpool.Pool
	Sealer Sealer
	// Kick is called after each commit that left facts, to wake the relay.
	Kick func()
	Now  clock.Now
}

// Store implements client.Store. Safe for concurrent use.
type Store struct{ Deps }

// New makes a store over an open pool.
func New(d Deps) *Store { return &Store{Deps: d} }

var _ client.Store = (*Store)(nil)

// The kinds of object that facts name.
const (
	kindClient         = "client"
	kindResourceServer = "resource_server"
	kindGrant          = "client_grant"
	kindConnection     = "connection"
)

// read runs fn in a read-only transaction of the tenant.
func (s *Store) read(ctx context.Context, tenant tenancy.ID, fn func(*sqlcgen.Queries) error) error {
	return pgkit.InTenantRead(ctx, s.Pool, tenant, func(tx pgx.Tx) error { return fn(sqlcgen.New(tx)) })
}

// unit is one write: the statements and the facts they leave.
type unit struct {
	*sqlcgen.Queries

	tx     pgx.Tx
	tenant tenancy.ID
	store  *Store
	entry  *logapi.Entry // goes out with the first fact, so that one call leaves one line
}

// write runs fn in a transaction of the tenant and wakes the relay.
func (s *Store) write(ctx context.Context, tenant tenancy.ID, fn func(*unit) error) error {
	err := pgkit.InTenant(ctx, s.Pool, tenant, func(tx pgx.Tx) error {
		return fn(&unit{Queries: sqlcgen.New(tx), tx: tx, tenant: tenant, store: s, entry: logapi.EntryOf(audit.From(ctx))})
	})
	if err == nil {
		s.Kick()
	}
	return err
}

// leaves tells what the change leaves behind, of which the answer in the audit line is made. It comes before the first fact.
func (u *unit) leaves(ctx context.Context, stored any) {
	u.entry = logapi.EntryOf(audit.From(ctx).Answered(stored))
}

// fact appends what happened to an object.
func (u *unit) fact(ctx context.Context, subject, kind, id string) error {
	e := logapi.New(u.store.Now(), u.tenant, subject)
	e.Object = &logapi.Object{Kind: kind, ID: id}
	e.Entry, u.entry = u.entry, nil
	if t, ok := tenancy.From(ctx); ok {
		e.TenantName = t.Name
	}
	payload, err := e.Encode()
	if err != nil {
		return err
	}
	return pgkit.AppendOutbox(ctx, u.tx, u.tenant, subject, e.ID, payload)
}

// found gives missing where err says that there is no row, else err translated.
func found(err error, missing *fault.Error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return missing
	}
	return pgkit.Error(err, nil)
}

// byConstraint gives the fault that belongs to a violated constraint, else err translated.
func byConstraint(err error, faults map[string]*fault.Error) error {
	if f, ok := faults[pgkit.Constraint(err)]; ok {
		return f
	}
	return pgkit.Error(err, nil)
}

// changed tells, after an update that found no row of the version, whether the object is gone or was changed.
func changed(rows int64, err error, exists func() (bool, error), missing *fault.Error) error {
	if err != nil || rows > 0 {
		return pgkit.Error(err, nil)
	}
	there, err := exists()
	switch {
	case err != nil:
		return pgkit.Error(err, nil)
	case there:
		return client.ErrChanged
	}
	return missing
}

func (s *Store) seal(ctx context.Context, tenant tenancy.ID, place, id string, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return nil, nil
	}
	sealed, err := s.Sealer.Seal(ctx, tenant, place+":"+id, plain)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", place, err)
	}
	return sealed, nil
}

func (s *Store) open(ctx context.Context, tenant tenancy.ID, place, id string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := s.Sealer.Open(ctx, tenant, place+":"+id, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", place, err)
	}
	return plain, nil
}

func encode(s client.Settings) ([]byte, error) {
	if s == nil {
		s = client.Settings{}
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding settings: %w", err))
	}
	return b, nil
}

func decode(b []byte) (client.Settings, error) {
	s := client.Settings{}
	if len(b) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fault.Internal(fmt.Errorf("decoding settings: %w", err))
	}
	return s, nil
}

// bounds gives a page as the queries take it: one more row than wanted tells whether there is more.
func bounds(p client.Page) (after int64, limit, skip int32, err error) {
	if p.After != "" {
		after, err = strconv.ParseInt(string(p.After), 10, 64)
		if err != nil || after < 0 {
			return 0, 0, 0, fault.Invalid("invalid_query_string", "Query validation error: 'Not a checkpoint of this list' on property from.")
		}
		p.Offset = 0
	}
	const most = 1 << 30
	return after, int32(min(p.Limit, most)) + 1, int32(min(max(p.Offset, 0), most)), nil //nolint:gosec // bounded right here
}

// part cuts the extra row off and notes where the next page begins.
func part[R, T any](rows []R, p client.Page, position func(R) int64, convert func(R) (T, error)) (client.Part[T], error) {
	var out client.Part[T]
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		if p.Limit > 0 {
			out.Next = client.Mark(strconv.FormatInt(position(rows[p.Limit-1]), 10))
		}
	}
	out.Items = make([]T, 0, len(rows))
	for _, row := range rows {
		item, err := convert(row)
		if err != nil {
			return client.Part[T]{}, err
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}
