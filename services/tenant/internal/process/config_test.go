package process_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/services/tenant"
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func TestConfig(t *testing.T) { // sets the environment: not parallel
	t.Run("without_a_cell_it_is_the_control_plane", func(t *testing.T) {
		t.Setenv("POSTERN_BASE_DOMAIN", "example.com")
		t.Setenv("POSTERN_PUBLIC_PORT", "8443")
		t.Setenv("POSTERN_CELLS", "us:us,eu:eu")
		t.Setenv("POSTERN_POSTGRES_DATABASE", "postern_control")
		t.Setenv("POSTERN_NATS_USER", "control")
		var cfg process.Config
		require.NoError(t, config.Load(&cfg))
		require.Equal(t, []tenant.CellRef{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}}, cfg.Control.Cells)
		require.Equal(t, 8443, cfg.Control.PublicPort)
		require.Equal(t, "postern_control", cfg.Control.Postgres.Database)
		require.Equal(t, "control", cfg.Control.NATS.User)
	})
	t.Run("control_plane_without_cells_is_refused", func(t *testing.T) {
		t.Setenv("POSTERN_BASE_DOMAIN", "example.com")
		var cfg process.Config
		require.ErrorContains(t, config.Load(&cfg), "POSTERN_CELLS")
	})
	t.Run("with_a_cell_it_is_that_cells_half", func(t *testing.T) {
		t.Setenv("POSTERN_CELL", "eu")
		t.Setenv("POSTERN_REGION", "eu")
		t.Setenv("POSTERN_POSTGRES_DATABASE", "postern_eu")
		for _, url := range []string{"POSTERN_CLIENT_URL", "POSTERN_USER_URL", "POSTERN_TOKEN_URL"} {
			t.Setenv(url, "https://127.0.0.1:1")
		}
		key := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(key, make([]byte, 32), 0o600))
		t.Setenv("POSTERN_EDGE_KEY_FILE", key)
		var cfg process.Config
		require.ErrorContains(t, config.Load(&cfg), "POSTERN_INTERNAL_CERT_FILE", "neighbours speak mTLS")
		require.Equal(t, "eu", cfg.CellHalf.Cell)
		require.Equal(t, "postern_eu", cfg.CellHalf.Postgres.Database)
	})
}
