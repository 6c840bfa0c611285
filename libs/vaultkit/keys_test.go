package vaultkit_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
)

func TestClient_keys(t *testing.T) {
	t.Parallel()
	testKeys(t, open(t, vaulttest.New(t)))
}

// testKeys is what the fake and a real Vault must agree on.
func testKeys(t *testing.T, c *vaultkit.Client) {
	t.Helper()

	t.Run("a_new_signing_key_has_a_current_and_a_next_version", func(t *testing.T) {
		t.Parallel()
		_, keys := signingKey(t, c, "rsa", vaultkit.RS256)
		require.Len(t, keys, 2)
		assert.Equal(t, 2, keys[0].Version)
		assert.Equal(t, 1, keys[1].Version)
		for _, k := range keys {
			assert.Equal(t, vaultkit.RS256, k.Alg)
			assert.False(t, k.Created.IsZero())
			require.IsType(t, &rsa.PublicKey{}, k.Key)
		}
		assert.NotEqual(t, keys[0].Key, keys[1].Key)
	})

	t.Run("creating_again_changes_nothing", func(t *testing.T) {
		t.Parallel()
		_, before := signingKey(t, c, "twice", vaultkit.ES256)
		_, after := signingKey(t, c, "twice", vaultkit.ES256)
		assert.Equal(t, before, after)
		assert.IsType(t, &ecdsa.PublicKey{}, before[0].Key)
		assert.Equal(t, vaultkit.ES256, before[0].Alg)
	})

	t.Run("creating_over_a_key_of_another_type_is_a_conflict", func(t *testing.T) {
		t.Parallel()
		signingKey(t, c, "taken", vaultkit.ES256)
		requireKind(t, fault.KindConflict, c.CreateSigningKey(t.Context(), "taken", vaultkit.RS256))
	})

	t.Run("an_algorithm_of_no_key_is_refused", func(t *testing.T) {
		t.Parallel()
		requireKind(t, fault.KindInternal, c.CreateSigningKey(t.Context(), "hs", "HS256"))
	})

	t.Run("rotating_adds_a_version", func(t *testing.T) {
		t.Parallel()
		signingKey(t, c, "rotated", vaultkit.ES256)
		latest, err := c.RotateKey(t.Context(), "rotated")
		require.NoError(t, err)
		assert.Equal(t, 3, latest)
		keys, err := c.PublicKeys(t.Context(), "rotated")
		require.NoError(t, err)
		assert.Len(t, keys, 3)
	})

	t.Run("a_deleted_key_is_gone_and_deleting_again_is_fine", func(t *testing.T) {
		t.Parallel()
		signingKey(t, c, "deleted", vaultkit.ES256)
		require.NoError(t, c.DeleteKey(t.Context(), "deleted"))
		_, err := c.PublicKeys(t.Context(), "deleted")
		requireKind(t, fault.KindNotFound, err)
		require.NoError(t, c.DeleteKey(t.Context(), "deleted"))
		require.NoError(t, c.DeleteKey(t.Context(), "never-was"))
	})

	t.Run("a_key_that_is_not_there_is_not_found", func(t *testing.T) {
		t.Parallel()
		_, err := c.PublicKeys(t.Context(), "nowhere")
		requireKind(t, fault.KindNotFound, err)
		_, err = c.RotateKey(t.Context(), "nowhere")
		requireKind(t, fault.KindNotFound, err)
	})

	t.Run("a_wrapping_key_has_no_public_half", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, c.CreateWrappingKey(t.Context(), "wrapping"))
		require.NoError(t, c.CreateWrappingKey(t.Context(), "wrapping"))
		_, err := c.PublicKeys(t.Context(), "wrapping")
		requireKind(t, fault.KindInternal, err)
	})
}
