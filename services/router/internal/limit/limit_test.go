package limit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/services/router/internal/limit"
)

func TestLimiter_Take(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	l := limit.New(2, 2, now.Now)

	for i, want := range []bool{true, true, false} {
		v, ok := l.Take("tnt_a")
		require.True(t, ok)
		require.Equal(t, want, v.Allowed, "request %d", i)
	}
	v, _ := l.Take("tnt_a")
	require.Equal(t, now.Now().Add(500*time.Millisecond), v.Reset)
	require.Equal(t, 500*time.Millisecond, v.Wait)

	v, _ = l.Take("tnt_b")
	require.True(t, v.Allowed, "one tenant's noise is not another's limit")

	now.Advance(time.Second)
	v, _ = l.Take("tnt_a")
	require.True(t, v.Allowed)

	_, ok := limit.New(0, 0, now.Now).Take("tnt_a")
	require.False(t, ok, "zero is no limit")
}
