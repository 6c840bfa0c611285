package natskit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postern-id/postern/libs/telemetry"
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
	// MaxWait bounds how long the first event of a batch waits for more; zero means 20 ms.
	MaxWait time.Duration
	// AckWait is how long a batch may be in the hands of a process that died before another one gets it; zero means 30 s. It must
	// exceed the time that handling a batch takes.
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
		c.AckWait = 30 * time.Second
	}
	return nil
}

// Consume hands the stream's events, in order and from its beginning, to handle in batches until ctx ends, and returns nil then.
// When handle returns nil the batch is done. When it fails, the same events come again after a growing delay (200 ms to 5 s) and
// later ones wait for them: handle decides what to do with an event that it can never take. An event may come more than once.
// A missing stream or server is waited for. Errors are those of the configuration alone.
func Consume(ctx context.Context, conn *Conn, cfg ConsumerConfig, handle func(ctx context.Context, batch []Message) error) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	pause := newBackOff(conn)
	defer pause.stop()
	for ctx.Err() == nil {
		err := consume(ctx, conn, cfg, handle, pause)
		if ctx.Err() != nil {
			return nil
		}
		conn.log.WarnContext(ctx, "consumer interrupted", slog.String("consumer", cfg.Durable), slog.String(telemetry.KeyCause, err.Error()))
		pause.wait(ctx)
	}
	return nil
}

// consume works until the consumer or the connection is lost.
func consume(ctx context.Context, conn *Conn, cfg ConsumerConfig, handle func(context.Context, []Message) error, pause *backOff) error {
	if !conn.nc.IsConnected() {
		return nats.ErrDisconnected
	}
	consumer, err := conn.js.CreateOrUpdateConsumer(ctx, cfg.Stream, jetstream.ConsumerConfig{
		Durable:        cfg.Durable,
		FilterSubjects: cfg.Subjects,
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        cfg.AckWait,
		// No event is under way beside those of the batch in hand, or a failed batch would be overtaken.
		MaxAckPending: cfg.MaxBatch,
	})
	if err != nil {
		return fmt.Errorf("opening consumer %s of stream %s: %w", cfg.Durable, cfg.Stream, err)
	}
	events, err := consumer.Messages(jetstream.PullMaxMessages(cfg.MaxBatch), jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2*time.Second))
	if err != nil {
		return fmt.Errorf("pulling for consumer %s: %w", cfg.Durable, err)
	}
	defer events.Stop()
	for {
		batch, err := gather(ctx, events, cfg)
		if len(batch) > 0 {
			if herr := settle(ctx, cfg, batch, handle); herr != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				conn.log.WarnContext(ctx, "batch not handled", slog.String("consumer", cfg.Durable),
					slog.Int(telemetry.KeyCount, len(batch)), slog.String(telemetry.KeyCause, herr.Error()))
				pause.wait(ctx)
				nak(batch)
			} else {
				pause.reset()
			}
		}
		if err != nil {
			return err
		}
	}
}

// gather waits for an event and then takes what comes in the next MaxWait. With an error it may still give events.
func gather(ctx context.Context, events jetstream.MessagesContext, cfg ConsumerConfig) ([]jetstream.Msg, error) {
	first, err := events.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("waiting for events: %w", err)
	}
	batch := []jetstream.Msg{first}
	until := time.Now().Add(cfg.MaxWait) //nolint:forbidigo // a wait, not a date
	for len(batch) < cfg.MaxBatch {
		left := time.Until(until)
		if left <= 0 {
			break
		}
		next, err := events.Next(jetstream.NextMaxWait(left))
		if errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return batch, fmt.Errorf("waiting for events: %w", err)
		}
		batch = append(batch, next)
	}
	return batch, nil
}

// settle has the batch handled, sorted by sequence (events that come again come beside newer ones), and acknowledges it.
func settle(ctx context.Context, cfg ConsumerConfig, batch []jetstream.Msg, handle func(context.Context, []Message) error) error {
	messages := make([]Message, len(batch))
	for i, m := range batch {
		messages[i] = Message{
			Subject: m.Subject(), EventID: m.Headers().Get(idHeader), Payload: m.Data(), header: m.Headers(),
		}
		if meta, err := m.Metadata(); err == nil {
			messages[i].Sequence, messages[i].Deliveries, messages[i].Stored = meta.Sequence.Stream, meta.NumDelivered, meta.Timestamp
		}
	}
	slices.SortStableFunc(messages, func(a, b Message) int {
		switch {
		case a.Sequence < b.Sequence:
			return -1
		case a.Sequence > b.Sequence:
			return 1
		}
		return 0
	})
	bounded, cancel := context.WithTimeout(ctx, cfg.AckWait)
	defer cancel()
	if err := handle(bounded, messages); err != nil {
		return err
	}
	for _, m := range batch {
		_ = m.Ack() // lost with the connection at worst: the event comes again
	}
	return nil
}

func nak(batch []jetstream.Msg) {
	for _, m := range batch {
		_ = m.Nak() // lost with the connection at worst: AckWait does the same
	}
}
