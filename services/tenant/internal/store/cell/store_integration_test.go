//go:build integration

package cell_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/tenant/internal/store/cell"
	"github.com/postern-id/postern/services/tenant/internal/store/cell/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

func TestStore(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "tenant", cell.Migrations())
	s := cell.New(db.Pool, clock.At("2026-03-01T12:00:00Z").Now, func() {})
	storetest.Run(t, s)

	t.Run("change_and_its_event_are_one_fact", func(t *testing.T) {
		t.Parallel()
		id := testkit.Tenants(1)[0]
		require.NoError(t, s.Create(t.Context(), id, nil))
		ctx := audit.With(t.Context(), audit.Act{Operation: "Update tenant settings", ClientID: "client"})
		_, err := s.Update(ctx, id, func(old tenant.Settings) (tenant.Settings, error) {
			return old.Patch(map[string]any{"friendly_name": "Acme"})
		})
		require.NoError(t, err)
		var subject string
		var payload []byte
		require.NoError(t, db.Admin(t).QueryRow(t.Context(), "select subject, payload from outbox where tenant_id = $1", string(id)).Scan(&subject, &payload))
		require.Equal(t, logapi.SettingsUpdated, subject)
		event, err := logapi.Decode(payload)
		require.NoError(t, err)
		require.Equal(t, id, event.Tenant)
		require.Equal(t, "sapi", event.Entry.Type)
		require.Equal(t, "client", event.Entry.ClientID)
	})
	t.Run("without_a_tenant_no_row_shows", func(t *testing.T) {
		require.NoError(t, s.Create(t.Context(), testkit.Tenants(1)[0], nil))
		var n int
		require.NoError(t, db.Pool.QueryRow(t.Context(), "select count(*) from settings").Scan(&n))
		require.Zero(t, n)
	})
}
