package backchannel

import (
	"context"
	"log/slog"
	"time"

	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/token/internal/token"
)

// lookEvery is how long a message may wait for somebody to see it.
const lookEvery = time.Second

// Worker tells clients what they have to be told of, as long as the process runs.
type Worker struct {
	Teller *token.Teller
	Log    *slog.Logger
}

// Run tells until ctx ends, and what is under way then.
func (w *Worker) Run(ctx context.Context) error {
	defer func() { _ = w.Teller.Wait() }() // whatever fails now is due again
	for {
		n, err := w.Teller.Tell(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Log.WarnContext(ctx, "ends of sessions not told", slog.String(telemetry.KeyCause, err.Error()))
		case n > 0:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.Teller.Freed():
		case <-time.After(lookEvery):
		}
	}
}
