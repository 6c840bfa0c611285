// Package cache remembers, within bounds, what a source says about things of tenants. It serves what it knew when the source is
// away, forgets at once what it is told has changed, and asks the source once for callers that come together. It knows nothing of
// what it holds.
package cache

import (
	"context"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	shards = 16
	// absentFor is how long "there is no such thing" is believed: shortly, since it may be made at any moment.
	absentFor = 2 * time.Second
	// pauseFor is how long a source that was away is left alone, while there is something old to serve.
	pauseFor = time.Second
	// askFor bounds one question to the source.
	askFor = 5 * time.Second
)

// Config says how much is remembered, and for how long.
type Config struct {
	TTL time.Duration
	// Max bounds the entries of a cache; past it any one goes.
	Max int
	Now clock.Now
}

// Ending is a value that may be old before its time.
type Ending interface {
	// Ends gives when; zero: not by itself.
	Ends() time.Time
}

// Cache holds values of one kind by tenant and id. Safe for concurrent use. Values are shared and must not be changed.
type Cache[V any] struct {
	cfg    Config
	load   func(ctx context.Context, tenant tenancy.ID, id string) (V, error)
	seed   maphash.Seed
	shards [shards]shard[V]
	flight singleflight.Group

	mu    sync.Mutex
	epoch uint64 // moves with each Forget and Expire: what was asked for before it is not remembered
}

type key struct {
	tenant tenancy.ID
	id     string
}

type shard[V any] struct {
	mu      sync.RWMutex
	entries map[key]entry[V]
}

type entry[V any] struct {
	value V
	err   error // fault.NotFound: known to be absent
	until time.Time
}

// New makes a cache over load, whose fault.NotFound is remembered shortly and whose other errors are not.
func New[V any](cfg Config, load func(ctx context.Context, tenant tenancy.ID, id string) (V, error)) *Cache[V] {
	c := &Cache[V]{cfg: cfg, load: load, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].entries = map[key]entry[V]{}
	}
	return c
}

// Get gives the thing, from memory if it is fresh there, else from the source; from memory all the same when the source is away.
func (c *Cache[V]) Get(ctx context.Context, tenant tenancy.ID, id string) (V, error) {
	k := key{tenant, id}
	s := c.shard(k)
	s.mu.RLock()
	e, known := s.entries[k]
	s.mu.RUnlock()
	if known && c.cfg.Now().Before(e.until) {
		return e.value, e.err
	}
	before := c.now()
	// Who asks after a change does not share a question from before it.
	loaded, err, _ := c.flight.Do(strconv.FormatUint(before, 36)+"\x00"+string(tenant)+"\x00"+id, func() (any, error) {
		return c.ask(ctx, k, before)
	})
	if err == nil || fault.Is(err, fault.KindNotFound) {
		value, _ := loaded.(V)
		return value, err
	}
	if e, known := c.still(k, before); known { // the source is away: what was true is the best there is
		return e.value, e.err
	}
	var zero V
	return zero, err
}

// still gives what is known while the source is away, and leaves the source alone for a moment. What was forgotten since before is not
// known any more, whoever saw it then.
func (c *Cache[V]) still(k key, before uint64) (entry[V], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := s.entries[k]
	if known && c.epoch == before {
		e.until = c.cfg.Now().Add(pauseFor)
		s.entries[k] = e
	}
	return e, known
}

// Renew gives the thing as the source has it now, and remembers that; from memory when the source is away.
func (c *Cache[V]) Renew(ctx context.Context, tenant tenancy.ID, id string) (V, error) {
	k := key{tenant, id}
	value, err := c.ask(ctx, k, c.now())
	if err == nil || fault.Is(err, fault.KindNotFound) {
		return value, err
	}
	s := c.shard(k)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, known := s.entries[k]; known {
		return e.value, e.err
	}
	return value, err
}

// ask puts a question to the source, whose answer is remembered unless something was forgotten since before.
func (c *Cache[V]) ask(ctx context.Context, k key, before uint64) (V, error) {
	// One caller's end must not fail the others that wait for the same answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askFor)
	defer cancel()
	value, err := c.load(ctx, k.tenant, k.id)
	c.remember(k, value, err, before)
	return value, err
}

func (c *Cache[V]) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// remember keeps an answer, unless something was forgotten since it was asked for: it may be from before that change.
func (c *Cache[V]) remember(k key, value V, err error, before uint64) {
	e := entry[V]{value: value, err: err, until: c.cfg.Now().Add(c.cfg.TTL)}
	switch {
	case err == nil:
		if v, ok := any(value).(Ending); ok {
			if ends := v.Ends(); !ends.IsZero() && ends.Before(e.until) {
				e.until = ends
			}
		}
	case fault.Is(err, fault.KindNotFound):
		e.until = c.cfg.Now().Add(absentFor)
	default:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == before {
		c.keep(k, e)
	}
}

func (c *Cache[V]) keep(k key, e entry[V]) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.entries[k]; !there && len(s.entries) >= max(c.cfg.Max/shards, 1) {
		for victim := range s.entries { // any one: the map's order is as good as random
			delete(s.entries, victim)
			break
		}
	}
	s.entries[k] = e
}

// Forget drops one thing.
func (c *Cache[V]) Forget(tenant tenancy.ID, id string) {
	c.change(func() {
		k := key{tenant, id}
		s := c.shard(k)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.entries, k)
	})
}

// ForgetTenant drops all things of a tenant.
func (c *Cache[V]) ForgetTenant(tenant tenancy.ID) {
	c.each(func(entries map[key]entry[V]) {
		for k := range entries {
			if k.tenant == tenant {
				delete(entries, k)
			}
		}
	})
}

// Expire makes everything old: changes may have been missed. What is old is asked for again, and served only while the source is
// away.
func (c *Cache[V]) Expire() {
	c.each(func(entries map[key]entry[V]) {
		for k, e := range entries {
			e.until = time.Time{}
			entries[k] = e
		}
	})
}

func (c *Cache[V]) each(do func(map[key]entry[V])) {
	c.change(func() {
		for i := range c.shards {
			s := &c.shards[i]
			s.mu.Lock()
			do(s.entries)
			s.mu.Unlock()
		}
	})
}

func (c *Cache[V]) change(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	do()
}

func (c *Cache[V]) shard(k key) *shard[V] {
	return &c.shards[maphash.Comparable(c.seed, k)%shards]
}
