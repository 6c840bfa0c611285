// Package feed keeps the router's directory: what the control plane publishes, applied within moments, kept on disk so that a router
// starts and serves known hosts while everything else is away, and acknowledged so that a sign-up can wait for it.
package feed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/router/internal/route"
)

const (
	heartbeat = 5 * time.Second
	sayWait   = 2 * time.Second        // for one acknowledgement
	sayAgain  = 200 * time.Millisecond // after one that failed: a sign-up may be waiting
	saveWait  = 250 * time.Millisecond // changes of one moment are saved together
)

// Deps of a Feed.
type Deps struct {
	Conn  *natskit.Conn
	Table *route.Table
	File  string // where the copy is kept; empty: nowhere
	Log   *slog.Logger
	Now   clock.Now
	// Directory and Routers name the buckets; empty means the usual ones.
	Directory, Routers string
}

// Feed fills one table. Its Run is a task.
type Feed struct {
	Deps

	copy    *Copy
	id      string
	applied chan struct{}
	changed chan struct{}
}

// New makes a feed and loads its copy, so that known hosts are served before anything else is there.
func New(ctx context.Context, d Deps) *Feed {
	if d.Directory == "" {
		d.Directory = tenantapi.DirectoryBucket
	}
	if d.Routers == "" {
		d.Routers = tenantapi.RoutersBucket
	}
	f := &Feed{
		Deps: d, copy: NewCopy(d.Table, d.File), id: "rtr_" + rand.Text(), applied: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	if err := f.copy.Load(); err != nil {
		d.Log.WarnContext(ctx, "directory copy not readable, starting without it", slog.String(telemetry.KeyCause, err.Error()))
	}
	return f
}

// ID is under which key this router acknowledges.
func (f *Feed) ID() string { return f.id }

// Served reports whether there is a directory to serve by: the copy on disk or the published one.
func (f *Feed) Served() bool { return f.copy.Served() }

// Ready is Served as a check.
func (f *Feed) Ready(context.Context) error {
	if f.copy.Served() {
		return nil
	}
	return fault.Unavailable("The directory has not been read yet")
}

// Run follows the directory until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	return runner.Run(ctx, f.watch, f.acknowledge, f.save)
}

func (f *Feed) watch(ctx context.Context) error {
	// The whole bucket is read at each start: what was removed while no revision reached us must be forgotten too.
	return natskit.WatchAll(ctx, f.Conn, natskit.Watch{
		Bucket: f.Directory,
		Each: func(e natskit.Entry) {
			if err := f.copy.Apply(Change{Host: e.Key, Value: e.Value, Revision: e.Revision, Gone: e.Deleted}); err != nil {
				f.Log.WarnContext(ctx, "directory entry not readable", slog.String(telemetry.KeyHost, e.Key), slog.String(telemetry.KeyCause, err.Error()))
			}
			f.moved()
		},
		Synced: func() {
			if err := f.copy.Synced(); err != nil {
				f.Log.ErrorContext(ctx, "directory lost", slog.String(telemetry.KeyCause, err.Error()))
			}
			f.moved()
		},
		Restarted: f.copy.Restart,
	})
}

// moved wakes who tells of a change and who saves it.
func (f *Feed) moved() {
	if _, ok := f.copy.Applied(); ok {
		notify(f.applied)
		notify(f.changed)
	}
}

// acknowledge tells the control plane how far this router is: at each change, and as a heartbeat.
func (f *Feed) acknowledge(ctx context.Context) error {
	next := time.NewTimer(heartbeat)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			f.leave(ctx)
			return nil
		case <-f.applied:
		case <-next.C:
		}
		next.Reset(heartbeat)
		revision, ok := f.copy.Applied()
		if !ok {
			continue
		}
		if err := f.say(ctx, tenantapi.Applied{Revision: revision, At: f.Now().UTC()}); err != nil && ctx.Err() == nil {
			f.Log.DebugContext(ctx, "directory not acknowledged", slog.String(telemetry.KeyCause, err.Error()))
			next.Reset(sayAgain)
		}
	}
}

func (f *Feed) say(ctx context.Context, a tenantapi.Applied) error {
	ctx, cancel := context.WithTimeout(ctx, sayWait)
	defer cancel()
	bucket, err := natskit.Bucket(ctx, f.Conn, f.Routers)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encoding acknowledgement: %w", err)
	}
	if _, err := bucket.Put(ctx, f.id, raw); err != nil {
		return fmt.Errorf("acknowledging the directory: %w", err)
	}
	return nil
}

// leave takes this router out of those a sign-up waits for; a router that cannot say so is forgotten after 30 s.
func (f *Feed) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if bucket, err := natskit.Bucket(ctx, f.Conn, f.Routers); err == nil {
		_ = bucket.Delete(ctx, f.id)
	}
}

// save writes the copy a moment after a change, and what is left at the end.
func (f *Feed) save(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-f.changed:
				f.write(ctx)
			default:
			}
			return nil
		case <-f.changed:
		}
		select {
		case <-ctx.Done():
		case <-time.After(saveWait):
		}
		f.write(ctx)
	}
}

func (f *Feed) write(ctx context.Context) {
	if err := f.copy.Save(); err != nil {
		f.Log.WarnContext(ctx, "directory copy not written", slog.String(telemetry.KeyCause, err.Error()))
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
