//go:build integration

package store_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

// statements is what a store sent to the database, with the arguments.
type statements struct {
	mu   sync.Mutex
	sent []pgx.TraceQueryStartData
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, data)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer: most statements go out in a message with what opens their transaction.
func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, pgx.TraceQueryStartData{SQL: data.SQL, Args: data.Args})
}

// TraceBatchEnd implements pgx.BatchTracer.
func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestStore_plans holds the lists and lookups of clients to indexes, in a table of many tenants with a thousand clients each: planned
// for the values at hand, and planned once for all values.
func TestStore_plans(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	admin := db.Admin(t)
	_, err := admin.Exec(t.Context(), `
		insert into clients (tenant_id, id, name, app_type, is_first_party, is_global, secret_sealed, settings, created_at, updated_at)
		select 'tnt_' || t, 'c' || n, 'app', (array['spa', 'native', 'regular_web', 'non_interactive'])[1 + n % 4], n % 10 <> 0, n = 1, 'x',
		       case when n % 100 = 0 then jsonb_build_object('external_client_id', 'https://a.example/' || n) else '{}' end, now(), now()
		from generate_series(1, 40) t, generate_series(1, 1000) n`)
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), "update clients set tenant_id = $1 where tenant_id = 'tnt_7'", string(storetest.Owner))
	require.NoError(t, err)
	_, err = admin.Exec(t.Context(), "analyze clients")
	require.NoError(t, err)

	seen := &statements{}
	cfg := db.Pool.Config().Copy()
	cfg.ConnConfig.Tracer = seen
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := store.New(store.Deps{Pool: pool, Kick: func() {}, Now: time.Now})

	yes, no := true, false
	list := func(f client.Filter, p client.Page) func() error {
		return func() error {
			_, err := s.ListClients(t.Context(), storetest.Owner, f, p, false)
			return err
		}
	}
	first := client.Page{Limit: 50, Total: true}
	for name, row := range map[string]struct {
		ask  func() error
		uses string // the index, where it matters which
	}{
		"all":           {list(client.Filter{}, first), ""},
		"last_page":     {list(client.Filter{}, client.Page{Offset: 950, Limit: 50}), ""},
		"checkpoint":    {list(client.Filter{}, client.Page{After: "20000", Limit: 50}), "clients_position"},
		"by_type":       {list(client.Filter{AppTypes: []string{"spa"}}, first), ""},
		"by_rare_type":  {list(client.Filter{AppTypes: []string{"rms"}}, first), "clients_by_type"},
		"by_types":      {list(client.Filter{AppTypes: []string{"spa", "native"}}, first), ""},
		"third_parties": {list(client.Filter{FirstParty: &no}, first), "clients_third_party"},
		"first_parties": {list(client.Filter{FirstParty: &yes}, first), ""},
		"global":        {list(client.Filter{Global: &yes}, first), "clients_global"},
		"by_url":        {list(client.Filter{ExternalID: "https://a.example/300"}, first), "clients_external"},
		"by_grant":      {list(client.Filter{AnyOrganization: true}, first), ""},
		"lookup":        {func() error { _, err := s.FindClient(t.Context(), storetest.Owner, "c9999"); return missing(err) }, "clients_pkey"},
		"lookup_by_url": {func() error {
			_, err := s.FindClientBy(t.Context(), storetest.Owner, "https://b.example")
			return missing(err)
		}, "clients_external"},
	} {
		seen.sent = nil
		require.NoError(t, row.ask(), name)
		plans := 0
		for _, q := range seen.sent {
			if !strings.Contains(q.SQL, "from clients") {
				continue
			}
			plans++
			now := explained(t, db.Pool, "explain "+q.SQL, q.Args...)
			assert.NotContains(t, now, "Seq Scan", "%s:\n%s\n%s", name, q.SQL, now)
			assert.Contains(t, now, row.uses, "%s:\n%s\n%s", name, q.SQL, now)
			ever := explainedForAll(t, db.Pool, q.SQL, len(q.Args))
			assert.NotContains(t, ever, "Seq Scan on clients", "%s for all values:\n%s\n%s", name, q.SQL, ever)
		}
		assert.Positive(t, plans, name)
	}
}

func missing(err error) error {
	if client.Is(err, client.ErrNoClient) {
		return nil
	}
	return err
}

// explained gives a plan, made as the runtime role for the owner.
func explained(t *testing.T, pool *pgxpool.Pool, query string, args ...any) string {
	t.Helper()
	var lines []string
	err := pgkit.InTenantRead(t.Context(), pool, storetest.Owner, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), query, args...)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	require.NoError(t, err, query)
	return strings.Join(lines, "\n")
}

// explainedForAll gives the plan that is made once for whatever the n parameters are.
func explainedForAll(t *testing.T, pool *pgxpool.Pool, query string, n int) string {
	t.Helper()
	var lines []string
	err := pgkit.InTenantRead(t.Context(), pool, storetest.Owner, func(tx pgx.Tx) error {
		results, err := tx.Conn().PgConn().Exec(t.Context(), "set local plan_cache_mode = force_generic_plan; prepare once as "+query+
			"; explain execute once("+strings.TrimSuffix(strings.Repeat("null,", n), ",")+"); deallocate once").ReadAll()
		for _, result := range results {
			for _, row := range result.Rows {
				lines = append(lines, string(row[0]))
			}
		}
		return err
	})
	require.NoError(t, err, query)
	return strings.Join(lines, "\n")
}
