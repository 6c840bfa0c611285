package supervise_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/supervise"
)

func TestProcess_Stop(t *testing.T) {
	t.Parallel()

	t.Run("ends_a_child_that_listens", func(t *testing.T) {
		t.Parallel()
		p, err := supervise.Start(exec.Command("sleep", "60"), syscall.SIGKILL) //nolint:noctx // ended below
		require.NoError(t, err)
		p.Stop(t.Context(), syscall.SIGTERM, time.Minute)
		require.Error(t, p.Err())
		require.ErrorIs(t, syscall.Kill(p.PID(), 0), syscall.ESRCH)
	})

	t.Run("kills_the_whole_group_of_a_child_that_does_not", func(t *testing.T) {
		t.Parallel()
		p, err := supervise.Start(exec.Command("sh", "-c", "trap '' TERM; sleep 60 & wait; wait"), syscall.SIGKILL) //nolint:noctx // ended below
		require.NoError(t, err)
		p.Stop(t.Context(), syscall.SIGTERM, 50*time.Millisecond)
		require.Eventually(t, func() bool { return syscall.Kill(-p.PID(), 0) != nil }, 5*time.Second, 5*time.Millisecond)
	})

	t.Run("a_program_that_is_not_there_is_an_error", func(t *testing.T) {
		t.Parallel()
		_, err := supervise.Start(exec.Command("/nowhere"), syscall.SIGKILL) //nolint:noctx // does not start
		require.Error(t, err)
	})
}
