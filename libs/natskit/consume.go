package natskit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postern-id/postern/libs/telemetry"
)

const (
	// handleTimeout bounds the handling of one batch.
	handleTimeout = 30 * time.Second
	// pollTimeout is how long one question for a first event stands.
	pollTimeout = 10 * time.Second
)

// ConsumerConfig names a durable consumer. Processes that use one name share its events.
type ConsumerConfig struct {
	// Stream is where to read; empty means "EVENTS".
	Stream  string
	Durable string
	// Subjects filter; empty means all of the stream.
	Subjects []string
	// MaxBatch bounds a batch; zero means 500.
	MaxBatch int
	// MaxWait bounds how long the first events of a batch wait for more; zero means 20 ms.
	MaxWait time.Duration
	// AckWait is how long events wait that a lost connection or a process that died had in hand, until they come again; zero means
	// 3 s. Handling may take longer: a batch in work is kept.
	AckWait time.Duration
}

func (c *ConsumerConfig) validate() error {
	if c.Durable == "" {
		return errors.New("a consumer without a durable name")
	}
	if c.Stream == "" {
		c.Stream = "EVENTS"
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 500
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 20 * time.Millisecond
	}
	if c.AckWait <= 0 {
		c.AckWait = 3 * time.Second
	}
	return nil
}

// Consume hands the stream's events, in order and from its beginning, to handle in batches until ctx ends, and returns nil then.
// When handle returns nil the batch is done. When it fails, or takes longer than 30 s, the same events come again after a growing
// delay (200 ms to 5 s) and later ones wait for them: handle decides what to do with an event that it can never take. An event may
// come more than once. A missing stream or server is waited for. Errors are those of the configuration alone.
func Consume(ctx context.Context, conn *Conn, cfg ConsumerConfig, handle func(ctx context.Context, batch []Message) error) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	r := &reader{conn: conn, cfg: cfg, handle: handle, pause: newBackOff(conn), lost: make(chan struct{}, 1)}
	defer r.pause.stop()
	defer conn.onGap(func() {
		select {
		case r.lost <- struct{}{}:
		default:
		}
	})()
	for ctx.Err() == nil {
		err := r.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			conn.log.WarnContext(ctx, "consumer interrupted", slog.String("consumer", cfg.Durable), slog.String(telemetry.KeyCause, err.Error()))
			r.pause.wait(ctx)
		}
	}
	return nil
}

// reader asks for a batch when it has none, and never ahead: every event that the server counts as under way is in its hands.
type reader struct {
	conn   *Conn
	cfg    ConsumerConfig
	handle func(context.Context, []Message) error
	pause  *backOff
	lost   chan struct{} // the connection was away: what was asked over it gets no answer
}

// run reads until the connection was away (then it returns nil) or the consumer fails.
func (r *reader) run(ctx context.Context) error {
	if !r.conn.nc.IsConnected() {
		return nats.ErrDisconnected
	}
	select {
	case <-r.lost: // the gap before this run
	default:
	}
	opening, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := r.conn.js.CreateOrUpdateConsumer(opening, r.cfg.Stream, jetstream.ConsumerConfig{
		Durable:        r.cfg.Durable,
		FilterSubjects: r.cfg.Subjects,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        r.cfg.AckWait,
		MaxAckPending:  r.cfg.MaxBatch,
	})
	if err != nil {
		return fmt.Errorf("opening consumer %s of stream %s: %w", r.cfg.Durable, r.cfg.Stream, err)
	}
	if consumer.CachedInfo().NumAckPending > 0 {
		// A lost connection or another process has events in hand. They come first again once they are due; asking before that
		// would let later ones overtake them.
		sleep(ctx, r.cfg.AckWait+100*time.Millisecond)
	}
	for ctx.Err() == nil {
		select {
		case <-r.lost:
			return nil
		default:
		}
		batch, err := r.gather(ctx, consumer)
		if len(batch) > 0 {
			r.settle(ctx, batch)
		}
		if err != nil {
			return fmt.Errorf("asking for events: %w", err)
		}
	}
	return nil
}

// gather takes what is there, or waits for a first event, and then takes what comes in the next MaxWait. It may come back with
// nothing, and with an error it may still give events.
func (r *reader) gather(ctx context.Context, consumer jetstream.Consumer) ([]jetstream.Msg, error) {
	batch, err := r.present(nil, consumer)
	if err != nil {
		return batch, err
	}
	if len(batch) == 0 {
		if batch, err = r.first(ctx, consumer); err != nil || len(batch) == 0 {
			return batch, err
		}
	}
	if len(batch) == r.cfg.MaxBatch {
		return batch, nil
	}
	sleep(ctx, r.cfg.MaxWait)
	return r.present(batch, consumer)
}

// present adds to batch what waits at the server now.
func (r *reader) present(batch []jetstream.Msg, consumer jetstream.Consumer) ([]jetstream.Msg, error) {
	fetched, err := consumer.FetchNoWait(r.cfg.MaxBatch - len(batch))
	if err != nil {
		return batch, err
	}
	for m := range fetched.Messages() {
		batch = append(batch, m)
	}
	return batch, fetched.Error()
}

// first waits for an event.
func (r *reader) first(ctx context.Context, consumer jetstream.Consumer) ([]jetstream.Msg, error) {
	asking, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	fetched, err := consumer.Fetch(1, jetstream.FetchContext(asking), jetstream.FetchHeartbeat(2*time.Second))
	if err != nil {
		return nil, err
	}
	select {
	case m, ok := <-fetched.Messages():
		if ok {
			return []jetstream.Msg{m}, nil
		}
	case <-r.lost:
		return nil, errors.New("the connection was away")
	}
	if asking.Err() != nil {
		return nil, nil // nothing came, or asked to stop
	}
	return nil, fetched.Error()
}

// settle has the batch handled and acknowledges it, or gives it back after a delay. Meanwhile it tells the server that the batch
// is in work.
func (r *reader) settle(ctx context.Context, batch []jetstream.Msg) {
	var working sync.WaitGroup
	stop := make(chan struct{})
	working.Go(func() {
		tick := time.NewTicker(r.cfg.AckWait / 4)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				each(batch, jetstream.Msg.InProgress)
			}
		}
	})
	bounded, cancel := context.WithTimeout(ctx, handleTimeout)
	err := r.handle(bounded, messages(batch))
	cancel()
	if err != nil && ctx.Err() == nil {
		r.conn.log.WarnContext(ctx, "batch not handled", slog.String("consumer", r.cfg.Durable),
			slog.Int(telemetry.KeyCount, len(batch)), slog.String(telemetry.KeyCause, err.Error()))
		r.pause.wait(ctx)
	}
	close(stop)
	working.Wait()
	if err != nil {
		each(batch, jetstream.Msg.Nak)
		return
	}
	r.pause.reset()
	each(batch, jetstream.Msg.Ack)
}

// each answers for a batch. What is lost with the connection is made up for by AckWait: the events come again.
func each(batch []jetstream.Msg, answer func(jetstream.Msg) error) {
	for _, m := range batch {
		_ = answer(m)
	}
}

// messages sorts by sequence: events that come again come beside newer ones.
func messages(batch []jetstream.Msg) []Message {
	out := make([]Message, len(batch))
	for i, m := range batch {
		out[i] = Message{Subject: m.Subject(), EventID: m.Headers().Get(idHeader), Payload: m.Data(), header: m.Headers()}
		if meta, err := m.Metadata(); err == nil {
			out[i].Sequence, out[i].Deliveries, out[i].Stored = meta.Sequence.Stream, meta.NumDelivered, meta.Timestamp
		}
	}
	slices.SortStableFunc(out, func(a, b Message) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return out
}
