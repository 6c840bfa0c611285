//go:build integration

package cloud_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

const denied = "42501" // SQLSTATE insufficient_privilege

// as connects by a role's password file, as a service does.
func as(t *testing.T, d *devcloud, role, database string) (*pgx.Conn, error) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(d.file.Engines.Postgres.SecretsDir, role)) //nolint:gosec // the test's own dev cloud
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), "postgres://"+role+":"+string(password)+"@"+d.file.Engines.Postgres.Addr+"/"+database+"?sslmode=disable")
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	}
	return conn, err
}

func requireState(t *testing.T, err error, state string) {
	t.Helper()
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, state, pg.Code, pg.Message)
}

func testPostgres(t *testing.T, d *devcloud) {
	t.Helper()
	exec := func(conn *pgx.Conn, statements ...string) error {
		_, err := conn.PgConn().Exec(t.Context(), strings.Join(statements, ";")).ReadAll()
		return err
	}
	rows := func(conn *pgx.Conn, tenant string) int {
		var n int
		require.NoError(t, exec(conn, "select set_config('postern.tenant', '"+tenant+"', false)"))
		require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from things").Scan(&n))
		return n
	}
	owner, err := as(t, d, "us_user_owner", "postern_us")
	require.NoError(t, err)
	runtime, err := as(t, d, "us_user", "postern_us")
	require.NoError(t, err)
	require.NoError(t, exec(owner, "create table things (tenant_id text not null, n bigserial)", "alter table things enable row level security",
		"alter table things force row level security", "create policy tenant on things using (tenant_id = current_setting('postern.tenant', true))"))

	t.Run("a_runtime_role_reads_and_writes_rows_of_its_schema", func(t *testing.T) {
		require.NoError(t, exec(runtime, "select set_config('postern.tenant', 'a', false)", "insert into things (tenant_id) values ('a')"))
		require.NoError(t, exec(runtime, "select set_config('postern.tenant', 'b', false)", "insert into things (tenant_id) values ('b')"))
	})

	t.Run("row_level_security_holds_for_runtime_and_owner", func(t *testing.T) {
		for _, conn := range []*pgx.Conn{runtime, owner} {
			require.Equal(t, 1, rows(conn, "a"))
			require.Equal(t, 0, rows(conn, ""))
		}
		requireState(t, exec(runtime, "insert into things (tenant_id) values ('b')"), denied)
	})

	t.Run("a_runtime_role_changes_no_table_and_no_policy", func(t *testing.T) {
		for _, statement := range []string{
			"drop table things", "alter table things disable row level security", "drop policy tenant on things", "truncate things",
			"create table mine (n int)", "create schema mine", "set role us_user_owner", "set role postgres",
		} {
			requireState(t, exec(runtime, statement), denied)
		}
	})

	t.Run("a_role_reads_no_other_services_schema", func(t *testing.T) {
		for _, role := range []string{"us_client", "us_client_owner", "us_token", "us_log", "us_tenant"} {
			conn, err := as(t, d, role, "postern_us")
			require.NoError(t, err)
			requireState(t, exec(conn, `select * from "user".things`), denied)
		}
	})

	t.Run("a_role_connects_to_its_own_database_alone", func(t *testing.T) {
		for _, database := range []string{"postern_eu", "postern_control", "postgres", "template1"} {
			_, err := as(t, d, "us_user", database)
			requireState(t, err, denied)
		}
		_, err := as(t, d, "control", "postern_us")
		requireState(t, err, denied)
	})

	t.Run("no_role_is_above_the_rules", func(t *testing.T) {
		admin, err := as(t, d, "postgres", "postgres")
		require.NoError(t, err)
		var above int
		require.NoError(t, admin.QueryRow(t.Context(),
			"select count(*) from pg_roles where (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication) and rolname <> 'postgres'").Scan(&above))
		require.Zero(t, above)
		for setting, want := range map[string]string{"data_checksums": "on", "fsync": "on", "password_encryption": "scram-sha-256", "listen_addresses": "127.0.0.1"} {
			var got string
			require.NoError(t, admin.QueryRow(t.Context(), "select current_setting($1)", setting).Scan(&got))
			require.Equal(t, want, got, setting)
		}
	})

	t.Run("a_wrong_password_opens_nothing", func(t *testing.T) {
		_, err := pgx.Connect(t.Context(), "postgres://us_user:wrong@"+d.file.Engines.Postgres.Addr+"/postern_us?sslmode=disable")
		requireState(t, err, "28P01")
	})
}

func keptPostgres(t *testing.T, d *devcloud) {
	t.Helper()
	conn, err := as(t, d, "us_user", "postern_us")
	require.NoError(t, err)
	var n int
	_, err = conn.Exec(t.Context(), "select set_config('postern.tenant', 'a', false)")
	require.NoError(t, err)
	require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from things").Scan(&n))
	require.Equal(t, 1, n)
}
