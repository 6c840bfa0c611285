//go:build integration

package vaultkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/vaultkit"
)

// TestVault runs on a real Vault what the fake was tried by.
func TestVault(t *testing.T) {
	d := openDev(t)
	c := d.open(t)
	require.NoError(t, c.Ready(t.Context()))

	t.Run("keys", func(t *testing.T) { testKeys(t, c) })
	t.Run("sign", func(t *testing.T) { testSign(t, c) })
	t.Run("seal", func(t *testing.T) { testSealer(t, c) })

	t.Run("a_revoked_token_is_replaced_within_the_call", func(t *testing.T) {
		ref, keys := signingKey(t, c, "revoked-token", vaultkit.ES256)
		d.revokeTokens(t)
		raw, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(t.Context(), ref, []byte("x"))
		require.NoError(t, err)
		assert.True(t, verifies(ref, keys, "x", raw))
	})

	t.Run("another_mount_is_denied_by_policy", func(t *testing.T) {
		conf := d.conf
		conf.Mount = "somebody-elses/transit"
		other := dev{root: d.root, conf: conf}.open(t)
		_, err := other.PublicKeys(t.Context(), "k")
		requireKind(t, fault.KindInternal, err)
	})
}
