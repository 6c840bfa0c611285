// Package auditkit stores audit lines that belong to no change: a read that revealed secrets, a write that was refused. The lines of
// changes are written by the stores, in the transaction of the change.
package auditkit

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// Lines writes into the outbox of a service's schema. It is a mgmtkit.Recorder, safe for concurrent use.
type Lines struct {
	Pool *pgxpool.Pool
	// Kick is called after each line, to wake the relay (pgkit.Relay.Kick).
	Kick func()
	Now  clock.Now
}

// Record implements mgmtkit.Recorder.
func (l *Lines) Record(ctx context.Context, tenant tenancy.ID, act audit.Act) error {
	e := logapi.New(l.Now(), tenant, logapi.CallRecorded)
	if t, ok := tenancy.From(ctx); ok {
		e.TenantName = t.Name
	}
	e.Entry = logapi.EntryOf(act)
	payload, err := e.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	err = pgkit.InTenant(ctx, l.Pool, tenant, func(tx pgx.Tx) error {
		return pgkit.AppendOutbox(ctx, tx, tenant, e.Subject, e.ID, payload)
	})
	if err != nil {
		return pgkit.Error(err, nil)
	}
	l.Kick()
	return nil
}
