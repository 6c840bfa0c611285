// Package events is the service's door to the message streams: facts that have no row leave by the queue here, and changes that
// neighbours publish make the caches drop what they tell of.
package events

import (
	"context"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/facts"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Buffer is a bounded queue in memory (natskit.Buffer).
type Buffer interface {
	// Deliver returns once the event is in the stream, or in memory while that is away.
	Deliver(ctx context.Context, subject, eventID string, payload []byte) error
}

// Queue records the facts of machine grants, which no row stands beside: a token is handed out when the stream has its fact, so that
// a process which is killed takes none along. While the streams are away facts wait in memory; when that is full, callers wait.
type Queue struct{ Buffer Buffer }

var _ token.Recorder = Queue{}

// Record implements token.Recorder.
func (q Queue) Record(ctx context.Context, f token.Fact) error {
	e := facts.Event(f)
	payload, err := e.Encode()
	if err != nil {
		return fault.Internal(err)
	}
	return q.Buffer.Deliver(ctx, e.Subject, e.ID, payload)
}
