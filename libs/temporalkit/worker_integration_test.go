//go:build integration

package temporalkit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/testkit"
)

func TestWorker_works_again_after_the_engine_was_away(t *testing.T) {
	t.Parallel()
	cloud := testkit.DevCloud(t)
	proxy := testkit.NewProxy(t, cloud.Engines.Temporal.Addr)
	proxy.Down()
	dial := func(addr string) client.Client {
		c, err := temporalkit.Dial(t.Context(), temporalkit.Config{Addr: addr, Namespace: cloud.Engines.Temporal.Namespace}, quiet)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	asker := dial(cloud.Engines.Temporal.Addr)
	queue := "test-" + string(testkit.Tenants(1)[0])
	double := func(_ workflow.Context, n int) (int, error) { return 2 * n, nil }
	w := temporalkit.NewWorker(dial(proxy.Addr), queue, func(r worker.Registry) {
		r.RegisterWorkflowWithOptions(double, workflow.RegisterOptions{Name: "Double"})
	}, worker.Options{}, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()

	ask := func(n int) {
		t.Helper()
		bounded, stop := context.WithTimeout(t.Context(), 60*time.Second)
		defer stop()
		run, err := asker.ExecuteWorkflow(bounded, client.StartWorkflowOptions{TaskQueue: queue}, "Double", n)
		require.NoError(t, err)
		var got int
		require.NoError(t, run.Get(bounded, &got))
		require.Equal(t, 2*n, got)
	}
	proxy.Up()
	ask(1)
	proxy.Down()
	proxy.Up()
	ask(2)
	cancel()
	require.NoError(t, <-done)
	_, err := asker.DescribeWorkflowExecution(t.Context(), "none", "")
	testkit.RequireFault(t, temporalkit.Error(err, fault.NotFound("No such operation")), fault.KindNotFound)
}
