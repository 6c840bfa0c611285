package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Waiting makes the ring wait by something else than time, for tests.
func Waiting(wait func(ctx context.Context, d time.Duration) error) Option {
	return func(r *Ring) { r.wait = wait }
}

// SigningKey implements token.KeyRing.
func (r *Ring) SigningKey(ctx context.Context, tenant tenancy.ID, alg string) (token.SigningKey, error) {
	set, err := r.keys.Get(ctx, tenant, "")
	if err != nil {
		return token.SigningKey{}, err
	}
	key, err := token.CurrentKey(set.keys, alg)
	if err != nil {
		return token.SigningKey{}, err
	}
	left, shown := key.KnownIn(r.now)
	if shown && left == 0 {
		return key, nil
	}
	if !shown {
		if key, err = r.show(ctx, tenant, key, alg); err != nil {
			return token.SigningKey{}, err
		}
		left, _ = key.KnownIn(r.now)
	}
	if err := r.wait(ctx, left); err != nil { // who comes while another one waits does so, too
		return token.SigningKey{}, fmt.Errorf("waiting until a key is known: %w", err)
	}
	return key, nil
}

// show makes the world see the keys of key's algorithm, and gives the one that signs by alg.
func (r *Ring) show(ctx context.Context, tenant tenancy.ID, key token.SigningKey, alg string) (token.SigningKey, error) {
	now := r.now().UTC()
	keys, err := r.store.ShowKeys(ctx, tenant, key.Alg, token.Fact{Tenant: tenant, Time: now, Name: token.KeysPublished, KeyIDs: []string{key.KeyID}})
	if err != nil {
		return token.SigningKey{}, err
	}
	r.Forget(tenant)
	return token.CurrentKey(token.OrderKeys(keys, now), alg)
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
