package jwtkit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"
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
// away, for public keys do not spoil and who withdraws one calls Forget. Safe for concurrent use.
type CachedKeys struct {
	fetch  func(ctx context.Context, tenant tenancy.ID) (jwks []byte, err error)
	now    clock.Now
	flight singleflight.Group
	sets   *lru.Cache[tenancy.ID, keySet]
	// forgets counts Forget and Missed, so that an answer to a question from before it is not kept after it.
	forgets atomic.Uint64
}

type keySet struct {
	keys  jose.JSONWebKeySet
	err   error     // NotFound, remembered for keysRefresh
	fresh time.Time // until when it serves without a question
	asked time.Time // when the source was last asked, whether it answered or not
}

// NewCachedKeys makes a cache over fetch, which gives a tenant's JWKS document (RFC 7517 §5), or NotFound for a tenant without one.
func NewCachedKeys(fetch func(ctx context.Context, tenant tenancy.ID) ([]byte, error), now clock.Now) *CachedKeys {
	sets, err := lru.New[tenancy.ID, keySet](maxKeySets)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &CachedKeys{fetch: fetch, now: now, sets: sets}
}

// Keys implements KeySource. A source that is away is an error only for a tenant whose keys were never seen.
func (c *CachedKeys) Keys(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	if set, ok := c.sets.Get(tenant); ok && c.now().Before(set.fresh) {
		return set.keys, set.err
	}
	return c.ask(ctx, tenant)
}

// Refresh implements KeySource. It asks at most once in two seconds for one tenant, whoever sends how many unknown key IDs.
func (c *CachedKeys) Refresh(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	if set, ok := c.sets.Get(tenant); ok && c.now().Before(set.asked.Add(keysRefresh)) {
		return set.keys, set.err
	}
	return c.ask(ctx, tenant)
}

// Forget drops a tenant's keys: they changed, or the tenant is gone.
func (c *CachedKeys) Forget(tenant tenancy.ID) {
	c.forgets.Add(1)
	c.sets.Remove(tenant)
}

// Missed makes all keys old: changes may have gone by unheard. What is old is asked for again, and serves only while the source is away.
func (c *CachedKeys) Missed() {
	c.forgets.Add(1)
	for _, tenant := range c.sets.Keys() { // the one used longest ago first, so that their order stays
		if set, ok := c.sets.Peek(tenant); ok {
			set.fresh, set.asked = time.Time{}, time.Time{}
			c.sets.Add(tenant, set)
		}
	}
}

// ask has one question speak for all who ask at the same time; who asks after a change does not share a question from before it.
func (c *CachedKeys) ask(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	forgets := c.forgets.Load()
	answer := c.flight.DoChan(strconv.FormatUint(forgets, 36)+" "+string(tenant), func() (any, error) {
		// One caller's end must not fail the others that wait for the same answer.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keysDeadline)
		defer cancel()
		keys, err := c.read(ctx, tenant)
		set, keep := c.judge(tenant, keys, err)
		if keep && forgets == c.forgets.Load() {
			c.sets.Add(tenant, set)
		}
		return set, nil
	})
	select {
	case <-ctx.Done():
		return jose.JSONWebKeySet{}, fmt.Errorf("waiting for a tenant's keys: %w", ctx.Err())
	case res := <-answer:
		set, _ := res.Val.(keySet)
		return set.keys, set.err
	}
}

func (c *CachedKeys) read(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error) {
	raw, err := c.fetch(ctx, tenant)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(raw, &keys); err != nil {
		return jose.JSONWebKeySet{}, fmt.Errorf("reading the key set: %w", err)
	}
	return keys, nil
}

// judge makes of the source's answer what callers get, and says whether to keep it.
func (c *CachedKeys) judge(tenant tenancy.ID, keys jose.JSONWebKeySet, err error) (set keySet, keep bool) {
	now := c.now()
	old, had := c.sets.Peek(tenant)
	switch {
	case err == nil:
		return keySet{keys: keys, fresh: now.Add(keysFresh), asked: now}, true
	case fault.Is(err, fault.KindNotFound):
		return keySet{err: err, fresh: now.Add(keysRefresh), asked: now}, true
	case had && old.err == nil:
		return keySet{keys: old.keys, fresh: now.Add(keysRefresh), asked: now}, true
	default:
		return keySet{err: err}, false
	}
}
