package rpckit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// shortcut is a client's way to a handler of its own process, past the encoding, the headers and the buffers that are for other machines:
// they cost as much as a small handler does. The first call goes the long way and finds it. Where calls are traced all go the long way, so
// that a trace looks the same in one process and in seven.
//
// Calls that carry headers of their own go the long way, too: a handler finds them nowhere else.
//
// A message that came by it is the other side's own. Neither side changes one that it was given or has given away.
type shortcut struct {
	atomic.Pointer[connect.UnaryFunc]
}

type shortcutKey struct{}

// of gives the way for a call; nil: the long one.
func (s *shortcut) of(req connect.AnyRequest) connect.UnaryFunc {
	direct := s.Load()
	if direct == nil || telemetry.Tracing() {
		return nil
	}
	for name := range req.Header() {
		switch name {
		case "Accept-Encoding", "Connect-Protocol-Version", "Content-Encoding", "Content-Type", "User-Agent": // every call has those
		default:
			return nil
		}
	}
	return *direct
}

// with lets the handler of a call show itself, if the call's context gets there: over a connection it does not.
func (s *shortcut) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, shortcutKey{}, s)
}

// show leaves the way to next with the client that called by ctx, if that is in this process.
func (*shortcut) show(ctx context.Context, i interceptor, name string, next connect.UnaryFunc) {
	client, ok := ctx.Value(shortcutKey{}).(*shortcut)
	if !ok || client.Load() != nil {
		return
	}
	direct := connect.UnaryFunc(func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if m, ok := req.Any().(proto.Message); ok {
			if _, err := proto.Marshal(m); err != nil {
				return nil, notAcceptable(err)
			}
		}
		res, err := i.answer(ctx, name, req, next)
		if err != nil {
			return nil, arrived(ctx, err)
		}
		return res, nil
	})
	client.Store(&direct)
}

// arrived gives a failure as it comes from a neighbour: what fromFault leaves of it and toFault makes of that.
func arrived(ctx context.Context, err error) error {
	if cause := ctx.Err(); errors.Is(cause, context.Canceled) {
		return fmt.Errorf("calling a neighbouring service: %w", cause)
	}
	var f *fault.Error
	switch {
	case errors.As(err, &f) && f.Kind != fault.KindInternal:
		return &fault.Error{Kind: f.Kind, Code: f.Code, Message: f.Message, RetryAfter: f.RetryAfter}
	case f == nil && errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable("a neighbouring service did not answer in time").Because(err)
	case f == nil && errors.Is(err, context.Canceled):
		return away(errors.New("it is stopping"))
	}
	return fault.Internal(errors.New("a neighbouring service failed")) // and logged why
}
