package clock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
)

func TestFake(t *testing.T) {
	t.Parallel()
	c := clock.At("2026-03-01T12:00:00Z")
	first := c.Now()
	require.Equal(t, first, c.Now(), "it stands still")
	c.Advance(90 * time.Second)
	require.Equal(t, "2026-03-01T12:01:30Z", c.Now().Format(time.RFC3339))
	require.Panics(t, func() { clock.At("noon") })
}
