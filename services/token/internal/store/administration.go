package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/facts"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// administration is one change that a caller of the Management API makes: its statements, its facts and, with the first of these, the
// line of the call in the audit log.
type administration struct {
	*sqlcgen.Queries

	tx     pgx.Tx
	tenant tenancy.ID
	entry  *logapi.Entry
}

// administer runs fn as one change of tenant.
func (s *Store) administer(ctx context.Context, tenant tenancy.ID, fn func(*administration) error) error {
	err := pgkit.InTenant(ctx, s.pool, tenant, func(tx pgx.Tx) error {
		return fn(&administration{Queries: sqlcgen.New(tx), tx: tx, tenant: tenant, entry: logapi.EntryOf(audit.From(ctx))})
	})
	if err != nil {
		return translate(err)
	}
	s.kick()
	return nil
}

// leaves tells what the change leaves behind, of which the answer in the audit log's line is made. It comes before the first fact.
func (a *administration) leaves(ctx context.Context, stored any) {
	a.entry = logapi.EntryOf(audit.From(ctx).Answered(stored))
}

// fact appends what happened to an object.
func (a *administration) fact(ctx context.Context, name token.FactName, kind, id string, at time.Time) error {
	e := logapi.New(at, a.tenant, facts.Subject(name))
	e.Object = &logapi.Object{Kind: kind, ID: id}
	e.Entry, a.entry = a.entry, nil
	if t, ok := tenancy.From(ctx); ok {
		e.TenantName = t.Name
	}
	payload, err := e.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	return pgkit.AppendOutbox(ctx, a.tx, a.tenant, e.Subject, e.ID, payload)
}
