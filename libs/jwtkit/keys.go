package jwtkit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	keysFresh    = time.Minute
	keysRefresh  = 2 * time.Second // the least time between two fetches for one tenant, however many unknown key IDs are tried
	maxKeySets   = 20_000
	keysDeadline = 3 * time.Second
)

// CachedKeys is a KeySource over a fetch function: bounded, fresh for a minute, and stale rather than absent when the source is
// away. Safe for concurrent use.
type CachedKeys struct {
	fetch func(ctx context.Context, tenant tenancy.ID) (jwks []byte, err error)
	now   clock.Now

	flight singleflight.Group
	mu     sync.Mutex
	sets   map[tenancy.ID]keySet
}

type keySet struct {
	keys jose.JSONWebKeySet
	at   time.Time // fetched
	bad  time.Time // when the last fetch failed
}

// NewCachedKeys makes a cache over fetch, which gives a tenant's JWKS document (RFC 7517 §5).
func NewCachedKeys(fetch func(ctx context.Context, tenant tenancy.ID) ([]byte, error), now clock.Now) *CachedKeys {
	return &CachedKeys{fetch: fetch, now: now, sets: map[tenancy.ID]keySet{}}
}

// Keys implements KeySource.
func (c *CachedKeys) Keys(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	return c.get(ctx, tenant, keysFresh)
}

// Refresh implements KeySource.
func (c *CachedKeys) Refresh(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	return c.get(ctx, tenant, keysRefresh)
}

// Forget drops a tenant's keys: they changed, or the tenant is gone.
func (c *CachedKeys) Forget(tenant tenancy.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sets, tenant)
}

func (c *CachedKeys) get(ctx context.Context, tenant tenancy.ID, age time.Duration) (jose.JSONWebKeySet, error) {
	now := c.now()
	c.mu.Lock()
	set, ok := c.sets[tenant]
	c.mu.Unlock()
	if ok && (now.Sub(set.at) < age || now.Sub(set.bad) < keysRefresh) {
		return set.keys, nil
	}
	fetched, err, _ := c.flight.Do(string(tenant), func() (any, error) {
		// One caller's end must not fail the others that wait for the same answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysDeadline)
		defer cancel()
		raw, err := c.fetch(ctx, tenant)
		if err != nil {
			return nil, err
		}
		var keys jose.JSONWebKeySet
		if err := json.Unmarshal(raw, &keys); err != nil {
			return nil, fmt.Errorf("reading the key set: %w", err)
		}
		return keys, nil
	})
	if err != nil {
		if ok && !fault.Is(err, fault.KindNotFound) {
			set.bad = now
			c.put(tenant, set)
			return set.keys, nil
		}
		return jose.JSONWebKeySet{}, err
	}
	keys, _ := fetched.(jose.JSONWebKeySet)
	c.put(tenant, keySet{keys: keys, at: now})
	return keys, nil
}

func (c *CachedKeys) put(tenant tenancy.ID, set keySet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sets) >= maxKeySets {
		for id := range c.sets { // any one: the map's order is as good as random
			delete(c.sets, id)
			break
		}
	}
	c.sets[tenant] = set
}
