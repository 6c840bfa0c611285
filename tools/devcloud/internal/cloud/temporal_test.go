//go:build integration

package cloud_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const waiting = "waits-through-a-restart"

func temporalClient(t *testing.T, d *devcloud) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: d.file.Engines.Temporal.Addr, Namespace: d.file.Engines.Temporal.Namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// wait is a workflow that ends when it is told to.
func wait(ctx workflow.Context) (string, error) {
	var word string
	workflow.GetSignalChannel(ctx, "word").Receive(ctx, &word)
	return word, nil
}

func work(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, "test", worker.Options{})
	w.RegisterWorkflow(wait)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

func testTemporal(t *testing.T, d *devcloud) {
	t.Helper()
	c := temporalClient(t, d)

	t.Run("the_namespace_is_there_with_its_retention", func(t *testing.T) {
		res, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "postern"})
		require.NoError(t, err)
		require.Equal(t, 7*24*time.Hour, res.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	})

	t.Run("a_workflow_runs", func(t *testing.T) {
		work(t, c)
		for _, id := range []string{"at-once", waiting} {
			_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "test"}, wait)
			require.NoError(t, err)
		}
		require.NoError(t, c.SignalWorkflow(t.Context(), "at-once", "", "word", "now"))
		requireWord(t, c, "at-once", "now")
	})
}

func requireWord(t *testing.T, c client.Client, id, want string) {
	t.Helper()
	var word string
	require.NoError(t, c.GetWorkflow(t.Context(), id, "").Get(t.Context(), &word))
	require.Equal(t, want, word)
}

// keptTemporal finds the workflow that was waiting when the dev cloud ended, running or, the second time, done.
func keptTemporal(t *testing.T, d *devcloud) {
	t.Helper()
	c := temporalClient(t, d)
	found, err := c.DescribeWorkflowExecution(t.Context(), waiting, "")
	require.NoError(t, err)
	if found.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		work(t, c)
		require.NoError(t, c.SignalWorkflow(t.Context(), waiting, "", "word", "later"))
	}
	requireWord(t, c, waiting, "later")
}
