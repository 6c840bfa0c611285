//go:build integration

package logsvc_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	logsvc "github.com/postern-id/postern/services/log"
	"github.com/postern-id/postern/services/log/internal/store/migrations"
)

func TestNew_makes_room_for_today_and_refuses_strangers(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, logsvc.Schema, migrations.FS)
	seal, err := tenancy.NewSeal(make([]byte, 32), time.Now)
	require.NoError(t, err)
	cfg := logsvc.Config{Cell: "us", Postgres: db.Config, NATS: testkit.DevCloud(t).NATSConfig("us")}
	for range 2 { // a restart finds it all there
		s, err := logsvc.New(t.Context(), cfg, logsvc.Deps{Log: slog.New(slog.DiscardHandler), Seal: seal, Now: time.Now})
		require.NoError(t, err)
		require.NoError(t, s.Ready(t.Context()))
		assert.Nil(t, s.Internal())
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/logs", nil))
		assert.Equal(t, http.StatusForbidden, w.Code)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, s.Run(ctx))
		s.Close()
	}
	var days int
	require.NoError(t, db.Admin(t).QueryRow(t.Context(), "select count(*) from pg_inherits where inhparent = 'entries'::regclass").Scan(&days))
	assert.Equal(t, 38, days, "30 days back, today, 7 days ahead")
}

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]logsvc.Config{"no_cell": {}, "too_long_a_retention": {Cell: "us", RetentionDays: 100_000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Error(t, cfg.Validate())
		})
	}
}
