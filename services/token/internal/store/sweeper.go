package store

import (
	"context"
	"log/slog"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/telemetry"
)

// sweepEvery is how long the oldest dead row may lie about.
const sweepEvery = 15 * time.Second

// Sweeper deletes what has expired, batch by batch. Several may run; they find each other's work done.
type Sweeper struct {
	Store *Store
	Now   clock.Now
	Log   *slog.Logger
}

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) error {
	for {
		n, err := s.Store.Sweep(ctx, s.Now())
		wait := sweepEvery
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // asked to stop
		case err != nil:
			s.Log.WarnContext(ctx, "expired rows not deleted", slog.String(telemetry.KeyCause, err.Error()))
		case n > 0:
			s.Log.DebugContext(ctx, "expired rows deleted", slog.Int(telemetry.KeyCount, n))
			wait = sweepEvery / 100 // there may be more
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
