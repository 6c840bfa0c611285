package natskit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// Bucket opens a key-value bucket. Unavailable when the server is away; NotFound when the bucket was never declared.
func Bucket(ctx context.Context, conn *Conn, name string) (jetstream.KeyValue, error) {
	if !conn.nc.IsConnected() {
		return nil, away(nats.ErrDisconnected)
	}
	kv, err := conn.js.KeyValue(ctx, name)
	switch {
	case errors.Is(err, jetstream.ErrBucketNotFound):
		return nil, fault.NotFound("No such bucket").Because(fmt.Errorf("bucket %s: %w", name, err))
	case errors.Is(err, context.Canceled):
		return nil, err
	case err != nil:
		return nil, away(fmt.Errorf("bucket %s: %w", name, err))
	}
	return kv, nil
}

// Entry is the newest state of a key.
type Entry struct {
	Key      string
	Value    []byte // nil when Deleted
	Revision uint64 // grows over the whole bucket
	Created  time.Time
	Deleted  bool
}

// Watch says what to watch and whom to tell. Each and Synced are called one at a time.
type Watch struct {
	Bucket string
	// After leaves out what is not newer than this revision, for callers who kept the bucket's content up to it. Zero means all.
	After uint64
	// Each gets every entry, deletions too. After a time without connection it gets what changed meanwhile, in order of revision;
	// when the bucket itself was made anew, everything.
	Each func(Entry)
	// Synced, when set, is called each time Each has got everything there was: after the first reading, and after each gap.
	Synced func()
	// Restarted, when set, is called before everything is read again because the bucket was made anew: what Each said before no
	// longer holds.
	Restarted func()
}

// WatchAll tells of a bucket's content and then of every change until ctx ends, and returns nil then. A missing bucket or server
// is waited for. Errors are those of the configuration alone.
func WatchAll(ctx context.Context, conn *Conn, w Watch) error {
	if w.Bucket == "" || w.Each == nil {
		return errors.New("a watch without a bucket or without an Each")
	}
	again := make(chan struct{}, 1)
	defer conn.onGap(func() {
		select {
		case again <- struct{}{}:
		default:
		}
	})()
	last := w.After
	pause := newBackOff(conn)
	defer pause.stop()
	for ctx.Err() == nil {
		err := watch(ctx, conn, w, &last, again, pause)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			conn.log.WarnContext(ctx, "watch interrupted", slog.String("bucket", w.Bucket), slog.String(telemetry.KeyCause, err.Error()))
			pause.wait(ctx)
		}
	}
	return nil
}

// watch tells of changes after *last until the connection was away (then it returns nil) or the watch fails.
func watch(ctx context.Context, conn *Conn, w Watch, last *uint64, again <-chan struct{}, pause *backOff) error {
	if !conn.nc.IsConnected() {
		return nats.ErrDisconnected
	}
	select {
	case <-again: // the gap that this reading closes
	default:
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opening, stop := context.WithTimeout(ctx, requestTimeout)
	defer stop()
	stream, err := conn.js.Stream(opening, "KV_"+w.Bucket)
	if err != nil {
		return fmt.Errorf("opening bucket %s: %w", w.Bucket, err)
	}
	if newest := stream.CachedInfo().State.LastSeq; newest < *last { // revisions do not go back: another bucket of that name
		*last = 0
		if w.Restarted != nil {
			w.Restarted()
		}
	}
	kv, err := conn.js.KeyValue(opening, w.Bucket)
	if err != nil {
		return fmt.Errorf("opening bucket %s: %w", w.Bucket, err)
	}
	var options []jetstream.WatchOpt
	if *last > 0 {
		options = append(options, jetstream.ResumeFromRevision(*last+1))
	}
	watcher, err := kv.WatchAll(ctx, options...)
	if err != nil {
		return fmt.Errorf("watching bucket %s: %w", w.Bucket, err)
	}
	defer watcher.Stop() //nolint:errcheck // fails only when the connection is closed
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-again:
			return nil
		case e, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errors.New("the watch was closed")
			case e == nil:
				pause.reset()
				if w.Synced != nil {
					w.Synced()
				}
			case e.Revision() > *last: // a watch that repairs itself may repeat
				*last = e.Revision()
				w.Each(entry(e))
			}
		}
	}
}

func entry(e jetstream.KeyValueEntry) Entry {
	out := Entry{Key: e.Key(), Revision: e.Revision(), Created: e.Created(), Deleted: e.Operation() != jetstream.KeyValuePut}
	if !out.Deleted {
		out.Value = e.Value()
	}
	return out
}
