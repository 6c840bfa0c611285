package keyring_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const acme, bolt = tenancy.ID("tnt_acme"), tenancy.ID("tnt_bolt")

// house is a store with the keys of two tenants, under as many processes as are opened.
type house struct {
	clock *clock.Fake
	store *storetest.Fake
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{clock: clock.At("2026-03-01T12:00:00Z"), store: storetest.NewFake()}
	for _, tenant := range []tenancy.ID{acme, bolt} {
		_, err := h.store.PublishKeys(t.Context(), tenant, []token.SigningKey{
			tokentest.SharedSigner(t, 0).Key(t, "rsa-1", 1, token.KeyCurrent), tokentest.SharedSigner(t, 1).Key(t, "rsa-2", 2, token.KeyNext),
			tokentest.SharedSigner(t, 0).EllipticKey(t, "ec-1", 1, token.KeyCurrent), tokentest.SharedSigner(t, 1).EllipticKey(t, "ec-2", 2, token.KeyNext),
		}, token.Fact{Tenant: tenant})
		require.NoError(t, err)
	}
	return h
}

// process opens a ring; wait is what it does instead of waiting.
func (h *house) process(wait func(d time.Duration)) *keyring.Ring {
	return keyring.New(h.store, h.clock.Now, keyring.Waiting(func(ctx context.Context, d time.Duration) error {
		wait(d)
		return tokentest.Passing(h.clock)(ctx, d)
	}))
}

// shown gives the elliptic keys that the world sees at a process.
func shown(t *testing.T, ring *keyring.Ring, tenant tenancy.ID) (ids []string) {
	t.Helper()
	for _, withoutAlg := range []bool{false, true} {
		raw, err := ring.JWKS(t.Context(), tenant, withoutAlg)
		require.NoError(t, err)
		var doc struct {
			Keys []struct{ Kid, Kty string }
		}
		require.NoError(t, json.Unmarshal(raw, &doc))
		ids = nil
		for _, key := range doc.Keys {
			if key.Kty != "RSA" {
				ids = append(ids, key.Kid)
			}
		}
	}
	return ids
}

func TestRing_SigningKey_is_shown_before_it_signs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.process(func(time.Duration) { t.Error("the other process has nothing to wait for") })
	var ring *keyring.Ring
	var waited []time.Duration
	ring = h.process(func(d time.Duration) {
		waited = append(waited, d)
		require.Equal(t, []string{"ec-1", "ec-2"}, shown(t, ring, acme), "current and next, before the key is given to anybody")
		require.Empty(t, shown(t, other, acme), "it has not heard of it")
		other.Forget(acme) // the fact came
	})
	for _, r := range []*keyring.Ring{ring, other} {
		require.Empty(t, shown(t, r, acme), "nobody asked for them")
	}
	key, err := ring.SigningKey(t.Context(), acme, token.AlgES256)
	require.NoError(t, err)
	require.Equal(t, "ec-1", key.KeyID)
	require.Equal(t, []time.Duration{time.Second}, waited)
	facts := h.store.Facts()
	require.Equal(t, token.KeysPublished, facts[len(facts)-1].Name)
	require.Equal(t, acme, facts[len(facts)-1].Tenant)
	require.Equal(t, []string{"ec-1"}, facts[len(facts)-1].KeyIDs, "a fact about keys, on which others ask again")

	for _, r := range []*keyring.Ring{ring, other} {
		require.Equal(t, []string{"ec-1", "ec-2"}, shown(t, r, acme))
		key, err := r.SigningKey(t.Context(), acme, token.AlgES256)
		require.NoError(t, err)
		require.Equal(t, "ec-1", key.KeyID)
		require.Empty(t, shown(t, r, bolt), "another tenant's are its own affair")
	}
	require.Len(t, waited, 1)
	require.Len(t, h.store.Facts(), len(facts))
}

func TestRing_SigningKey_waits_for_what_another_process_has_just_shown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := h.store.ShowKeys(t.Context(), acme, token.AlgES256, token.Fact{Tenant: acme, Time: h.clock.Now()})
	require.NoError(t, err)
	var waited []time.Duration
	ring := h.process(func(d time.Duration) { waited = append(waited, d) })
	h.clock.Advance(300 * time.Millisecond)
	for range 2 {
		_, err := ring.SigningKey(t.Context(), acme, token.AlgES256)
		require.NoError(t, err)
	}
	require.Equal(t, []time.Duration{700 * time.Millisecond}, waited)
	behind := clock.At("2026-03-01T10:00:00Z")
	late := keyring.New(h.store, behind.Now, keyring.Waiting(func(_ context.Context, d time.Duration) error {
		waited = append(waited, d)
		return nil
	}))
	_, err = late.SigningKey(t.Context(), acme, token.AlgES256)
	require.NoError(t, err)
	require.Equal(t, time.Second, waited[1], "however far behind its clock is")
}

func TestRing_SigningKey_of_many_at_once(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rings := []*keyring.Ring{h.process(func(time.Duration) {}), h.process(func(time.Duration) {})}
	before := len(h.store.Facts())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			key, err := rings[i%2].SigningKey(t.Context(), acme, token.AlgES256)
			if err != nil || key.KeyID != "ec-1" {
				t.Errorf("key %q: %v", key.KeyID, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, h.store.Facts(), before+1, "it was shown once")
}

func TestRing_SigningKey_of_RSA_neither_shows_nor_waits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ring := h.process(func(time.Duration) { t.Error("it waited") })
	before := len(h.store.Facts())
	for alg, kid := range map[string]string{token.AlgRS256: "rsa-1", token.AlgRS512: "rsa-1-rs512", token.AlgPS256: "rsa-1-ps256"} {
		key, err := ring.SigningKey(t.Context(), acme, alg)
		require.NoError(t, err)
		require.Equal(t, kid, key.IDFor(alg))
	}
	require.Len(t, h.store.Facts(), before)
	require.Empty(t, shown(t, ring, acme))
}

func TestRing_SigningKey_is_not_given_unless_it_is_shown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ring := h.process(func(time.Duration) {})
	require.Empty(t, shown(t, ring, acme))
	h.store.FailNext(fault.Unavailable("postgres is away"))
	_, err := ring.SigningKey(t.Context(), acme, token.AlgES256)
	testkit.RequireFault(t, err, fault.KindUnavailable)
	require.Empty(t, shown(t, ring, acme))

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ring.SigningKey(gone, acme, token.AlgES256)
	require.ErrorIs(t, err, context.Canceled, "who does not wait gets nothing")
	require.Equal(t, []string{"ec-1", "ec-2"}, shown(t, ring, acme), "yet it is shown from now on")

	_, err = ring.SigningKey(t.Context(), "tnt_stranger", token.AlgES256)
	testkit.RequireFault(t, err, fault.KindNotFound)
}

// A tenant that uses its keys no more goes on showing them: tokens by them may be out. So do those that follow them.
func TestRing_JWKS_shows_what_was_shown_until_it_is_revoked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ring := h.process(func(time.Duration) {})
	_, err := ring.SigningKey(t.Context(), acme, token.AlgES256)
	require.NoError(t, err)
	source := tokentest.NewSource(t)
	source.Add(acme, tokentest.SharedSigner(t, 0), map[string]int{token.AlgRS256: 2, token.AlgES256: 2})
	keys := token.NewKeys(token.KeyDeps{Source: source, Store: h.store, Now: h.clock.Now})
	h.clock.Advance(time.Hour)
	_, err = keys.Rotate(t.Context(), acme)
	require.NoError(t, err)
	ring.Forget(acme)
	ids := shown(t, ring, acme)
	require.Len(t, ids, 3)
	require.Subset(t, ids, []string{"ec-1", "ec-2"}, "and a new one, which will follow them")
	_, err = keys.Revoke(t.Context(), acme, "rsa-1")
	require.NoError(t, err)
	ring.Forget(acme)
	require.NotContains(t, shown(t, ring, acme), "ec-1")
	require.Len(t, shown(t, ring, acme), 2)
	key, err := h.process(func(time.Duration) { t.Error("the key that follows is known") }).SigningKey(t.Context(), acme, token.AlgES256)
	require.NoError(t, err)
	require.Equal(t, "ec-2", key.KeyID)
}

// Verifiers in this house know keys that the world does not see.
func TestRing_Documents_have_all_keys(t *testing.T) {
	t.Parallel()
	ring := newHouse(t).process(func(time.Duration) {})
	set, err := ring.Documents().Keys(t.Context(), acme)
	require.NoError(t, err)
	require.Len(t, set.Key("ec-1"), 1)
	require.Equal(t, string(jose.ES256), set.Key("ec-1")[0].Algorithm)
}
