package tokentest

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/clock"
)

// Passing is a wait that is over at once, the clock having moved.
func Passing(c *clock.Fake) func(ctx context.Context, d time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		c.Advance(d)
		return ctx.Err()
	}
}
