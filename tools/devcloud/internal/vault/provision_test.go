package vault_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/vault"
)

func TestRender(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../../infra/vault/*.hcl")
	require.NoError(t, err)
	require.Len(t, files, 6)

	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".hcl")+"_reaches_into_no_other_cell", func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(path) //nolint:gosec // of this repository
			require.NoError(t, err)
			text := vault.Render(string(content), "eu")
			require.NotContains(t, text, "{{")
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "path ") && !strings.Contains(line, `"auth/token/`) {
					require.Contains(t, line, `"eu/transit/`)
				}
			}
		})
	}
}
