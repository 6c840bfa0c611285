package natskit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

const (
	// MaxPayload is the largest event that is taken; the server's own limit is 1 MiB with headers.
	MaxPayload = 768 << 10

	bufferBatch = 1024
	// bufferLinger is how long a lone event waits for company: many at once cost a fraction of one by one.
	bufferLinger = 5 * time.Millisecond
	// deliverLinger is bufferLinger when somebody waits for the event to be stored.
	deliverLinger = 500 * time.Microsecond
	// deliverWait bounds how long Deliver waits for the stream.
	deliverWait = 500 * time.Millisecond
	// bufferWait bounds how long a caller is held back by a full buffer when its ctx has no earlier end.
	bufferWait = 5 * time.Second
	// bufferFlush is how long Run goes on after its ctx ended, to empty the buffer.
	bufferFlush = 5 * time.Second
)

// Buffer publishes events whose fact is in no database, off the caller's path: Publish returns once the event is in memory, and Run
// sends in order. While NATS is away events wait, up to maxEvents; a full buffer holds callers back, so that none is lost for lack
// of room. What is in memory dies with the process: facts that must survive belong in an outbox. Safe for concurrent use.
type Buffer struct {
	conn  *Conn
	slots chan struct{} // one token per event in the buffer
	wake  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	queue  []waiting
	closed bool
	urgent bool // somebody waits for an event that is in the queue
	stuck  bool // the stream took nothing the last time
}

// waiting is an event in the buffer, with the span of its sending.
type waiting struct {
	*nats.Msg

	span trace.Span    // nil outside of a trace
	told chan struct{} // closed once the event is stored, or has to wait for longer; nil: nobody asked
}

func (w waiting) tell() {
	if w.told != nil {
		close(w.told)
	}
}

// NewBuffer makes a buffer of at most maxEvents (at least 1). Its events move while Run runs.
func NewBuffer(conn *Conn, maxEvents int) *Buffer {
	return &Buffer{conn: conn, slots: make(chan struct{}, max(maxEvents, 1)), wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Publish takes the event, or waits while the buffer is full. Unavailable when it is still full at the end of ctx or after 5 s,
// and when Run has ended; the event was not taken then. The payload must not be changed afterwards.
func (b *Buffer) Publish(ctx context.Context, subject, eventID string, payload []byte) error {
	return b.put(ctx, subject, eventID, payload, nil)
}

// Deliver is Publish for what is to be safe from the end of this process before its caller goes on: it returns once the stream has
// stored the event. While the stream is away, or slower than half a second, the event is in memory alone, as with Publish.
func (b *Buffer) Deliver(ctx context.Context, subject, eventID string, payload []byte) error {
	told := make(chan struct{})
	if err := b.put(ctx, subject, eventID, payload, told); err != nil {
		return err
	}
	timer := time.NewTimer(deliverWait)
	defer timer.Stop()
	select {
	case <-told:
	case <-b.ended:
	case <-ctx.Done():
	case <-timer.C:
		b.mu.Lock()
		b.stuck = true // nobody else need find that out the same way
		b.mu.Unlock()
	}
	return nil
}

func (b *Buffer) put(ctx context.Context, subject, eventID string, payload []byte, told chan struct{}) error {
	if len(payload) > MaxPayload {
		return fault.Internal(fmt.Errorf("event %s of %d bytes is too large to publish", eventID, len(payload)))
	}
	if err := b.reserve(ctx); err != nil {
		return err
	}
	m, span := outgoing(ctx, subject, eventID, payload)
	w := waiting{m, span, told}
	connected := b.conn.nc.IsConnected()
	b.mu.Lock()
	closed := b.closed
	if !closed {
		if told != nil && (b.stuck || !connected) {
			w.tell()
			w.told = nil
		}
		b.urgent = b.urgent || w.told != nil
		b.queue = append(b.queue, w)
	}
	b.mu.Unlock()
	if closed {
		<-b.slots
		published(span, errEnded)
		return away(errEnded)
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

var (
	errEnded = errors.New("the buffer has ended")
	errFull  = errors.New("the buffer is full")
)

func (b *Buffer) reserve(ctx context.Context) error {
	select {
	case b.slots <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(bufferWait)
	defer timer.Stop()
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-b.ended:
		return away(errEnded)
	case <-ctx.Done():
		return away(fmt.Errorf("%w: %w", errFull, ctx.Err()))
	case <-timer.C:
		return away(errFull)
	}
}

// Len tells how many events wait.
func (b *Buffer) Len() int { return len(b.slots) }

// Run sends until ctx ends, then up to 5 s longer until the buffer is empty. It returns nil, or an error that tells how many
// events were lost with the buffer. It is called once.
func (b *Buffer) Run(ctx context.Context) error {
	pause := newBackOff(b.conn)
	defer pause.stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-b.wake:
			if b.Len() < bufferBatch/4 {
				sleep(ctx, b.linger())
			}
			b.drain(ctx, pause)
		}
	}
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	close(b.ended)

	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), bufferFlush)
	defer cancel()
	b.drain(flush, pause)
	b.mu.Lock()
	lost := len(b.queue)
	b.mu.Unlock()
	if lost > 0 {
		return fmt.Errorf("%d events were still in memory when the process stopped", lost)
	}
	return nil
}

func (b *Buffer) linger() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.urgent {
		return deliverLinger
	}
	return bufferLinger
}

// drain sends until the queue is empty or ctx ends.
func (b *Buffer) drain(ctx context.Context, pause *backOff) {
	for ctx.Err() == nil {
		b.mu.Lock()
		batch := b.queue[:min(len(b.queue), bufferBatch)]
		b.urgent = b.urgent && len(batch) > 0
		b.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		failed := b.send(ctx, batch)
		if failed == nil {
			pause.reset()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		b.conn.log.WarnContext(ctx, "buffered events not published",
			slog.Int(telemetry.KeyCount, b.Len()), slog.String(telemetry.KeyCause, failed.Error()))
		pause.wait(ctx)
	}
}

// send publishes the first events of the queue and takes out those that are stored. The others stay in their order.
func (b *Buffer) send(ctx context.Context, batch []waiting) (failed error) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	errs := b.conn.publishAll(bounded, len(batch), func(i int) *nats.Msg { return batch[i].Msg })
	var kept []waiting
	for i, err := range errs {
		if err != nil {
			if failed == nil {
				failed = fmt.Errorf("%s: %w", batch[i].Subject, err)
			}
			kept = append(kept, batch[i])
			continue
		}
		published(batch[i].span, nil)
		batch[i].tell()
	}
	b.mu.Lock()
	b.queue = append(kept, b.queue[len(batch):]...)
	if len(b.queue) == 0 {
		b.queue = nil
	}
	b.stuck = failed != nil
	for i := range b.queue {
		if b.stuck {
			b.queue[i].tell()
			b.queue[i].told = nil
		}
	}
	b.mu.Unlock()
	for range len(batch) - len(kept) {
		<-b.slots
	}
	return failed
}
