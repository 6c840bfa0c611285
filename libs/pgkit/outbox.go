package pgkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// OutboxDDL is the outbox of a service's schema, to be pasted into its first migration. Its rows are facts that are committed and
// not yet published; a transaction sees those of its own tenant, and the relay sees all.
const OutboxDDL = `create table outbox (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  event_id    text not null,
  subject     text not null,
  payload     bytea not null,
  traceparent text,
  created_at  timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table outbox is 'Facts committed with the change they tell of, and not yet published. The relay publishes them in order and deletes them.';
comment on column outbox.event_id is 'The message ID: a fact that is published twice is stored once.';
comment on column outbox.traceparent is 'The trace of the change (W3C Trace Context), under which the fact is published. Null when nobody traces.';
alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox using (tenant_id = current_setting('postern.tenant', true));
create policy relay on outbox using (current_setting('postern.relay', true) = 'on');
`

// maxPayload stays well below the 1 MiB that NATS takes: a fact that could never be published would block its tenant's others.
const maxPayload = 768 << 10

const sqlAppend = "-- name: AppendOutbox :exec\ninsert into outbox (tenant_id, event_id, subject, payload, traceparent) values ($1, $2, $3, $4, $5)"

// AppendOutbox writes a fact of tenant beside the change it tells of; tx is that change's transaction, opened by InTenant for the
// same tenant. Append after the change, not before: the locks it took are what orders the facts of one object. Call the relay's
// Kick after the commit. The fact is published in the trace of ctx, when that is sampled. A subject outside "postern." or a payload
// of more than 768 KiB is Internal.
func AppendOutbox(ctx context.Context, tx pgx.Tx, tenant tenancy.ID, subject, eventID string, payload []byte) error {
	switch {
	case tenant == "" || eventID == "":
		return fault.Internal(fmt.Errorf("fact %s without a tenant or an id", subject))
	case !strings.HasPrefix(subject, "postern.") || strings.ContainsAny(subject, " *>\r\n\t"):
		return fault.Internal(fmt.Errorf("%q is not a subject of facts", subject))
	case len(payload) > maxPayload:
		return fault.Internal(fmt.Errorf("fact %s of %d bytes is too large to publish", eventID, len(payload)))
	}
	var trace *string
	if s := telemetry.Traceparent(ctx); s != "" {
		trace = &s
	}
	own, ok := tx.(*lazy)
	if last, isLater := tx.(later); isLater {
		own, ok = last.lazy, true
	}
	if ok && own.once {
		return fault.Internal(fmt.Errorf("fact %s outside of the transaction of its change", subject))
	}
	if ok && !own.reads { // it goes out with the commit, after all else
		own.leave(sqlAppend, string(tenant), eventID, subject, payload, trace)
		return nil
	}
	_, err := tx.Exec(ctx, sqlAppend, string(tenant), eventID, subject, payload, trace)
	if err != nil {
		return fmt.Errorf("appending to the outbox: %w", err)
	}
	return nil
}
