package runner_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/runner"
)

func TestRun(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	broken := errors.New("broken")

	t.Run("the_first_failure_stops_the_rest_and_is_what_it_gives", func(t *testing.T) {
		t.Parallel()
		var stopped atomic.Bool
		err := runner.Run(t.Context(), func(context.Context) error { return broken }, func(ctx context.Context) error {
			<-ctx.Done()
			stopped.Store(true)
			return errors.New("broken by being stopped")
		})
		require.ErrorIs(t, err, broken)
		require.True(t, stopped.Load(), "all are waited for")
	})
	t.Run("the_end_of_the_context_is_no_failure", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, runner.Run(ctx, waits, func(ctx context.Context) error {
			<-ctx.Done()
			return fmt.Errorf("waiting: %w", ctx.Err())
		}))
	})
	t.Run("a_failure_to_stop_is_one", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := runner.Run(ctx, waits, func(ctx context.Context) error {
			<-ctx.Done()
			return broken
		})
		require.ErrorIs(t, err, broken)
	})
	t.Run("a_task_that_ends_by_itself_stops_the_program", func(t *testing.T) {
		t.Parallel()
		err := runner.Run(t.Context(), waits, func(context.Context) error { return nil })
		require.ErrorIs(t, err, runner.ErrEnded)
	})
	t.Run("a_task_that_cancels_something_of_its_own_has_failed", func(t *testing.T) {
		t.Parallel()
		err := runner.Run(t.Context(), waits, func(context.Context) error { return context.Canceled })
		require.ErrorIs(t, err, context.Canceled)
	})
	t.Run("no_tasks_are_done_at_once", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, runner.Run(t.Context()))
	})
}
