package natskit

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// followPending bounds what waits for handle before messages are dropped (and onGap called).
const followPending = 64 << 10

// Follow hands events published from now on to handle, one at a time in each subject's order, until ctx ends, and returns nil
// then. It is for dropping caches: what is published while there is no connection is not seen, so onGap is called whenever events
// may have been missed, the first time when following has begun. Then everything cached so far must go. handle and onGap must be
// quick. Errors are those of the configuration alone.
func Follow(ctx context.Context, conn *Conn, subjects []string, handle func(Message), onGap func()) error {
	if len(subjects) == 0 {
		return errors.New("following no subject")
	}
	missed := make(chan struct{}, 1)
	miss := func() {
		select {
		case missed <- struct{}{}:
		default:
		}
	}
	defer conn.onGap(miss)()
	for _, subject := range subjects {
		sub, err := conn.nc.Subscribe(subject, func(m *nats.Msg) {
			handle(Message{Subject: m.Subject, EventID: m.Header.Get(idHeader), Payload: m.Data, header: m.Header})
		})
		if err != nil {
			return fmt.Errorf("following %s: %w", subject, err)
		}
		defer sub.Unsubscribe() //nolint:errcheck // fails only when the connection is closed
		if err := sub.SetPendingLimits(followPending, 64<<20); err != nil {
			return fmt.Errorf("following %s: %w", subject, err)
		}
		defer conn.onDrop(sub, miss)()
	}
	if conn.nc.IsConnected() {
		miss()
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-missed:
			// The server has the subscription once it answers; caches filled before that may be stale.
			flush, cancel := context.WithTimeout(ctx, requestTimeout)
			err := conn.nc.FlushWithContext(flush)
			cancel()
			onGap()
			if err != nil && conn.nc.IsConnected() {
				miss()
			}
		}
	}
}
