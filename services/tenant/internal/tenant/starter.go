package tenant

import (
	"context"
	"log/slog"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
)

// The starter's pace.
const (
	starterPoll = time.Second
	starterMax  = 5 * time.Second
	starterPage = 100
	// staleAfter is when an operation that began and has not ended is begun again, in case the engine lost it. One that the engine
	// still has is not disturbed.
	staleAfter = 5 * time.Minute
)

// The keys of this room's log lines, spelled as everywhere (libs/telemetry, which a domain does not see).
const (
	keyCause     = "cause"
	keyOperation = "operation"
)

// Starter begins kept operations: an operation is committed first and begun afterwards, so that none is lost while the engine of
// long work is away. However many processes run one, each operation is begun once.
type Starter struct {
	store     WorkStore
	workflows Workflows
	now       clock.Now
	log       *slog.Logger
	kick      chan struct{}
}

// NewStarter makes a starter.
func NewStarter(store WorkStore, workflows Workflows, now clock.Now, log *slog.Logger) *Starter {
	return &Starter{store: store, workflows: workflows, now: now, log: log, kick: make(chan struct{}, 1)}
}

// Kick wakes the starter at once. It never blocks.
func (s *Starter) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run begins operations until ctx ends, and returns nil then.
func (s *Starter) Run(ctx context.Context) error {
	wait := starterPoll
	for ctx.Err() == nil {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "operations not begun", slog.String(keyCause, err.Error()))
			wait = min(2*wait, starterMax)
		} else {
			wait = starterPoll
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// Round begins what is there to begin; Unavailable when the store or the engine is away.
func (s *Starter) Round(ctx context.Context) error {
	open, err := s.store.ListOpen(ctx, s.now().Add(-staleAfter), starterPage)
	if err != nil {
		return err
	}
	for _, op := range open {
		err := s.workflows.Start(ctx, op)
		if fault.Is(err, fault.KindUnavailable) {
			return err // the rest would wait as long
		}
		if err != nil {
			s.log.WarnContext(ctx, "operation not begun", slog.String(keyOperation, string(op.ID)), slog.String(keyCause, err.Error()))
			continue
		}
		if err := s.store.Begin(ctx, op.ID, s.now()); err != nil && !fault.Is(err, fault.KindConflict) {
			return err
		}
	}
	return nil
}
