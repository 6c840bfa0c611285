//go:build integration

package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store"
	"github.com/postern-id/postern/services/log/internal/store/migrations"
	"github.com/postern-id/postern/services/log/internal/store/storetest"
)

func TestStore_keeps_the_contract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) auditlog.Store {
		t.Helper()
		return store.New(testkit.Postgres(t, "log", migrations.FS).Pool)
	})
}

func open(t *testing.T) (*store.Store, *testkit.Database) {
	t.Helper()
	db := testkit.Postgres(t, "log", migrations.FS)
	s := store.New(db.Pool)
	require.NoError(t, s.Maintain(t.Context(), storetest.Today().AddDate(0, 0, -2), storetest.Today().AddDate(0, 0, 2)))
	_, err := s.Append(t.Context(), []auditlog.Entry{storetest.Entry(1)}, storetest.Today())
	require.NoError(t, err)
	return s, db
}

// The walls behind the queries: an intake may only add, a partition is no way around its table, and the runtime role makes no tables.
func TestSchema_hides_every_tenants_entries(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	tables := []string{"entries", "entries_" + storetest.Today().Format("20060102")}
	for _, table := range tables {
		var forced bool
		require.NoError(t, db.Admin(t).QueryRow(t.Context(),
			"select relrowsecurity and relforcerowsecurity from pg_class where relname = $1", table).Scan(&forced))
		assert.True(t, forced, table)
		_, err := db.Admin(t).Exec(t.Context(), "grant select, delete on "+table+" to test_log") // as the next migration's grants do
		require.NoError(t, err)
	}
	tx, err := db.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.Background()) //nolint:errcheck // the end of the test
	_, err = tx.Exec(t.Context(), "set local postern.intake = 'on'; set local postern.tenant = 'tnt_B'")
	require.NoError(t, err)
	for _, table := range tables {
		var n int
		require.NoError(t, tx.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
		assert.Zero(t, n, table)
		done, err := tx.Exec(t.Context(), "delete from "+table)
		require.NoError(t, err)
		assert.Zero(t, done.RowsAffected(), table)
	}
	_, err = db.Pool.Exec(t.Context(), "insert into entries (tenant_id, date, event_id, seq, ingested_at, type, is_mobile) values ('tnt_A', now(), 'x', 9, now(), 's', false)")
	require.ErrorContains(t, err, "row-level security")
	_, err = db.Pool.Exec(t.Context(), "create table log.mine (id int)")
	require.ErrorContains(t, err, "permission denied")
	_, err = db.Pool.Exec(t.Context(), "select keep_partitions(current_date + 300, current_date + 400)")
	require.ErrorContains(t, err, "no retention", "it is no way to drop the log")
}

// Searches stay fast under row-level security only as long as their conditions may use an index there (leakproof comparisons).
func TestStore_searches_by_index(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	var many []auditlog.Entry
	for n := range 3000 {
		e := storetest.Entry(1)
		e.EventID, e.Date = fmt.Sprintf("evt_%d", n), storetest.Today().Add(time.Duration(n)*time.Second)
		e.Type, e.UserID, e.ClientID = fmt.Sprintf("t%d", n%100), fmt.Sprintf("auth0|%d", n), fmt.Sprintf("c%d", n)
		many = append(many, e)
	}
	_, err := s.Append(t.Context(), many, storetest.Today())
	require.NoError(t, err)
	_, err = db.Admin(t).Exec(t.Context(), "analyze")
	require.NoError(t, err)
	conn, err := db.Pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "set enable_seqscan = off; set postern.tenant = 'tnt_A'")
	require.NoError(t, err)
	for condition, column := range map[string]string{
		"user_id = 'auth0|1'": "user_id =", "type = 't1'": "type =", "client_id = 'c'": "client_id =", "seq > 2990": "seq >",
		"date >= '" + storetest.Today().Add(2980*time.Second).Format(time.RFC3339) + "'": "date >=",
		`type collate "C" >= 't1' and type collate "C" < 't10'`:                          "type >=",
	} {
		rows, err := conn.Query(t.Context(), "explain select seq from entries where tenant_id = 'tnt_A' and "+condition)
		require.NoError(t, err)
		var conds []string // one a partition
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			if strings.Contains(line, "Index Cond") {
				conds = append(conds, line)
			}
		}
		require.NoError(t, rows.Err())
		require.NotEmpty(t, conds, condition)
		assert.Contains(t, strings.Join(conds, "; "), column, condition)
	}
}
