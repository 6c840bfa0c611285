package transit_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/transit"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	r := provisioned(t)
	raw := map[string]string{}
	for _, alg := range families {
		var err error
		raw[alg], _, err = r.issue(t.Context(), alg)
		require.NoError(t, err)
	}
	for _, state := range []token.KeyState{token.KeyCurrent, token.KeyNext} {
		_, err := r.keys.Revoke(t.Context(), tenant, r.named(t, token.AlgRS256, state).KeyID)
		require.True(t, fault.Is(err, fault.KindInvalid), "the %s one: %v", state, err)
	}
	first := r.named(t, token.AlgRS256, token.KeyCurrent)
	r.rotate(t)
	_, err := r.keys.Revoke(t.Context(), "tnt_stranger", first.KeyID)
	require.True(t, fault.Is(err, fault.KindNotFound), "another tenant's: %v", err)
	_, err = r.keys.Revoke(t.Context(), tenant, "no-such-key")
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	_, err = r.keys.Revoke(t.Context(), tenant, r.named(t, token.AlgES256, token.KeyPrevious).KeyID)
	require.True(t, fault.Is(err, fault.KindNotFound), "the wire knows the RSA keys alone: %v", err)

	set, err := r.set(t.Context())
	require.NoError(t, err)
	for _, alg := range families {
		require.True(t, verifies(set, raw[alg]), "what was signed before the rotation still verifies")
	}
	got, err := r.keys.Revoke(t.Context(), tenant, first.KeyID)
	require.NoError(t, err)
	require.Equal(t, first.KeyID, got.KeyID)
	r.ring.Forget(tenant)
	set, err = r.set(t.Context())
	require.NoError(t, err)
	for _, alg := range families {
		require.Equal(t, []int{1}, r.states(t)[alg+" revoked"], "what was retired together goes together")
		require.False(t, verifies(set, raw[alg]))
	}
	_, err = r.keys.Revoke(t.Context(), tenant, first.KeyID)
	require.True(t, fault.Is(err, fault.KindInvalid), "once: %v", err)
}

func TestComplete(t *testing.T) {
	t.Parallel()

	// from is a tenant as an earlier release made it: one RSA key, and nothing that follows it.
	from := func(t *testing.T) *room {
		t.Helper()
		r := provisioned(t)
		old := r.named(t, token.AlgRS256, token.KeyCurrent)
		require.NoError(t, r.store.RemoveTenant(t.Context(), tenant))
		_, err := r.store.PublishKeys(t.Context(), tenant, []token.SigningKey{old}, token.Fact{Tenant: tenant})
		require.NoError(t, err)
		r.ring.Forget(tenant)
		r.clock.Advance(time.Hour)
		return r
	}

	t.Run("the_first_who_asks_for_the_keys_brings_about_those_that_are_missing", func(t *testing.T) {
		t.Parallel()
		r := from(t)
		require.NoError(t, r.client.DeleteKey(t.Context(), transit.KeyName(tenant, token.AlgES256)))
		raw, _, err := r.issue(t.Context(), token.AlgES256)
		require.NoError(t, err, "an API set to ES256 is served at once")
		set, err := r.set(t.Context())
		require.NoError(t, err)
		require.True(t, verifies(set, raw))
		require.Equal(t, map[string][]int{"RS256 current": {1}, "RS256 next": {2}, "ES256 current": {1}, "ES256 next": {2}}, r.states(t))
		cert, err := x509.ParseCertificate(r.named(t, token.AlgES256, token.KeyCurrent).Certificate)
		require.NoError(t, err)
		require.Equal(t, "acme.eu.postern.test", cert.Subject.CommonName, "for the host that the tenant's other certificates are for")
	})

	t.Run("a_repeat_changes_nothing", func(t *testing.T) {
		t.Parallel()
		r := from(t)
		_, err := r.set(t.Context())
		require.NoError(t, err)
		before := r.states(t)
		for range 3 {
			r.ring.Forget(tenant)
			_, err := r.set(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, before, r.states(t))
	})

	t.Run("what_there_is_serves_while_vault_is_away", func(t *testing.T) {
		t.Parallel()
		r := from(t)
		r.vault.SetAway(true)
		set, err := r.set(t.Context())
		require.NoError(t, err, "the JWKS needs no Vault")
		require.Len(t, set.Keys, 3, "one key, by three algorithms")
		r.vault.SetAway(false)
		r.clock.Advance(time.Minute)
		set, err = r.set(t.Context())
		require.NoError(t, err)
		require.Len(t, set.Keys, 6, "and the key that follows; ES256 ones are there, and nobody asked for them")
	})

	t.Run("a_rotation_completes_first_and_the_young_key_waits", func(t *testing.T) {
		t.Parallel()
		r := from(t)
		first := r.named(t, token.AlgRS256, token.KeyCurrent).KeyID
		_, kid, err := r.issue(t.Context(), token.AlgRS256)
		require.Equal(t, first, kid)
		require.NoError(t, err)
		r.rotate(t)
		require.Equal(t, []int{2}, r.states(t)["RS256 current"])
		_, kid, err = r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		require.Equal(t, first, kid, "who fetched the keys before the rotation knows one of them")
		r.clock.Advance(time.Minute)
		_, kid, err = r.issue(t.Context(), token.AlgRS256)
		require.NoError(t, err)
		require.NotEqual(t, first, kid)
	})
}
