// Package directory publishes who answers where to the routers, in a NATS key-value bucket, and waits for them. The bucket is a copy
// that can be rebuilt; the control plane's database is what counts.
package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Buckets names the two buckets.
type Buckets struct {
	Directory string // host → entry; a host is a valid key as it is
	Routers   string // router → how far it has tenantapi.Applied the directory
}

// Declared are the buckets as infra/nats declares them.
func Declared() Buckets {
	return Buckets{Directory: tenantapi.DirectoryBucket, Routers: tenantapi.RoutersBucket}
}

// silent is when a router that has not spoken counts as gone; routers speak every 5 s.
const silent = 12 * time.Second

// Directory implements tenant.Directory. Safe for concurrent use.
type Directory struct {
	conn    *natskit.Conn
	buckets Buckets
	now     clock.Now
}

// New makes the adapter over a connection to the control plane's account.
func New(conn *natskit.Conn, buckets Buckets, now clock.Now) *Directory {
	return &Directory{conn: conn, buckets: buckets, now: now}
}

// Put implements tenant.Directory.
func (d *Directory) Put(ctx context.Context, e tenant.Entry) (uint64, error) {
	kv, err := d.bucket(ctx, d.buckets.Directory)
	if err != nil {
		return 0, err
	}
	value, err := json.Marshal(tenantapi.HostEntry{
		Tenant: e.Tenant, Name: string(e.Slug), Region: string(e.Region), Cell: e.Cell, Kind: string(e.Kind), State: string(e.State),
		Canonical: e.Canonical,
	})
	if err != nil {
		return 0, fault.Internal(fmt.Errorf("encoding the entry of %s: %w", e.Host, err))
	}
	switch there, err := kv.Get(ctx, e.Host); {
	case err == nil && bytes.Equal(there.Value(), value):
		return there.Revision(), nil
	case err != nil && !errors.Is(err, jetstream.ErrKeyNotFound):
		return 0, away(ctx, fmt.Errorf("reading %s: %w", e.Host, err))
	}
	revision, err := kv.Put(ctx, e.Host, value)
	if err != nil {
		return 0, away(ctx, fmt.Errorf("publishing %s: %w", e.Host, err))
	}
	return revision, nil
}

// Remove implements tenant.Directory.
func (d *Directory) Remove(ctx context.Context, host string) error {
	kv, err := d.bucket(ctx, d.buckets.Directory)
	if err != nil {
		return err
	}
	switch _, err := kv.Get(ctx, host); {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return nil
	case err != nil:
		return away(ctx, fmt.Errorf("reading %s: %w", host, err))
	}
	if err := kv.Delete(ctx, host); err != nil {
		return away(ctx, fmt.Errorf("removing %s: %w", host, err))
	}
	return nil
}

// Hosts implements tenant.Directory.
func (d *Directory) Hosts(ctx context.Context) (map[string]tenant.Entry, error) {
	kv, err := d.bucket(ctx, d.buckets.Directory)
	if err != nil {
		return nil, err
	}
	watch, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, away(ctx, fmt.Errorf("reading the directory: %w", err))
	}
	defer watch.Stop() //nolint:errcheck // fails only when the connection is closed
	hosts := map[string]tenant.Entry{}
	for {
		select {
		case <-ctx.Done():
			return nil, away(ctx, ctx.Err())
		case update, ok := <-watch.Updates():
			if !ok {
				return nil, away(ctx, errors.New("reading the directory was interrupted"))
			}
			if update == nil { // all there was
				return hosts, nil
			}
			var e tenantapi.HostEntry
			_ = json.Unmarshal(update.Value(), &e) // what is not readable differs from what should be there, and is put anew
			hosts[update.Key()] = tenant.Entry{
				Hostname: tenant.Hostname{Host: update.Key(), Kind: tenant.HostKind(e.Kind)}, Tenant: e.Tenant, Slug: tenant.Slug(e.Name),
				Region: tenant.Region(e.Region), Cell: e.Cell, State: tenant.State(e.State), Canonical: e.Canonical,
			}
		}
	}
}

// Await implements tenant.Directory.
func (d *Directory) Await(ctx context.Context, revision uint64) error {
	kv, err := d.bucket(ctx, d.buckets.Routers)
	if err != nil {
		return err
	}
	watch, err := kv.WatchAll(ctx)
	if err != nil {
		return away(ctx, fmt.Errorf("watching the routers: %w", err))
	}
	defer watch.Stop()                  //nolint:errcheck // fails only when the connection is closed
	tick := time.NewTicker(time.Second) // routers also fall silent
	defer tick.Stop()
	living, read := map[string]tenantapi.Applied{}, false
	for {
		select {
		case <-ctx.Done():
			return fault.Unavailable("No router answers yet").Because(ctx.Err())
		case update, ok := <-watch.Updates():
			switch {
			case !ok:
				return away(ctx, errors.New("watching the routers was interrupted"))
			case update == nil:
				read = true
			case update.Operation() != jetstream.KeyValuePut:
				delete(living, update.Key())
			default:
				var a tenantapi.Applied
				if json.Unmarshal(update.Value(), &a) == nil {
					living[update.Key()] = a
				}
			}
		case <-tick.C:
		}
		if read && d.allHave(living, revision) {
			return nil
		}
	}
}

// allHave reports whether there is a living router, and every one has tenantapi.Applied the revision.
func (d *Directory) allHave(routers map[string]tenantapi.Applied, revision uint64) bool {
	oldest, living := d.now().Add(-silent), 0
	for _, r := range routers {
		if r.At.Before(oldest) {
			continue
		}
		if r.Revision < revision {
			return false
		}
		living++
	}
	return living > 0
}

// bucket opens a bucket. One that is not declared yet is away, not missing: whoever declares it comes up later than us.
func (d *Directory) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	kv, err := natskit.Bucket(ctx, d.conn, name)
	if fault.Is(err, fault.KindNotFound) {
		return nil, fault.Unavailable("The directory is away").Because(err)
	}
	return kv, err
}

func away(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return fault.Unavailable("The directory is away").Because(err)
}
