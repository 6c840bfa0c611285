package fault_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
)

func TestOf(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused to 10.0.0.1")

	t.Run("finds_the_fault_under_wrapping", func(t *testing.T) {
		t.Parallel()
		f := fault.NotFound("The user does not exist.")
		require.Same(t, f, fault.Of(fmt.Errorf("finding the user: %w", f)))
		require.True(t, fault.Is(fmt.Errorf("finding the user: %w", f), fault.KindNotFound))
		require.False(t, fault.Is(f, fault.KindConflict))
	})
	t.Run("the_outermost_fault_counts", func(t *testing.T) {
		t.Parallel()
		inner := fault.NotFound("No such row")
		outer := fault.Invalid("invalid_grant", "Unknown or invalid refresh token.").Because(inner)
		require.Equal(t, fault.KindInvalid, fault.Of(outer).Kind)
		require.ErrorIs(t, outer, inner)
	})
	t.Run("any_other_error_is_internal_and_its_words_are_not_shown", func(t *testing.T) {
		t.Parallel()
		f := fault.Of(cause)
		require.Equal(t, fault.KindInternal, f.Kind)
		require.NotContains(t, f.Message, "10.0.0.1")
		require.ErrorIs(t, f, cause)
		require.Contains(t, f.Error(), "10.0.0.1", "the log has it")
	})
	t.Run("nil_is_nil_and_of_no_kind", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, fault.Of(nil))
		require.False(t, fault.Is(nil, fault.KindInternal))
	})
	t.Run("a_cause_goes_to_a_copy", func(t *testing.T) {
		t.Parallel()
		f := fault.Unavailable("The store is away")
		g := f.Because(cause)
		require.NoError(t, f.Cause)
		require.ErrorIs(t, g, cause)
		require.Equal(t, time.Second, g.RetryAfter)
		require.Equal(t, f.Message, g.Message)
	})
}
