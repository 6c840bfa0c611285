package temporalkit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/postern-id/postern/libs/telemetry"
)

const (
	healthTimeout = 3 * time.Second
	firstWait     = 200 * time.Millisecond
	maxWait       = 5 * time.Second
	// stopTimeout is how long activities in hand may take once the process is asked to stop; they run again elsewhere after that.
	stopTimeout = 10 * time.Second
)

// Worker takes tasks of one queue.
type Worker struct {
	client   client.Client
	queue    string
	options  worker.Options
	register func(worker.Registry)
	log      *slog.Logger
}

// NewWorker makes a worker of queue. register names its workflows and activities; it is called for each start, since an engine
// that was away needs a new start. options may be zero: activities then get 10 s to end when the worker stops.
func NewWorker(c client.Client, queue string, register func(worker.Registry), options worker.Options, log *slog.Logger) *Worker {
	if options.WorkerStopTimeout == 0 {
		options.WorkerStopTimeout = stopTimeout
	}
	return &Worker{client: c, queue: queue, options: options, register: register, log: log}
}

// Run takes tasks until ctx ends, lets those in hand end, and returns nil. An engine that is away, at the start or later, is
// waited for.
func (w *Worker) Run(ctx context.Context) error {
	wait := firstWait
	for ctx.Err() == nil {
		began, err := w.work(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop
		}
		if began {
			wait = firstWait
		}
		w.log.WarnContext(ctx, "workflow worker interrupted", slog.String("queue", w.queue), slog.String(telemetry.KeyCause, err.Error()))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		wait = min(2*wait, maxWait)
	}
	return nil
}

// work starts a worker and waits for its end. began tells whether it came to poll.
func (w *Worker) work(ctx context.Context) (began bool, err error) {
	// Asked first, because a start that fails spends the worker and waits long.
	health, cancel := context.WithTimeout(ctx, healthTimeout)
	_, err = w.client.CheckHealth(health, &client.CheckHealthRequest{})
	cancel()
	if err != nil {
		return false, fmt.Errorf("reaching the workflow engine: %w", err)
	}
	options, fatal := w.options, make(chan error, 1)
	options.OnFatalError = func(err error) {
		if w.options.OnFatalError != nil {
			w.options.OnFatalError(err)
		}
		fatal <- err
	}
	running := worker.New(w.client, w.queue, options)
	w.register(running)
	if err := running.Start(); err != nil {
		return false, fmt.Errorf("starting the worker: %w", err)
	}
	w.log.DebugContext(ctx, "workflow worker at work", slog.String("queue", w.queue))
	defer running.Stop()
	select {
	case <-ctx.Done():
		return true, ctx.Err()
	case err := <-fatal:
		return true, fmt.Errorf("polling: %w", err)
	}
}
