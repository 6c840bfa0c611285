//go:build integration

package auditkit_test

import (
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/auditkit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

var migrations = fstest.MapFS{"0001_outbox.sql": {Data: []byte("-- +goose Up\n" + pgkit.OutboxDDL)}}

func TestLines_Record(t *testing.T) {
	t.Parallel()
	d, tenants := testkit.Postgres(t, "kit", migrations), testkit.Tenants(2)
	kicks := 0
	lines := &auditkit.Lines{Pool: d.Pool, Kick: func() { kicks++ }, Now: clock.At("2026-03-01T12:00:00Z").Now}
	act := audit.Act{Operation: "Get a client by ID", ClientID: "c1", Method: "get", Status: 200, Revealed: []string{"client_secret"}}
	ctx := tenancy.With(t.Context(), tenancy.Tenant{ID: tenants[0], Name: "acme"})
	require.NoError(t, lines.Record(ctx, tenants[0], act))
	require.Equal(t, 1, kicks)

	seen := func(tenant tenancy.ID) (payloads [][]byte) {
		require.NoError(t, pgkit.InTenantRead(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), "select payload from outbox")
			if err != nil {
				return err
			}
			payloads, err = pgx.CollectRows(rows, pgx.RowTo[[]byte])
			return err
		}))
		return payloads
	}
	require.Empty(t, seen(tenants[1]), "a stranger's tenant")
	stored := seen(tenants[0])
	require.Len(t, stored, 1)
	e, err := logapi.Decode(stored[0])
	require.NoError(t, err)
	require.Equal(t, []any{logapi.CallRecorded, tenants[0], "acme"}, []any{e.Subject, e.Tenant, e.TenantName})
	require.Equal(t, logapi.TypeRead, e.Entry.Type)
	require.Equal(t, []any{"client_secret"}, e.Entry.Details["accessedSecrets"])

	testkit.RequireFault(t, lines.Record(t.Context(), "", act), fault.KindInternal)
	d.Pool.Close()
	require.Error(t, lines.Record(ctx, tenants[0], act), "what cannot be stored is told of")
	require.Equal(t, 1, kicks)
}
