package temporalkit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/testkit"
)

var quiet = slog.New(slog.DiscardHandler)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	c := temporalkit.Config{Addr: "temporal:7233"}
	require.NoError(t, c.Validate())
	require.Equal(t, "postern", c.Namespace)
	for says, c := range map[string]temporalkit.Config{
		"POSTERN_TEMPORAL_ADDR is not set": {},
		"must be set together":             {Addr: "a:1", CertFile: "x"},
		"POSTERN_TEMPORAL_CA_FILE is not":  {Addr: "a:1", CertFile: "x", KeyFile: "y"},
	} {
		require.ErrorContains(t, c.Validate(), says)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	missing := fault.NotFound("No such operation")
	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"no_such_workflow_is_the_given_not_found": {serviceerror.NewNotFound("x"), fault.KindNotFound},
		"one_that_runs_already_is_a_conflict":     {serviceerror.NewWorkflowExecutionAlreadyStarted("x", "", ""), fault.KindConflict},
		"an_engine_that_is_away_is_unavailable":   {serviceerror.NewUnavailable("x"), fault.KindUnavailable},
		"an_engine_that_is_late_is_unavailable":   {fmt.Errorf("starting: %w", serviceerror.NewDeadlineExceeded("x")), fault.KindUnavailable},
		"a_namespace_to_come_is_unavailable":      {serviceerror.NewNamespaceNotFound("postern"), fault.KindUnavailable},
		"anything_else_is_internal":               {errors.New("odd"), fault.KindInternal},
		"a_fault_stays_what_it_is":                {fault.Denied("", "No"), fault.KindDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.RequireFault(t, temporalkit.Error(tc.err, missing), tc.want)
		})
	}
	t.Run("the_end_of_the_callers_context_stays_as_it_is", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, context.Canceled, temporalkit.Error(context.Canceled, missing))
		require.NoError(t, temporalkit.Error(nil, missing))
	})
}

func TestActivityError_comes_out_of_the_workflow_as_the_same_fault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		want  fault.Kind
		tries int
	}{
		"a_conflict_is_final":        {fault.Conflict("slug_taken", "This account exists already"), fault.KindConflict, 1},
		"a_refused_value_is_final":   {fault.Invalid("bad_slug", "Not a slug"), fault.KindInvalid, 1},
		"an_absence_is_tried_again":  {fault.Unavailable("The database is away"), fault.KindUnavailable, 3},
		"the_unknown_is_tried_again": {errors.New("odd"), fault.KindInternal, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			activity := func(context.Context) error { tries++; return temporalkit.ActivityError(tc.err) }
			var suite testsuite.WorkflowTestSuite
			suite.SetLogger(temporallog.NewStructuredLogger(quiet))
			env := suite.NewTestWorkflowEnvironment()
			env.RegisterActivity(activity)
			env.ExecuteWorkflow(func(ctx workflow.Context) error {
				ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
					StartToCloseTimeout: time.Second, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3},
				})
				return workflow.ExecuteActivity(ctx, activity).Get(ctx, nil)
			})
			err := temporalkit.Error(env.GetWorkflowError(), nil)
			testkit.RequireFault(t, err, tc.want)
			require.Equal(t, tc.tries, tries)
			if want := fault.Of(tc.err); want.Kind != fault.KindInternal {
				require.Equal(t, want.Code, fault.Of(err).Code)
				require.Equal(t, want.Message, fault.Of(err).Message)
			}
		})
	}
	require.NoError(t, temporalkit.ActivityError(nil))
}

func TestWorker_waits_for_an_engine_that_is_away(t *testing.T) {
	t.Parallel()
	c, err := temporalkit.Dial(t.Context(), temporalkit.Config{Addr: "127.0.0.1:1"}, quiet)
	require.NoError(t, err, "an engine that is away is no reason not to start")
	t.Cleanup(c.Close)
	w := temporalkit.NewWorker(c, "cell-eu", func(worker.Registry) {}, worker.Options{}, quiet)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	require.NoError(t, w.Run(ctx))
	require.Less(t, time.Since(began), 5*time.Second)
	testkit.RequireFault(t, temporalkit.Ready(t.Context(), c), fault.KindUnavailable)
}
