package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	sweepBatch = 1000
	// sweepShare bounds what one tenant takes of a batch, so that a busy one does not keep the others' rows alive.
	sweepShare = 250
)

// expiring names each table whose rows end, and when.
var expiring = []struct{ table, until string }{
	{"codes", "expires_at"},
	{"transactions", "expires_at"},
	{"access_tokens", "expires_at"},
	{"assertions", "expires_at"},
	{"pushed_requests", "expires_at"},
	{"refresh_tokens", "dead_from"},
	{"device_codes", "expires_at"},
	{"logout_messages", "expires_at"},
	{"revocations", "expires_at"},
	{"token_counts", "expires_at"},
	{"session_transfers", "expires_at"},
	{tableSessions, "dead_from"},
}

const tableSessions = "sessions"

// sweepSQL walks from tenant to tenant by the index that begins with the tenant, and takes the oldest of each that are over. Rows are
// deleted by where they are: a join by their keys would be at the mercy of the planner, whose numbers about tables that fill and empty
// all the time are never right. The last condition counts for a row that was used again meanwhile.
const sweepSQL = `
with recursive tenants as (
  (select tenant_id from %[1]s order by tenant_id limit 1)
  union all
  select (select n.tenant_id from %[1]s n where n.tenant_id > t.tenant_id order by n.tenant_id limit 1)
  from tenants t where t.tenant_id is not null
)
%[3]sdelete from %[1]s x where x.ctid = any (array(
  select d.ctid from tenants t
  cross join lateral (
    select r.ctid from %[1]s r where r.tenant_id = t.tenant_id and r.%[2]s <= $1 order by r.%[2]s limit $2
  ) d
  limit $3
)) and x.%[2]s <= $1%[4]s`

// Sessions do not go without a word: in the same step each leaves a message for those of its clients that want to hear of its end. The
// offset keeps the planner from walking all participants for each session.
const (
	sweepDead = ", dead as ("
	sweepTold = ` returning x.tenant_id, x.id, x.user_id, x.host, x.tenant_name, x.metadata
), told as (
  insert into logout_messages (tenant_id, id, client_id, session_id, user_id, host, initiator, ended_at, due_at, expires_at, tenant_name, metadata)
  select d.tenant_id, gen_random_uuid()::text, c.client_id, d.id, d.user_id, d.host, $4, $1, $1, $5, d.tenant_name, d.metadata
  from dead d cross join lateral (
    select p.client_id from session_clients p where p.tenant_id = d.tenant_id and p.session_id = d.id and p.hears offset 0
  ) c
)
select from dead`
)

// Sweep deletes a batch of what had expired at now, of all tenants, and says how many rows went. Zero: nothing is left.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, e := range expiring {
		err := pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local postern.sweep = 'on'; set local enable_seqscan = off"); err != nil {
				return err
			}
			before, after, args := "", "", []any{now, sweepShare, sweepBatch}
			if e.table == tableSessions {
				before, after = sweepDead, sweepTold
				args = append(args, string(token.ByExpiry), token.SessionEnd{Now: now}.Until())
			}
			tag, err := tx.Exec(ctx, fmt.Sprintf(sweepSQL, e.table, e.until, before, after), args...)
			total += int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweeping %s: %w", e.table, err)
		}
	}
	return total, nil
}
