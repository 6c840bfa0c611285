//go:build integration

package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/store"
	"github.com/postern-id/postern/services/token/internal/token"
)

// A family is one row whatever is exchanged, and nothing that an exchange changes is indexed: PostgreSQL then rewrites the row on its
// own page and throws the old one away by the way (heap-only tuples), so that the table stays as large as what is alive.
func TestPostgres_an_exchange_leaves_nothing_behind(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "token", store.Migrations())
	s, tenant, ctx, admin := store.New(db.Pool, func() {}), testkit.Tenants(1)[0], t.Context(), db.Admin(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	family := token.RefreshToken{
		ID: "rt_one", Counter: 1, Current: []token.Hash{token.HashOf("0")}, Rotating: true, ClientID: "client", UserID: "auth0|1", SessionID: "sid",
		Audience: "https://api.example", AuthTime: now, Created: now, IdleUntil: now.Add(time.Hour), Until: now.Add(24 * time.Hour),
	}
	fact := token.Fact{Tenant: tenant, Time: now, Name: token.TokenIssued, Type: "sertft"}
	require.NoError(t, s.SaveTokens(ctx, tenant, token.Settlement{Refresh: &family, Fact: fact}))
	row := func() map[string]any {
		var raw []byte
		require.NoError(t, admin.QueryRow(ctx, "select to_jsonb(r) from refresh_tokens r").Scan(&raw))
		columns := map[string]any{}
		require.NoError(t, json.Unmarshal(raw, &columns))
		return columns
	}
	before := row()
	for i := range 20 {
		at := now.Add(time.Duration(i+1) * time.Minute)
		require.NoError(t, s.RotateRefreshToken(ctx, tenant, token.Rotation{
			ID: "rt_one", Presented: token.HashOf(fmt.Sprint(i)), Next: token.HashOf(fmt.Sprint(i + 1)), Rotating: true, Now: at,
			IdleUntil: at.Add(time.Hour), Origin: token.Origin{IP: "192.0.2.1", UserAgent: "x"}, Fact: fact,
		}))
	}
	changed := []string{}
	for column, value := range row() {
		if fmt.Sprint(value) != fmt.Sprint(before[column]) {
			changed = append(changed, column)
		}
	}
	require.Contains(t, changed, "counter")
	require.Contains(t, changed, "idle_until")
	var indexed int
	require.NoError(t, admin.QueryRow(ctx, `
		select count(*) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
		where i.indrelid = 'refresh_tokens'::regclass and a.attname = any ($1)`, changed).Scan(&indexed))
	require.Zero(t, indexed, "%v", changed)
}
