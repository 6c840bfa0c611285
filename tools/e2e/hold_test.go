//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/testkit"
)

// hold keeps whoever comes to a certain point from going on. The product knows nothing of it.
type hold struct {
	// inside tells whether somebody waits there; nil: that shows by the step alone.
	inside  func() bool
	release func()
}

// database opens a database as its administrator, whom row-level security does not hold.
func (c *ownCloud) database(t *testing.T, name string) *pgx.Conn {
	t.Helper()
	password, err := os.ReadFile(c.Engines.Postgres.AdminPasswordFile)
	require.NoError(t, err)
	dsn, err := url.Parse(c.Engines.Postgres.AdminDSN)
	require.NoError(t, err)
	dsn.Path = "/" + name
	cfg, err := pgx.ParseConfig(dsn.String())
	require.NoError(t, err)
	cfg.Password = strings.TrimSpace(string(password))
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// holdWrites keeps every write of a kind ("insert on client.clients") waiting, inside its transaction.
func (c *ownCloud) holdWrites(t *testing.T, database, write string) hold {
	t.Helper()
	const key = "4711"
	db := c.database(t, database)
	_, table, _ := strings.Cut(write, " on ")
	_, err := db.Exec(t.Context(), `
create schema if not exists e2e;
create or replace function e2e.wait() returns trigger language plpgsql as
  $$ begin perform pg_advisory_xact_lock_shared(`+key+`); return new; end $$;
create trigger e2e_wait before `+write+` for each row execute function e2e.wait();
select pg_advisory_lock(`+key+`);`)
	require.NoError(t, err)
	release := sync.OnceFunc(func() {
		// The table's lock is not to be had before those who waited are through.
		_, err := db.Exec(context.WithoutCancel(t.Context()), "select pg_advisory_unlock("+key+"); drop trigger e2e_wait on "+table)
		require.NoError(t, err)
	})
	t.Cleanup(release)
	return hold{release: release, inside: func() bool {
		var waiting int
		err := db.QueryRow(t.Context(), "select count(*) from pg_locks where locktype = 'advisory' and objid = "+key+" and not granted").Scan(&waiting)
		require.NoError(t, err)
		return waiting > 0
	}}
}

// holdRouters makes the control plane wait for a router that lives and is far behind.
func (c *ownCloud) holdRouters(t *testing.T) hold {
	t.Helper()
	routers := c.bucket(t, "routers")
	behind, err := json.Marshal(map[string]any{"revision": 0, "at": time.Now().Add(time.Hour).UTC()})
	require.NoError(t, err)
	_, err = routers.Put(t.Context(), "rtr_behind", behind)
	require.NoError(t, err)
	release := sync.OnceFunc(func() { require.NoError(t, routers.Delete(context.WithoutCancel(t.Context()), "rtr_behind")) })
	t.Cleanup(release)
	return hold{release: release}
}

// bucket opens one of the control plane's.
func (c *ownCloud) bucket(t *testing.T, name string) jetstream.KeyValue {
	t.Helper()
	conn, err := natskit.Connect(t.Context(), c.NATSConfig("control"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	testkit.Eventually(t, 10*time.Second, func() error { return conn.Ready(t.Context()) })
	kv, err := natskit.Bucket(t.Context(), conn, name)
	require.NoError(t, err)
	return kv
}

// holdEngine takes an engine away.
func (c *ownCloud) holdEngine(t *testing.T, take, give string) hold {
	t.Helper()
	return hold{release: c.away(t, take, give)}
}

// rows counts what every table of every database holds of a tenant. Tables that hold nothing are left out.
func (c *ownCloud) rows(t *testing.T, id string) map[string]int {
	t.Helper()
	found := map[string]int{}
	databases := []string{"control"}
	for _, name := range append(databases, c.Regions...) {
		db := c.database(t, "postern_"+name)
		rows, err := db.Query(t.Context(), `
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where a.attname = 'tenant_id' and c.relkind in ('r', 'p') and not c.relispartition order by 1`)
		require.NoError(t, err)
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotEmpty(t, tables)
		for _, table := range tables {
			var n int
			require.NoError(t, db.QueryRow(t.Context(), "select count(*) from "+table+" where tenant_id = $1", id).Scan(&n))
			if n > 0 {
				found[name+": "+table] = n
			}
		}
		require.NoError(t, db.Close(t.Context()))
	}
	return found
}

// vault asks Vault with the root token.
func (c *ownCloud) vault(t *testing.T, method, path string, body any) reply {
	t.Helper()
	token, err := os.ReadFile(c.Engines.Vault.RootTokenFile)
	require.NoError(t, err)
	return person{http.DefaultClient}.send(t, method, c.Engines.Vault.Addr+"/v1/"+path, strings.TrimSpace(string(token)), body)
}

// keyVersions counts the versions of a key of the cell us; 0: there is no such key.
func (c *ownCloud) keyVersions(t *testing.T, key string) int {
	t.Helper()
	r := c.vault(t, http.MethodGet, "us/transit/keys/"+key, nil)
	if r.status == http.StatusNotFound {
		return 0
	}
	var got struct {
		Data struct{ Keys map[string]any }
	}
	r.into(t, http.StatusOK, &got)
	return len(got.Data.Keys)
}

// one reads a value from a database.
func one[T any](t *testing.T, c *ownCloud, database, query string, args ...any) T {
	t.Helper()
	db := c.database(t, database)
	defer db.Close(t.Context()) //nolint:errcheck // read already
	rows, err := db.Query(t.Context(), query, args...)
	require.NoError(t, err)
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	require.NoError(t, err, "%s %v", query, args)
	return value
}
