//go:build integration

package testkit_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

func TestPostgres_each_call_has_a_database_of_its_own(t *testing.T) {
	t.Parallel()
	migrations := fstest.MapFS{"0001_first.sql": {Data: []byte("-- +goose Up\ncreate table t (tenant_id text);\n")}}
	first, second := testkit.Postgres(t, "twice", migrations), testkit.Postgres(t, "twice", migrations)
	_, err := first.Pool.Exec(t.Context(), "insert into t values ('x')")
	require.NoError(t, err)
	var n int
	require.NoError(t, second.Pool.QueryRow(t.Context(), "select count(*) from t").Scan(&n))
	require.Zero(t, n)

	var super, bypass, owns bool
	require.NoError(t, first.Admin(t).QueryRow(t.Context(), `select rolsuper, rolbypassrls,
		exists (select from pg_class where relowner = r.oid) from pg_roles r where rolname = $1`, first.Config.User).Scan(&super, &bypass, &owns))
	require.False(t, super || bypass || owns, "the runtime role is held by row-level security")
}
