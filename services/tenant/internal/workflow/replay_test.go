package workflow_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/postern-id/postern/services/tenant/internal/workflow"
)

// TestReplay runs today's recipes against histories of workflows that ran: a change that running workflows could not survive fails
// here. Histories are written by `temporal workflow show --output json`; old ones stay until no such workflow can be running.
func TestReplay(t *testing.T) {
	t.Parallel()
	histories, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, histories)
	for _, history := range histories {
		t.Run(strings.TrimSuffix(filepath.Base(history), ".json"), func(t *testing.T) {
			t.Parallel()
			replayer := worker.NewWorkflowReplayer()
			replayer.RegisterWorkflow(workflow.ProvisionTenant)
			replayer.RegisterWorkflow(workflow.DeleteTenant)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(quiet(), history))
		})
	}
}

func quiet() log.Logger {
	return log.NewStructuredLogger(slog.New(slog.DiscardHandler))
}
