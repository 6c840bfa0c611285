//go:build integration

package store_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store"
	"github.com/postern-id/postern/services/client/internal/store/migrations"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

// open makes a store over a database of the test's own and real sealing.
func open(t *testing.T) (*store.Store, *testkit.Database) {
	t.Helper()
	db := testkit.Postgres(t, "client", migrations.FS)
	vault, err := vaultkit.Open(t.Context(), vaulttest.New(t).Config(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	name := func(id tenancy.ID) string { return "wrap-" + string(id) }
	for _, id := range []tenancy.ID{storetest.Owner, storetest.Stranger} {
		require.NoError(t, vault.CreateWrappingKey(t.Context(), name(id)))
	}
	return store.New(store.Deps{
		Pool: db.Pool, Sealer: vaultkit.NewSealer(vault, name, store.DataKeys{Pool: db.Pool}), Kick: func() {}, Now: time.Now,
	}), db
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		t.Helper()
		s, db := open(t)
		admin := db.Admin(t)
		return storetest.Subject{Store: s, Facts: func() []storetest.Fact {
			rows, err := admin.Query(context.Background(), "select payload from outbox order by id")
			require.NoError(t, err)
			defer rows.Close()
			var facts []storetest.Fact
			for rows.Next() {
				var payload []byte
				require.NoError(t, rows.Scan(&payload))
				e, err := logapi.Decode(payload)
				require.NoError(t, err)
				facts = append(facts, storetest.Fact{Tenant: e.Tenant, Subject: e.Subject, Kind: e.Object.Kind, ID: e.Object.ID})
			}
			require.NoError(t, rows.Err())
			return facts
		}}
	})
}

func TestStore_secrets(t *testing.T) {
	s, db := open(t)
	c := storetest.NewClient(t, client.Settings{"addons": map[string]any{"wams": map[string]any{"masterkey": "addon-hush"}}})
	require.NoError(t, s.CreateClient(t.Context(), storetest.Owner, c, false))
	con, err := client.NewConnection(client.Settings{
		"name": "social", "strategy": "github", "options": map[string]any{"client_secret": "upstream-hush"},
	}, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateConnection(t.Context(), storetest.Owner, con))
	r, err := client.NewResourceServer(client.Settings{"identifier": "https://api", "signing_alg": "HS256", "signing_secret": "signing-hush-0123456789"}, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateResourceServer(t.Context(), storetest.Owner, r))

	corp, err := client.NewConnection(client.Settings{"name": "corp", "strategy": "okta"}, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateConnection(t.Context(), storetest.Owner, corp))
	scim, err := corp.NewSCIM("", nil, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateSCIM(t.Context(), storetest.Owner, scim))
	token, err := client.NewSCIMToken(nil, 0, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateSCIMToken(t.Context(), storetest.Owner, corp.ID, token, 2))

	admin := db.Admin(t)
	t.Run("no_column_holds_one_in_the_clear", func(t *testing.T) {
		for _, table := range []string{"clients", "connections", "resource_servers", "scim_tokens", "outbox"} {
			var found bool
			err := admin.QueryRow(t.Context(), "select exists (select from "+table+" r where r::text ~ 'hush' or r::text like '%' || $1 || '%' or "+
				"encode(convert_to(r::text, 'UTF8'), 'escape') like '%' || encode(convert_to('hush','UTF8'),'hex') || '%')", string(c.Secret)).Scan(&found)
			require.NoError(t, err)
			assert.False(t, found, table)
			_, random, _ := strings.Cut(string(token.Secret), ".")
			err = admin.QueryRow(t.Context(), "select exists (select from "+table+" r where r::text like '%' || $1 || '%')", random).Scan(&found)
			require.NoError(t, err)
			assert.False(t, found, table)
		}
	})
	t.Run("a_sealed_secret_moved_to_another_client_does_not_open", func(t *testing.T) {
		other := storetest.NewClient(t, nil)
		require.NoError(t, s.CreateClient(t.Context(), storetest.Owner, other, false))
		_, err := admin.Exec(t.Context(), "update clients set secret_sealed = (select secret_sealed from clients where id = $1) where id = $2",
			string(c.ID), string(other.ID))
		require.NoError(t, err)
		_, err = s.FindClient(t.Context(), storetest.Owner, other.ID)
		require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
	})
}

func TestStore_audit(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	ctx := audit.With(t.Context(), audit.Act{Operation: "Create a client", ClientID: "caller", Status: 201})
	ctx = tenancy.With(ctx, tenancy.Tenant{ID: storetest.Owner, Name: "acme"})
	con, err := client.NewConnection(client.Settings{"name": "db", "strategy": "auth0"}, time.Now())
	require.NoError(t, err)
	require.NoError(t, s.CreateConnection(t.Context(), storetest.Owner, con))
	require.NoError(t, s.CreateClient(ctx, storetest.Owner, storetest.NewClient(t, nil), true))

	rows, err := db.Admin(t).Query(t.Context(), "select payload from outbox order by id")
	require.NoError(t, err)
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var payload []byte
		require.NoError(t, rows.Scan(&payload))
		e, err := logapi.Decode(payload)
		require.NoError(t, err)
		if e.Entry != nil {
			lines = append(lines, e.Subject+" "+e.TenantName+" "+e.Entry.ClientID)
		}
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, []string{logapi.ClientCreated + " acme caller"}, lines, "one call leaves one line, however many facts")
}

func TestStore_isolation(t *testing.T) {
	s, db := open(t)
	require.NoError(t, s.CreateClient(t.Context(), storetest.Owner, storetest.NewClient(t, nil), false))
	t.Run("without_a_tenant_no_table_shows_a_row", func(t *testing.T) {
		for _, table := range []string{"clients", "resource_servers", "client_grants", "connections", "connection_clients", "seeds", "data_keys", "scim_configurations", "scim_tokens", "outbox"} {
			var n int
			require.NoError(t, db.Pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
			assert.Zero(t, n, table)
		}
	})
	t.Run("every_table_forces_row_level_security", func(t *testing.T) {
		rows, err := db.Admin(t).Query(t.Context(), `select relname from pg_class
			where relnamespace = 'client'::regnamespace and relkind = 'r' and relname <> 'goose_db_version' and not (relrowsecurity and relforcerowsecurity)`)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var name string
			require.NoError(t, rows.Scan(&name))
			t.Errorf("%s is not held by row-level security", name)
		}
		require.NoError(t, rows.Err())
	})
}
