//go:build integration

package pgkit_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

var migrations = fstest.MapFS{"0001_first.sql": {Data: []byte(`-- +goose Up
create table things (
  tenant_id text not null,
  id        text not null,
  name      text not null check (name <> ''),
  primary key (tenant_id, id)
);
alter table things enable row level security;
alter table things force row level security;
create policy tenant on things using (tenant_id = current_setting('postern.tenant', true));
` + pgkit.OutboxDDL)}}

var quiet = slog.New(slog.DiscardHandler)

func database(tb testing.TB) *testkit.Database {
	tb.Helper()
	return testkit.Postgres(tb, "kit", migrations)
}

func addThing(d *testkit.Database, tenant tenancy.ID) error {
	return pgkit.InTenant(context.Background(), d.Pool, tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(context.Background(), "insert into things (tenant_id, id, name) values ($1, 'one', 'a thing')", tenant)
		return err
	})
}

func countThings(ctx context.Context, tx pgx.Tx) (n int, err error) {
	err = tx.QueryRow(ctx, "-- name: CountThings :one\nselect count(*) from things").Scan(&n)
	return n, err
}

func TestInTenant_row_level_security(t *testing.T) { //nolint:tparallel // its parts build on each other
	t.Parallel()
	d, ids := database(t), testkit.Tenants(2)
	mine, stranger := ids[0], ids[1]
	require.NoError(t, addThing(d, mine))
	inStranger := func(fn func(tx pgx.Tx)) {
		require.NoError(t, pgkit.InTenant(t.Context(), d.Pool, stranger, func(tx pgx.Tx) error { fn(tx); return nil }))
	}

	t.Run("a_stranger_sees_nothing", func(t *testing.T) {
		inStranger(func(tx pgx.Tx) {
			n, err := countThings(t.Context(), tx)
			require.NoError(t, err)
			require.Zero(t, n)
		})
	})
	t.Run("a_stranger_changes_nothing_even_by_name", func(t *testing.T) {
		inStranger(func(tx pgx.Tx) {
			for _, sql := range []string{"update things set name = 'x' where tenant_id = $1", "delete from things where tenant_id = $1"} {
				tag, err := tx.Exec(t.Context(), sql, mine)
				require.NoError(t, err)
				require.Zero(t, tag.RowsAffected())
			}
		})
	})
	t.Run("a_row_for_another_tenant_is_refused", func(t *testing.T) {
		err := pgkit.InTenant(t.Context(), d.Pool, stranger, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "insert into things (tenant_id, id, name) values ($1, 'two', 'x')", mine)
			return err
		})
		testkit.RequireFault(t, err, fault.KindInternal)
		require.ErrorContains(t, err, "row-level security")
	})
	t.Run("without_a_tenant_nothing_is_there", func(t *testing.T) {
		require.NoError(t, pgkit.InTx(t.Context(), d.Pool, func(tx pgx.Tx) error {
			n, err := countThings(t.Context(), tx)
			require.Zero(t, n)
			return err
		}))
	})
	t.Run("the_runtime_role_cannot_lift_it", func(t *testing.T) {
		for _, sql := range []string{
			"alter table things disable row level security", "alter table things no force row level security",
			"drop policy tenant on things", "create table loot (id int)", "select * from goose_db_version",
			"set role test_kit_owner", "alter role test_kit bypassrls", "truncate things",
		} {
			_, err := d.Pool.Exec(t.Context(), sql)
			require.ErrorContains(t, err, "42501", sql)
		}
	})
	t.Run("the_owner_role_is_held_by_it_too", func(t *testing.T) {
		conf := d.Config
		conf.User, conf.PasswordFile = conf.OwnerUser, conf.OwnerPasswordFile
		owner, err := pgkit.Connect(t.Context(), conf)
		require.NoError(t, err)
		defer owner.Close(context.Background()) //nolint:errcheck // the end of the test
		var n int
		require.NoError(t, owner.QueryRow(t.Context(), "select count(*) from things").Scan(&n))
		require.Zero(t, n)
	})
}

func TestInTenant_leaves_nothing_on_the_connection(t *testing.T) {
	t.Parallel()
	d, tenant := database(t), testkit.Tenants(1)[0]
	conf := d.Config
	conf.MaxConns = 1
	pool, err := pgkit.Open(t.Context(), conf, quiet)
	require.NoError(t, err)
	defer pool.Close()
	boom := errors.New("boom")
	clean := func() {
		t.Helper()
		var setting string
		require.NoError(t, pool.QueryRow(t.Context(), "select coalesce(current_setting('postern.tenant', true), '')").Scan(&setting))
		require.Empty(t, setting)
	}

	require.NoError(t, pgkit.InTenant(t.Context(), pool, tenant, func(tx pgx.Tx) error {
		var setting string
		require.NoError(t, tx.QueryRow(t.Context(), "select current_setting('postern.tenant')").Scan(&setting))
		require.Equal(t, string(tenant), setting)
		return nil
	}))
	clean()
	testkit.RequireFault(t, pgkit.InTenant(t.Context(), pool, tenant, func(pgx.Tx) error { return boom }), fault.KindInternal)
	clean()
	require.PanicsWithValue(t, "boom", func() {
		_ = pgkit.InTenant(t.Context(), pool, tenant, func(pgx.Tx) error { panic("boom") })
	})
	clean()
	ctx, cancel := context.WithCancel(t.Context())
	err = pgkit.InTenant(ctx, pool, tenant, func(tx pgx.Tx) error {
		cancel()
		_, err := tx.Exec(ctx, "select pg_sleep(10)")
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
	clean()
}

func TestInTenant_commits_or_rolls_back(t *testing.T) { //nolint:tparallel // its parts build on each other
	t.Parallel()
	d, tenant := database(t), testkit.Tenants(1)[0]
	insert := func(tx pgx.Tx, id, name string) error {
		_, err := tx.Exec(t.Context(), "insert into things (tenant_id, id, name) values ($1, $2, $3)", tenant, id, name)
		return err
	}
	count := func() (n int) {
		t.Helper()
		require.NoError(t, pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) (err error) {
			n, err = countThings(t.Context(), tx)
			return err
		}))
		return n
	}

	t.Run("an_error_undoes", func(t *testing.T) {
		err := pgkit.InTenant(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			require.NoError(t, insert(tx, "one", "x"))
			return fault.Denied("", "No")
		})
		testkit.RequireFault(t, err, fault.KindDenied)
		require.Zero(t, count())
	})
	t.Run("a_panic_undoes", func(t *testing.T) {
		require.Panics(t, func() {
			_ = pgkit.InTenant(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
				require.NoError(t, insert(tx, "one", "x"))
				panic("boom")
			})
		})
		require.Zero(t, count())
	})
	t.Run("nil_keeps", func(t *testing.T) {
		require.NoError(t, addThing(d, tenant))
		require.Equal(t, 1, count())
	})
	t.Run("a_second_of_the_same_is_a_conflict", func(t *testing.T) {
		err := addThing(d, tenant)
		testkit.RequireFault(t, err, fault.KindConflict)
		require.Equal(t, "things_pkey", pgkit.Constraint(err))
	})
	t.Run("a_failed_check_is_invalid", func(t *testing.T) {
		err := pgkit.InTenant(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error { return insert(tx, "two", "") })
		testkit.RequireFault(t, err, fault.KindInvalid)
	})
	t.Run("no_rows_come_back_for_the_caller_to_name", func(t *testing.T) {
		err := pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			var name string
			return tx.QueryRow(t.Context(), "select name from things where id = 'none'").Scan(&name)
		})
		require.ErrorIs(t, err, pgx.ErrNoRows)
		testkit.RequireFault(t, pgkit.Error(err, fault.NotFound("No such thing")), fault.KindNotFound)
	})
	t.Run("writing_while_reading_is_a_mistake_of_ours", func(t *testing.T) {
		err := pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error { return insert(tx, "three", "x") })
		testkit.RequireFault(t, err, fault.KindInternal)
	})
}

func TestOpen_survives_the_absence_of_postgres(t *testing.T) { //nolint:tparallel // its parts build on each other
	t.Parallel()
	d, tenant := database(t), testkit.Tenants(1)[0]
	proxy := testkit.NewProxy(t, d.Config.Addr)
	conf := d.Config
	conf.Addr = proxy.Addr
	pool, err := pgkit.Open(t.Context(), conf, quiet)
	require.NoError(t, err)
	defer pool.Close()
	count := func() error {
		return pgkit.InTenantRead(t.Context(), pool, tenant, func(tx pgx.Tx) error {
			_, err := countThings(t.Context(), tx)
			return err
		})
	}
	require.NoError(t, count())
	proxy.Down()
	for range 5 {
		testkit.RequireFault(t, count(), fault.KindUnavailable)
	}
	testkit.RequireFault(t, pgkit.Ready(t.Context(), pool), fault.KindUnavailable)
	proxy.Up()
	testkit.Eventually(t, 5*time.Second, count)

	t.Run("and_in_the_middle_of_a_transaction", func(t *testing.T) {
		err := pgkit.InTenant(t.Context(), pool, tenant, func(tx pgx.Tx) error {
			proxy.Down()
			_, err := countThings(t.Context(), tx)
			return err
		})
		testkit.RequireFault(t, err, fault.KindUnavailable)
	})
}

func TestOpen_gives_up_at_once_on_a_wrong_password(t *testing.T) {
	t.Parallel()
	conf := database(t).Config
	conf.PasswordFile = ""
	began := time.Now()
	_, err := pgkit.Open(t.Context(), conf, quiet)
	require.Error(t, err)
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestMigrate_by_several_processes_at_once(t *testing.T) {
	t.Parallel()
	d := database(t)
	next := fstest.MapFS{"0001_first.sql": migrations["0001_first.sql"], "0002_more.sql": {Data: []byte(
		"-- +goose Up\nselect pg_sleep(0.2);\ncreate table more (tenant_id text not null, id bigint generated always as identity);\n")}}
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() { errs[i] = pgkit.Migrate(t.Context(), d.Config, next, quiet) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	_, err := d.Pool.Exec(t.Context(), "insert into more (tenant_id) values ('x')")
	require.NoError(t, err, "the runtime role may use a new table and its sequence")
}

func TestTracer(t *testing.T) {
	d, tenant := database(t), testkit.Tenants(1)[0]
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	count := func(ctx context.Context) {
		require.NoError(t, pgkit.InTenantRead(ctx, d.Pool, tenant, func(tx pgx.Tx) error {
			_, err := countThings(ctx, tx)
			return err
		}))
	}

	count(t.Context())
	require.Empty(t, spans.GetSpans(), "no span without a parent")

	ctx, parent := provider.Tracer("test").Start(t.Context(), "request")
	count(ctx)
	parent.End()
	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
		require.Equal(t, parent.SpanContext().TraceID(), s.SpanContext.TraceID())
		for _, a := range s.Attributes {
			require.NotContains(t, a.Value.String(), string(tenant))
		}
	}
	require.Equal(t, []string{"postgres.CountThings", "request"}, names)
}
