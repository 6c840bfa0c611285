//go:build integration

package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/store"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Opened {
		t.Helper()
		db := testkit.Postgres(t, "token", store.Migrations())
		admin := db.Admin(t)
		return storetest.Opened{Store: store.New(db.Pool, func() {}), Facts: func(tenant tenancy.ID) []string {
			rows, err := admin.Query(t.Context(), "select payload from outbox where tenant_id = $1 order by id", string(tenant))
			require.NoError(t, err)
			defer rows.Close()
			var kinds []string
			for rows.Next() {
				var payload []byte
				require.NoError(t, rows.Scan(&payload))
				e, err := logapi.Decode(payload)
				require.NoError(t, err)
				require.Equal(t, tenant, e.Tenant)
				kind := strings.TrimPrefix(e.Subject, "postern.token.")
				if e.Entry != nil {
					kind = e.Entry.Type
				}
				kinds = append(kinds, kind)
			}
			require.NoError(t, rows.Err())
			return kinds
		}}
	})
}

// Without a tenant in its transaction the runtime role sees nothing, whatever the query asks for.
func TestPostgres_rows_are_behind_row_level_security(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	for _, table := range []string{"signing_keys", "transactions", "sessions", "codes", "access_tokens", "assertions", "consents", "pushed_requests", "device_codes", "refresh_tokens", "device_keys", "session_clients", "logout_messages", "revocations", "token_counts", "outbox"} {
		var enabled, forced bool
		require.NoError(t, db.Pool.QueryRow(t.Context(), "select relrowsecurity, relforcerowsecurity from pg_class where oid = $1::regclass", table).Scan(&enabled, &forced))
		require.True(t, enabled && forced, table)
		_, err := db.Pool.Exec(t.Context(), "insert into outbox (tenant_id, event_id, subject, payload) values ('tnt_x', 'e', 'postern.x', '')")
		require.Error(t, err, "a row without a tenant in the transaction is refused")
	}
}

// A release from before showed the world all keys, and tokens by them may be out.
func TestPostgres_keys_that_an_older_release_publishes_are_shown(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	admin := db.Admin(t)
	_, err := admin.Exec(t.Context(), "insert into signing_keys (tenant_id, kid, alg, version, state, public_key, certificate, created_at) values ('tnt_1', 'k', 'ES256', 1, 'current', '', '', now())")
	require.NoError(t, err)
	var shown bool
	require.NoError(t, admin.QueryRow(t.Context(), "select shown_at is not null from signing_keys where tenant_id = 'tnt_1'").Scan(&shown))
	require.True(t, shown)
}

// The sweeper, who is no tenant, sees rows to find the dead ones by. It changes none, and those that live it cannot delete.
func TestPostgres_sweeping_cannot_touch_what_lives(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	_, err := db.Admin(t).Exec(t.Context(), `
		insert into sessions (tenant_id, id, secret_hash, user_id, connection_id, connection, strategy, auth_time, last_used_at, idle_until, expires_at)
		select 'tnt_1', id, id::bytea, 'u', 'c', 'c', 's', now(), now(), until, until
		from (values ('dead', now() - interval '1 s'), ('live', now() + interval '1 h')) as v(id, until)`)
	require.NoError(t, err)
	conn, err := db.Pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "set postern.sweep = 'on'")
	require.NoError(t, err)
	for sql, want := range map[string]int64{"update sessions set user_id = 'eve'": 0, "delete from sessions": 1} {
		tag, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
		require.Equal(t, want, tag.RowsAffected(), sql)
	}
	_, err = conn.Exec(t.Context(), "insert into codes (tenant_id, code_hash, client_id, user_id, session_id, authorized, issued_at, expires_at) values ('tnt_1', '', '', '', '', '{}', now(), now())")
	require.Error(t, err)
	const message = "insert into logout_messages (tenant_id, id, client_id, session_id, user_id, host, initiator, ended_at, due_at, expires_at) values ('tnt_1', $1, 'c', 's', 'u', 'h', $2, now(), now(), now() + interval '1 h')"
	_, err = conn.Exec(t.Context(), message, "m1", "session-expired")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), message, "m2", "rp-logout")
	require.Error(t, err, "of what it did not do it tells nobody")
	for _, sql := range []string{"update logout_messages set client_id = 'eve'", "delete from logout_messages", "delete from session_clients"} {
		tag, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
		require.Zero(t, tag.RowsAffected(), sql)
	}
	_, err = conn.Exec(t.Context(), "reset postern.sweep")
	require.NoError(t, err)

	_, err = conn.Exec(t.Context(), "set postern.deliver = 'on'") // who delivers finds messages and takes them in hand
	require.NoError(t, err)
	for sql, want := range map[string]int64{
		"update logout_messages set due_at = now()": 1, "delete from logout_messages": 0, "update sessions set user_id = 'eve'": 0, "delete from sessions": 0, "delete from session_clients": 0,
	} {
		tag, err := conn.Exec(t.Context(), sql)
		require.NoError(t, err)
		require.Equal(t, want, tag.RowsAffected(), sql)
	}
	_, err = conn.Exec(t.Context(), message, "m3", "session-expired")
	require.Error(t, err)
	_, err = conn.Exec(t.Context(), "reset postern.deliver")
	require.NoError(t, err)
}

// Nothing in the tables begins its index with anything but the tenant, and no column holds a secret in the clear.
func TestPostgres_indexes_begin_with_the_tenant(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	rows, err := db.Admin(t).Query(t.Context(), `
		select i.indexrelid::regclass::text from pg_index i
		join pg_class c on c.oid = i.indrelid join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
		where c.relnamespace = 'token'::regnamespace and c.relname not in ('outbox', 'goose_db_version') and a.attname <> 'tenant_id'`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		t.Errorf("index %s does not begin with tenant_id", name)
	}
	require.NoError(t, rows.Err())
}
