package natskit

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/telemetry"
)

// Publish stores one event in the stream of its subject and returns when the stream acknowledged it; an event of the same ID is
// stored once. ctx without a deadline is given 5 s. Unavailable when the server or the stream is away: the event may or may not be
// stored then, and publishing it again is safe.
func (c *Conn) Publish(ctx context.Context, subject, eventID string, payload []byte) error {
	if !c.nc.IsConnected() {
		return away(nats.ErrDisconnected)
	}
	m, span := outgoing(ctx, subject, eventID, payload)
	_, err := c.js.PublishMsg(ctx, m)
	published(span, err)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return away(err)
	}
	return nil
}

// errNotSent is what events behind a failed one get: sending them would put them before it.
var errNotSent = errors.New("not sent, because an earlier one was not")

// PublishAll stores n events in their order over one connection, waiting for the acknowledgements together, and gives an error per
// event, nil for those that are stored. When the connection fails nothing more is sent, so that what is stored is a first part of
// the events. Only a server that itself refuses one and takes the next breaks that; the caller repeats from the first error. Each
// event is sent in the trace of its traceparent (telemetry.Traceparent), or in that of ctx where it is empty.
func (c *Conn) PublishAll(ctx context.Context, n int, at func(i int) (subject, eventID, traceparent string, payload []byte)) []error {
	var spans []trace.Span
	errs := c.publishAll(ctx, n, func(i int) *nats.Msg {
		subject, eventID, traceparent, payload := at(i)
		m, span := outgoing(telemetry.Continue(ctx, traceparent), subject, eventID, payload)
		if span != nil {
			if spans == nil {
				spans = make([]trace.Span, n)
			}
			spans[i] = span
		}
		return m
	})
	for i, span := range spans {
		published(span, errs[i])
	}
	return errs
}

func (c *Conn) publishAll(ctx context.Context, n int, at func(i int) *nats.Msg) []error {
	errs := make([]error, n)
	connection := c.nc.Stats().Reconnects
	futures := make([]jetstream.PubAckFuture, 0, n)
	var failed error
	for i := range n {
		if failed == nil {
			failed = ctx.Err()
		}
		if failed == nil && (!c.nc.IsConnected() || c.nc.Stats().Reconnects != connection) {
			failed = nats.ErrDisconnected
		}
		if failed != nil {
			errs[i] = away(errNotSent)
			continue
		}
		// No retries by the client: they would overtake nobody, but be overtaken.
		future, err := c.js.PublishMsgAsync(at(i), jetstream.WithRetryAttempts(0))
		if err != nil {
			failed = err
			errs[i] = away(err)
			continue
		}
		futures = append(futures, future)
	}
	for i, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			errs[i] = away(err)
		case <-ctx.Done():
			// What was acknowledged meanwhile still counts.
			select {
			case <-future.Ok():
			default:
				errs[i] = away(ctx.Err())
			}
		}
	}
	return errs
}
