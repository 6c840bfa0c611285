package password_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/password"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	h := password.New()
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"))

	t.Run("matches_the_password_it_was_made_from_only", func(t *testing.T) {
		t.Parallel()
		ok, err := h.Matches(t.Context(), hash, "correct horse")
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = h.Matches(t.Context(), hash, "correct horsf")
		require.NoError(t, err)
		require.False(t, ok)
	})
	t.Run("salts", func(t *testing.T) {
		t.Parallel()
		again, err := h.Hash(t.Context(), "correct horse")
		require.NoError(t, err)
		require.NotEqual(t, hash, again)
	})
	t.Run("refuses_what_is_no_hash_or_would_take_the_machine", func(t *testing.T) {
		t.Parallel()
		for _, bad := range []string{
			"", "plain", "$argon2i$v=19$m=8,t=1,p=1$c2FsdA$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=18$m=8,t=1,p=1$c2FsdA$a2V5a2V5a2V5a2V5a2V5",
			"$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdA$a2V5a2V5a2V5a2V5a2V5", "$argon2id$v=19$m=8,t=1,p=0$c2FsdA$a2V5a2V5a2V5a2V5a2V5",
			"$argon2id$v=19$m=8,t=1,p=1$c2FsdA$", "$argon2id$v=19$m=8,t=1,p=1$!$a2V5a2V5a2V5a2V5a2V5",
		} {
			_, err := h.Matches(t.Context(), bad, "x")
			require.True(t, fault.Is(err, fault.KindInternal), bad)
		}
	})
	t.Run("a_caller_who_left_is_not_waited_for", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 50 { // a free core may be taken first
			if _, err := h.Hash(ctx, "correct horse"); err != nil {
				require.ErrorIs(t, err, context.Canceled)
				return
			}
		}
		t.Fatal("never noticed")
	})
}
