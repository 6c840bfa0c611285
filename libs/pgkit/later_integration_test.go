//go:build integration

package pgkit_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

const sqlAdd = "insert into things (tenant_id, id, name) values ($1, $2, $3)"

func counted(t *testing.T, d *testkit.Database, tenant tenancy.ID) (n int) {
	t.Helper()
	require.NoError(t, pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) (err error) {
		n, err = countThings(t.Context(), tx)
		return err
	}))
	return n
}

func TestLater(t *testing.T) {
	t.Parallel()
	d := database(t)
	later := func(t *testing.T, tenant tenancy.ID, id, name string, also func(tx pgx.Tx) error) error {
		t.Helper()
		return pgkit.InTenant(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			_, err := pgkit.Later(tx).Exec(t.Context(), sqlAdd, tenant, id, name)
			require.NoError(t, err, "nothing is sent yet")
			return also(tx)
		})
	}
	nothing := func(pgx.Tx) error { return nil }

	t.Run("it_is_done_with_the_commit_and_not_seen_before", func(t *testing.T) {
		t.Parallel()
		tenant := testkit.Tenants(1)[0]
		require.NoError(t, later(t, tenant, "one", "x", func(tx pgx.Tx) error {
			n, err := countThings(t.Context(), tx)
			require.Zero(t, n)
			return err
		}))
		require.Equal(t, 1, counted(t, d, tenant))
	})
	t.Run("alone_it_is_a_transaction_for_its_tenant_all_the_same", func(t *testing.T) {
		t.Parallel()
		ids := testkit.Tenants(2)
		require.NoError(t, later(t, ids[0], "one", "x", nothing))
		require.Equal(t, 1, counted(t, d, ids[0]))
		require.Zero(t, counted(t, d, ids[1]))
		err := pgkit.InTenant(t.Context(), d.Pool, ids[0], func(tx pgx.Tx) error {
			_, err := pgkit.Later(tx).Exec(t.Context(), sqlAdd, ids[1], "two", "x")
			return err
		})
		testkit.RequireFault(t, err, fault.KindInternal)
		require.Zero(t, counted(t, d, ids[1]), "row-level security holds for what is left for the end")
	})
	t.Run("its_failure_undoes_all_and_has_its_kind", func(t *testing.T) {
		t.Parallel()
		tenant := testkit.Tenants(1)[0]
		require.NoError(t, addThing(d, tenant))
		err := later(t, tenant, "one", "x", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sqlAdd, tenant, "two", "x")
			return err
		})
		testkit.RequireFault(t, err, fault.KindConflict)
		require.Equal(t, 1, counted(t, d, tenant))
		testkit.RequireFault(t, later(t, tenant, "three", "", nothing), fault.KindInvalid)
		require.Equal(t, 1, counted(t, d, tenant))
	})
	t.Run("what_fails_before_leaves_it_out", func(t *testing.T) {
		t.Parallel()
		tenant := testkit.Tenants(1)[0]
		err := later(t, tenant, "one", "x", func(pgx.Tx) error { return fault.Denied("", "No") })
		testkit.RequireFault(t, err, fault.KindDenied)
		require.Zero(t, counted(t, d, tenant))
	})
}

func TestInTenantOnce(t *testing.T) {
	t.Parallel()
	d, ids := database(t), testkit.Tenants(2)
	add := func(tenant, of tenancy.ID, id string) error {
		return pgkit.InTenantOnce(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sqlAdd, of, id, "x")
			return err
		})
	}
	require.NoError(t, add(ids[0], ids[0], "one"))
	require.Equal(t, 1, counted(t, d, ids[0]))
	testkit.RequireFault(t, add(ids[0], ids[0], "one"), fault.KindConflict)
	testkit.RequireFault(t, add(ids[0], ids[1], "one"), fault.KindInternal)
	require.Zero(t, counted(t, d, ids[1]))
	err := pgkit.InTenantOnce(t.Context(), d.Pool, ids[0], func(tx pgx.Tx) error {
		return pgkit.AppendOutbox(t.Context(), tx, ids[0], "postern.test.thing.added", "evt_1", nil)
	})
	testkit.RequireFault(t, err, fault.KindInternal)
	err = pgkit.InTenantOnce(t.Context(), d.Pool, "", func(pgx.Tx) error { return nil })
	testkit.RequireFault(t, err, fault.KindInternal)
}
