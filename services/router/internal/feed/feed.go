// Package feed keeps the router's directory: what the control plane publishes, applied within moments, kept on disk so that a router
// starts and serves known hosts while everything else is away, and acknowledged so that a sign-up can wait for it.
package feed

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/router/internal/route"
)

// The buckets, declared in infra/nats.
const (
	Directory = "directory" // host → route.Entry
	Routers   = "routers"   // router ID → what it has applied; an entry lives 30 s
)

const (
	heartbeat = 5 * time.Second
	saveWait  = 250 * time.Millisecond // changes of one moment are saved together
)

// Applied is what a router says of itself in the routers bucket.
type Applied struct {
	Revision uint64    `json:"revision"` // of the directory bucket; all changes up to it are served
	At       time.Time `json:"at"`
}

// Feed fills one table. Its Run is a task.
type Feed struct {
	conn  *natskit.Conn
	table *route.Table
	file  string
	id    string
	log   *slog.Logger
	now   clock.Now

	mu       sync.Mutex
	revision uint64
	synced   bool
	seen     map[string]bool // hosts told since the last restart of the bucket; nil once synced

	applied chan struct{}
	changed chan struct{}
}

// New makes a feed that keeps its copy in file (empty: none).
func New(conn *natskit.Conn, table *route.Table, file string, log *slog.Logger, now clock.Now) *Feed {
	return &Feed{
		conn: conn, table: table, file: file, id: "rtr_" + rand.Text(), log: log, now: now,
		seen: map[string]bool{}, applied: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
}

// Ready is nil once the table holds a directory: the copy on disk or the published one.
func (f *Feed) Ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.synced || f.revision > 0 {
		return nil
	}
	return fault.Unavailable("the directory has not been read yet")
}

// Run follows the directory until ctx ends.
func (f *Feed) Run(ctx context.Context) error {
	if err := f.load(); err != nil {
		f.log.WarnContext(ctx, "directory copy not readable, starting without it", slog.String(telemetry.KeyCause, err.Error()))
	}
	return runner.Run(ctx, f.watch, f.acknowledge, f.save)
}

func (f *Feed) watch(ctx context.Context) error {
	// The whole bucket is read at each start: what was removed while no revision reached us must be forgotten too.
	return natskit.WatchAll(ctx, f.conn, natskit.Watch{
		Bucket: Directory,
		Each:   f.apply(ctx),
		Synced: f.sync,
		Restarted: func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.seen = map[string]bool{}
		},
	})
}

func (f *Feed) apply(ctx context.Context) func(natskit.Entry) {
	return func(e natskit.Entry) {
		host, ok := route.NormalHost(e.Key)
		var entry route.Entry
		switch {
		case !ok || host != e.Key:
			f.log.WarnContext(ctx, "directory holds what is no host name", slog.String(telemetry.KeyHost, e.Key))
		case e.Deleted:
			f.table.Remove(host)
		case json.Unmarshal(e.Value, &entry) != nil || entry.Tenant == "":
			f.log.WarnContext(ctx, "directory entry not readable", slog.String(telemetry.KeyHost, e.Key))
		default:
			f.table.Put(host, entry)
		}
		f.mu.Lock()
		f.revision = e.Revision
		if f.seen != nil && !e.Deleted {
			f.seen[host] = true
		}
		synced := f.synced
		f.mu.Unlock()
		if synced {
			notify(f.applied)
			notify(f.changed)
		}
	}
}

// sync ends a full reading: what the bucket did not tell of is gone.
func (f *Feed) sync() {
	f.mu.Lock()
	if f.seen != nil {
		f.table.Keep(f.seen)
		f.seen = nil
	}
	f.synced = true
	f.mu.Unlock()
	notify(f.applied)
	notify(f.changed)
}

// acknowledge tells the control plane how far this router is: at each change, and as a heartbeat.
func (f *Feed) acknowledge(ctx context.Context) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			f.leave(ctx)
			return nil
		case <-f.applied:
		case <-tick.C:
		}
		f.mu.Lock()
		synced, revision := f.synced, f.revision
		f.mu.Unlock()
		if !synced {
			continue
		}
		if err := f.say(ctx, Applied{Revision: revision, At: f.now().UTC()}); err != nil && ctx.Err() == nil {
			f.log.DebugContext(ctx, "directory not acknowledged", slog.String(telemetry.KeyCause, err.Error()))
		}
	}
}

func (f *Feed) say(ctx context.Context, a Applied) error {
	bucket, err := natskit.Bucket(ctx, f.conn, Routers)
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
	if bucket, err := natskit.Bucket(ctx, f.conn, Routers); err == nil {
		_ = bucket.Delete(ctx, f.id)
	}
}

// snapshot is the file's content.
type snapshot struct {
	Revision uint64                 `json:"revision"`
	Hosts    map[string]route.Entry `json:"hosts"`
}

func (f *Feed) load() error {
	if f.file == "" {
		return nil
	}
	raw, err := os.ReadFile(f.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the directory copy: %w", err)
	}
	var s snapshot
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("reading the directory copy: %w", err)
	}
	for host, entry := range s.Hosts {
		f.table.Put(host, entry)
	}
	f.mu.Lock()
	f.revision = s.Revision
	f.mu.Unlock()
	return nil
}

func (f *Feed) save(ctx context.Context) error {
	if f.file == "" {
		<-ctx.Done()
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.changed:
		}
		select {
		case <-ctx.Done():
		case <-time.After(saveWait):
		}
		if err := f.write(); err != nil {
			f.log.WarnContext(ctx, "directory copy not written", slog.String(telemetry.KeyCause, err.Error()))
		}
	}
}

func (f *Feed) write() error {
	f.mu.Lock()
	revision := f.revision
	f.mu.Unlock()
	raw, err := json.Marshal(snapshot{Revision: revision, Hosts: f.table.All()})
	if err != nil {
		return fmt.Errorf("encoding the directory: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.file), ".directory-*")
	if err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	if err := os.Rename(tmp.Name(), f.file); err != nil {
		return fmt.Errorf("writing the directory: %w", err)
	}
	return nil
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
