package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/pgkit"
)

const (
	sweepBatch = 1000
	// sweepShare bounds what one tenant takes of a batch, so that a busy one does not keep the others' rows alive.
	sweepShare = 250
)

// expiring names each table whose rows end, its key, and when.
var expiring = []struct{ table, key, until string }{
	{"codes", "code_hash", "expires_at"},
	{"transactions", "state_hash", "expires_at"},
	{"access_tokens", "token_hash", "expires_at"},
	{"assertions", "assertion_hash", "expires_at"},
	{"refresh_tokens", "id", "dead_from"},
	{"pushed_requests", "uri_hash", "expires_at"},
	{"sessions", "id", "idle_until"},
}

// sweepSQL walks from tenant to tenant by the index that begins with the tenant, and takes the oldest of each that are over.
const sweepSQL = `
with recursive tenants as (
  (select tenant_id from %[1]s order by tenant_id limit 1)
  union all
  select (select n.tenant_id from %[1]s n where n.tenant_id > t.tenant_id order by n.tenant_id limit 1)
  from tenants t where t.tenant_id is not null
), doomed as (
  select d.tenant_id, d.%[2]s from tenants t
  cross join lateral (
    select r.tenant_id, r.%[2]s from %[1]s r
    where r.tenant_id = t.tenant_id and r.%[3]s <= $1 order by r.%[3]s limit $2
  ) d
  limit $3
)
delete from %[1]s x using doomed where x.tenant_id = doomed.tenant_id and x.%[2]s = doomed.%[2]s and x.%[3]s <= $1`

// Sweep deletes a batch of what had expired at now, of all tenants, and says how many rows went. Zero: nothing is left.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, e := range expiring {
		err := pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local postern.sweep = 'on'"); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, fmt.Sprintf(sweepSQL, e.table, e.key, e.until), now, sweepShare, sweepBatch)
			total += int(tag.RowsAffected())
			return err
		})
		if err != nil {
			return total, fmt.Errorf("sweeping %s: %w", e.table, err)
		}
	}
	return total, nil
}
