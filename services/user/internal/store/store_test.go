//go:build integration

package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/user/internal/store"
	"github.com/postern-id/postern/services/user/internal/store/migrations"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

func TestStore_keeps_the_contract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) user.Store {
		t.Helper()
		return store.New(testkit.Postgres(t, "user", migrations.FS).Pool, func() {})
	})
}

func TestStore_leaves_an_event_with_each_change(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "user", migrations.FS)
	kicks := 0
	s := store.New(db.Pool, func() { kicks++ })
	ctx := audit.With(t.Context(), audit.Act{Operation: "Create a User", ClientID: "client", IP: "192.0.2.1"})
	ctx = tenancy.With(ctx, tenancy.Tenant{ID: storetest.TenantA, Name: "acme"})
	u := storetest.Person(1)
	require.NoError(t, s.Create(ctx, storetest.TenantA, u, nil))
	require.Error(t, s.Create(ctx, storetest.TenantA, u, nil), "what failed leaves no event")
	name := "Ada"
	_, err := s.Update(t.Context(), storetest.TenantA, u.ID, user.Change{Name: &name}, nil, time.Now())
	require.NoError(t, err)
	_, err = s.RecordLogin(t.Context(), storetest.TenantA, u.ID, "192.0.2.1", time.Now())
	require.NoError(t, err)
	require.NoError(t, s.Delete(t.Context(), storetest.TenantA, u.ID, time.Now()))
	require.NoError(t, s.Delete(t.Context(), storetest.TenantA, u.ID, time.Now()), "a repeat")
	require.NoError(t, s.Create(ctx, storetest.TenantA, u, nil))
	require.NoError(t, s.DeleteByEmail(ctx, storetest.TenantA, u.Primary().Connection, u.Email, time.Now()))
	require.NoError(t, s.DeleteByEmail(ctx, storetest.TenantA, u.Primary().Connection, u.Email, time.Now()), "a repeat")

	rows, err := db.Admin(t).Query(context.Background(), "select subject, event_id, tenant_id, payload from outbox order by id")
	require.NoError(t, err)
	defer rows.Close()
	var subjects []string
	for rows.Next() {
		var subject, id, tenant string
		var payload []byte
		require.NoError(t, rows.Scan(&subject, &id, &tenant, &payload))
		var e logapi.Event
		require.NoError(t, json.Unmarshal(payload, &e))
		assert.Equal(t, id, e.ID)
		assert.Equal(t, storetest.TenantA, e.Tenant)
		assert.Equal(t, &logapi.Object{Kind: "user", ID: string(u.ID)}, e.Object)
		if subject == logapi.UserCreated || len(subjects) > 3 {
			require.NotNil(t, e.Entry)
			assert.Equal(t, "sapi", e.Entry.Type)
			assert.Equal(t, "Create a User", e.Entry.Description)
			assert.Equal(t, "acme", e.TenantName)
		} else {
			assert.Nil(t, e.Entry, "the platform's own act is no audit entry")
		}
		subjects = append(subjects, subject)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, []string{
		logapi.UserCreated, logapi.UserUpdated, logapi.UserDeleted, logapi.UserCreated, logapi.UserDeleted,
	}, subjects)
	assert.Positive(t, kicks)
}

// The wall behind the queries: without its tenant a connection sees nothing, and with one it writes for no other.
func TestSchema_hides_every_tenants_rows(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "user", migrations.FS)
	s, u := store.New(db.Pool, func() {}), storetest.Person(1)
	require.NoError(t, s.Create(t.Context(), storetest.TenantA, u, &user.Credential{Hash: "$argon2id$x"}))
	_, err := s.Update(t.Context(), storetest.TenantA, u.ID, user.Change{KeepPasswords: 1}, &user.Credential{Hash: "$argon2id$y"}, time.Now())
	require.NoError(t, err)
	_, err = db.Admin(t).Exec(t.Context(), "delete from outbox where subject = $1", logapi.UserUpdated)
	require.NoError(t, err)
	for _, table := range []string{"users", "identities", "credentials", "password_history", "outbox"} {
		var n int
		require.NoError(t, db.Admin(t).QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
		assert.Equal(t, 1, n, table)
		require.NoError(t, db.Pool.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n))
		assert.Zero(t, n, table)
		var forced bool
		require.NoError(t, db.Admin(t).QueryRow(t.Context(),
			"select relrowsecurity and relforcerowsecurity from pg_class where relname = $1", table).Scan(&forced))
		assert.True(t, forced, table)
	}
	tx, err := db.Pool.Begin(t.Context())
	require.NoError(t, err)
	defer tx.Rollback(context.Background()) //nolint:errcheck // the end of the test
	_, err = tx.Exec(t.Context(), "set local postern.tenant = 'tnt_B'")
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "insert into users (tenant_id, id, created_at, updated_at) values ('tnt_A', 'auth0|x', now(), now())")
	require.ErrorContains(t, err, "row-level security")
}
