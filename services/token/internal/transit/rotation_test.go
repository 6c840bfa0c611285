package transit_test

import (
	"context"
	"crypto/x509"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/transit"
)

func TestRotate(t *testing.T) {
	t.Parallel()

	t.Run("next_becomes_current_and_one_that_will_follow_is_published", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		r.clock.Advance(time.Hour)
		before := r.named(t, token.AlgRS256, token.KeyNext)
		next := r.rotate(t)
		for _, alg := range families {
			require.Equal(t, []int{1}, r.states(t)[alg+" previous"], "all algorithms go together")
			require.Equal(t, []int{2}, r.states(t)[alg+" current"])
			require.Equal(t, []int{3}, r.states(t)[alg+" next"])
			require.Equal(t, r.clock.Now(), r.named(t, alg, token.KeyCurrent).Since)
			require.Equal(t, r.clock.Now(), r.named(t, alg, token.KeyPrevious).Until)
		}
		require.Equal(t, before.KeyID, r.named(t, token.AlgRS256, token.KeyCurrent).KeyID)
		require.Equal(t, next.KeyID, r.named(t, token.AlgRS256, token.KeyNext).KeyID)
		cert, err := x509.ParseCertificate(next.Certificate)
		require.NoError(t, err)
		require.Equal(t, "acme.eu.postern.test", cert.Subject.CommonName)
		require.NoError(t, cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature), "certified by the new version itself")
		for _, alg := range families {
			_, kid, err := r.issue(t.Context(), alg)
			require.NoError(t, err)
			require.Equal(t, r.named(t, alg, token.KeyCurrent).KeyID, kid, "a key that all verifiers know signs at once")
		}
	})

	t.Run("a_key_does_not_sign_before_verifiers_know_it", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		old, err := r.set(t.Context())
		require.NoError(t, err)
		second := r.rotate(t) // both first keys were published together: who knows one knows the other
		raw, first, err := r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		require.Equal(t, r.named(t, token.AlgRS256, token.KeyCurrent).KeyID, first)
		require.True(t, verifies(old, raw))

		r.clock.Advance(time.Second)
		r.rotate(t)
		require.Equal(t, second.KeyID, r.named(t, token.AlgRS256, token.KeyCurrent).KeyID)
		require.Equal(t, second.Created.Add(time.Minute), r.named(t, token.AlgRS256, token.KeyCurrent).Since)
		raw, kid, err := r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		require.Equal(t, first, kid, "the one before goes on")
		require.True(t, verifies(old, raw))
		set, err := r.set(t.Context())
		require.NoError(t, err)
		require.Equal(t, first, set.Keys[0].KeyID, "who takes the first key there is takes the one that signs")

		r.clock.Advance(59 * time.Second)
		raw, kid, err = r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		require.Equal(t, second.KeyID, kid)
		require.True(t, verifies(set, raw), "by a set that is 59 s old")
		set, err = r.set(t.Context())
		require.NoError(t, err)
		require.Equal(t, second.KeyID, set.Keys[0].KeyID)
	})

	t.Run("revoking_what_still_signs_hands_over_at_once", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		r.rotate(t)
		next := r.rotate(t)
		_, kid, err := r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		_, err = r.keys.Revoke(t.Context(), tenant, kid)
		require.NoError(t, err)
		r.ring.Forget(tenant)
		raw, kid, err := r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		set, err := r.set(t.Context())
		require.NoError(t, err)
		require.True(t, verifies(set, raw))
		require.NotEqual(t, next.KeyID, kid, "a key that is still to come never signs")
	})

	t.Run("five_times_a_day", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		for range 5 {
			r.clock.Advance(time.Hour)
			r.rotate(t)
		}
		before := r.states(t)
		r.clock.Advance(time.Minute)
		_, err := r.keys.Rotate(t.Context(), tenant)
		require.True(t, fault.Is(err, fault.KindTooMany), "%v", err)
		require.Equal(t, "too_many_requests", fault.Of(err).Code)
		require.InDelta(t, 20*time.Hour-time.Minute, fault.Of(err).RetryAfter, float64(time.Second), "until the first of them is a day old")
		wait := fault.Of(err).RetryAfter
		require.Equal(t, before, r.states(t))
		versions, err := r.client.PublicKeys(t.Context(), transit.KeyName(tenant, token.AlgRS256))
		require.NoError(t, err)
		require.Len(t, versions, 7, "and none was made in Vault")
		r.clock.Advance(wait)
		r.rotate(t)
	})

	t.Run("a_tenant_without_keys_has_none_to_rotate", func(t *testing.T) {
		t.Parallel()
		_, err := open(t).keys.Rotate(t.Context(), tenant)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	})
}

// brokenOff is a store that goes away when a rotation comes to it.
type brokenOff struct{ token.KeyStore }

func (brokenOff) RotateKeys(context.Context, tenancy.ID, token.KeyRotation) ([]token.SigningKey, error) {
	return nil, fault.Unavailable("postgres is away")
}

func TestRotate_broken_off(t *testing.T) {
	t.Parallel()

	t.Run("between_vault_and_the_store_leaves_a_version_that_the_next_one_uses", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		before := r.states(t)
		// What a process leaves that was killed after it rotated in Vault.
		for _, alg := range families {
			_, err := r.client.RotateKey(t.Context(), transit.KeyName(tenant, alg))
			require.NoError(t, err)
		}
		require.Equal(t, before, r.states(t), "nobody is shown it")
		next := r.rotate(t)
		require.Equal(t, 3, next.Version)
		for _, alg := range families {
			versions, err := r.client.PublicKeys(t.Context(), transit.KeyName(tenant, alg))
			require.NoError(t, err)
			require.Len(t, versions, 3, "no further one was made")
		}
	})

	t.Run("when_the_store_goes_away_before_the_last_step", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		before := r.states(t)
		keys := token.NewKeys(token.KeyDeps{Source: r.signer, Store: brokenOff{r.store}, Now: r.clock.Now})
		_, err := keys.Rotate(t.Context(), tenant)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
		require.Equal(t, before, r.states(t))
		require.Equal(t, 3, r.rotate(t).Version, "what Vault made for it is used")
	})

	t.Run("when_vault_is_away", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		before := r.states(t)
		r.vault.SetAway(true)
		_, err := r.keys.Rotate(t.Context(), tenant)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
		require.Equal(t, before, r.states(t))
		r.vault.SetAway(false)
		require.Equal(t, 3, r.rotate(t).Version)
	})

	t.Run("a_version_published_by_somebody_else_meanwhile_follows_later", func(t *testing.T) {
		t.Parallel()
		r := provisioned(t)
		_, err := r.client.RotateKey(t.Context(), transit.KeyName(tenant, token.AlgRS256))
		require.NoError(t, err)
		_, err = r.publish(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{2, 3}, r.states(t)["RS256 next"])
		require.Equal(t, 3, r.rotate(t).Version)
		require.Equal(t, []int{3}, r.states(t)["RS256 next"], "it is the next one now, and no other was needed")
		require.Equal(t, []int{2}, r.states(t)["RS256 current"])
	})
}

func TestRotate_concurrently(t *testing.T) {
	t.Parallel()
	r := provisioned(t)
	var wg sync.WaitGroup
	next := make([]string, 3)
	for i := range next {
		wg.Go(func() {
			key, err := r.keys.Rotate(context.WithoutCancel(t.Context()), tenant)
			assert.NoError(t, err)
			next[i] = key.KeyID
		})
	}
	wg.Wait()
	states := r.states(t)
	for _, alg := range families {
		require.Equal(t, []int{1, 2, 3}, states[alg+" previous"], "each goes one step further")
		require.Equal(t, []int{4}, states[alg+" current"], "and there is one current key")
		require.NotEmpty(t, states[alg+" next"])
	}
	slices.Sort(next)
	require.Len(t, slices.Compact(next), 3, "each told its caller of another key")
}
