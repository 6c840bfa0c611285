package limit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/limit"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	l := limit.New(2, time.Minute, now.Now)
	require.NoError(t, l.Take("a"))
	require.NoError(t, l.Take("a"))
	require.True(t, fault.Is(l.Take("a"), fault.KindTooMany))
	require.NoError(t, l.Take("b"), "nobody pays for another")
	now.Advance(time.Minute)
	require.NoError(t, l.Take("a"))
	require.Error(t, l.Take("a"))
}
