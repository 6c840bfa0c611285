//go:build integration

package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/store"
)

// What comes and goes leaves no room behind: after many generations a table and its indexes are no larger than they were after two.
// VACUUM is called here as PostgreSQL calls it by itself, at the thresholds that the tables set.
func TestPostgres_tables_are_as_large_as_what_is_alive(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	admin, tokens := db.Admin(t), store.New(db.Pool, func() {})
	now := time.Now()
	const rows, generations = 6000, 8
	for table, insert := range map[string]string{
		"codes": `insert into codes (tenant_id, code_hash, client_id, user_id, session_id, authorized, issued_at, expires_at)
			select 'tnt_' || i % 3, sha256(random()::text::bytea), 'client', 'auth0|1', 'sid', '{"scope":["openid","profile","email"]}', $1, $1 from generate_series(1, $2::int) i`,
		"transactions": `insert into transactions (tenant_id, state_hash, browser_hash, request, began_at, expires_at)
			select 'tnt_' || i % 3, sha256(random()::text::bytea), sha256('b'), '{"scope":["openid","profile","email"]}', $1, $1 from generate_series(1, $2::int) i`,
		"access_tokens": `insert into access_tokens (tenant_id, token_hash, client_id, user_id, session_id, scope, code_hash, issued_at, expires_at)
			select 'tnt_' || i % 3, sha256(random()::text::bytea), 'client', 'auth0|1', 'sid', 'openid', sha256(random()::text::bytea), $1, $1 from generate_series(1, $2::int) i`,
		"logout_messages": `insert into logout_messages (tenant_id, id, client_id, session_id, user_id, host, initiator, ended_at, due_at, expires_at)
			select 'tnt_' || i % 3, gen_random_uuid(), 'client', 'sid', 'auth0|1', 'acme.example', 'rp-logout', $1, $1, $1 from generate_series(1, $2::int) i`,
		"session_clients": `with s as (insert into sessions (tenant_id, id, secret_hash, user_id, connection_id, connection, strategy, auth_time, last_used_at, idle_until, expires_at)
			select 'tnt_' || i % 3, gen_random_uuid(), sha256(random()::text::bytea), 'auth0|1', 'con_1', 'db', 'auth0', $1, $1, $1::timestamptz - interval '15 minutes', $1 from generate_series(1, $2::int) i returning tenant_id, id)
			insert into session_clients (tenant_id, session_id, client_id) select tenant_id, id, 'client' from s`,
	} {
		size := func() (bytes int64) {
			require.NoError(t, admin.QueryRow(t.Context(), "select pg_total_relation_size($1::regclass)", table).Scan(&bytes))
			return bytes
		}
		var settled int64
		for generation := range generations {
			_, err := admin.Exec(t.Context(), insert, now, rows)
			require.NoError(t, err)
			for {
				n, err := tokens.Sweep(t.Context(), now)
				require.NoError(t, err)
				if n == 0 {
					break
				}
			}
			var left int
			require.NoError(t, admin.QueryRow(t.Context(), "select count(*) from "+table).Scan(&left))
			require.Zero(t, left)
			_, err = admin.Exec(t.Context(), "vacuum (truncate off) sessions, "+table) // sessions: whose participants one of the tables holds
			require.NoError(t, err)
			if generation == 1 {
				settled = size()
			}
		}
		// A generation more may be left by a vacuum that met another reader; without any reuse it would be four times as much.
		require.LessOrEqual(t, size(), 2*settled, table)
		t.Logf("%s: %d kB after two generations of %d rows, %d kB after %d", table, settled>>10, rows, size()>>10, generations)
	}
}
