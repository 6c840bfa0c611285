package vaultkit_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	good := vaultkit.Config{Addr: "http://127.0.0.1:8200", Mount: "eu/transit", RoleIDFile: "role", SecretIDFile: "secret"}
	require.NoError(t, good.Validate())
	for name, spoil := range map[string]func(*vaultkit.Config){
		"no_address":          func(c *vaultkit.Config) { c.Addr = "" },
		"address_of_no_kind":  func(c *vaultkit.Config) { c.Addr = "127.0.0.1:8200" },
		"no_mount":            func(c *vaultkit.Config) { c.Mount = "" },
		"mount_with_a_slash":  func(c *vaultkit.Config) { c.Mount = "eu/transit/" },
		"no_role":             func(c *vaultkit.Config) { c.RoleIDFile = "" },
		"no_secret":           func(c *vaultkit.Config) { c.SecretIDFile = "" },
		"timeout_in_the_past": func(c *vaultkit.Config) { c.Timeout = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := good
			spoil(&c)
			require.Error(t, c.Validate())
		})
	}
}

func TestClient_Open(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)

	t.Run("refused_credentials_are_an_error", func(t *testing.T) {
		t.Parallel()
		conf := vaulttest.New(t).Config()
		conf.SecretIDFile = filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(conf.SecretIDFile, []byte("guessed"), 0o600))
		_, err := vaultkit.Open(t.Context(), conf, log)
		requireKind(t, fault.KindInternal, err)
	})

	t.Run("a_missing_credential_file_is_an_error", func(t *testing.T) {
		t.Parallel()
		conf := vaulttest.New(t).Config()
		conf.RoleIDFile += "-that-is-not-there"
		_, err := vaultkit.Open(t.Context(), conf, log)
		require.ErrorIs(t, err, os.ErrNotExist)
	})
}

func TestClient_Open_environment_has_no_say(t *testing.T) {
	t.Setenv("VAULT_TOKEN", "somebody-else's")
	t.Setenv("VAULT_NAMESPACE", "elsewhere")
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	require.NoError(t, open(t, vaulttest.New(t)).Ready(t.Context()))
}

func TestClient_away(t *testing.T) {
	t.Parallel()

	t.Run("a_client_opened_while_vault_is_away_logs_in_once_it_is_back", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		s.SetAway(true)
		c := open(t, s)
		requireAway(t, c.Ready(t.Context()))
		s.SetAway(false)
		require.NoError(t, c.Ready(t.Context()))
	})

	t.Run("nobody_listening_is_unavailable", func(t *testing.T) {
		t.Parallel()
		conf := vaulttest.New(t).Config()
		conf.Addr = "http://127.0.0.1:1"
		c, err := vaultkit.Open(t.Context(), conf, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		requireAway(t, c.Ready(t.Context()))
	})

	t.Run("sealed_is_unavailable_and_heals_by_itself", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		s.SetAway(true)
		requireAway(t, c.Ready(t.Context()))
		s.SetAway(false)
		require.NoError(t, c.Ready(t.Context()))
		assert.Equal(t, 1, s.Logins(), "the token was still good")
	})

	t.Run("an_answer_that_does_not_come_is_unavailable", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		setup := open(t, s)
		ref, _ := signingKey(t, setup, "k", vaultkit.ES256)
		conf := s.Config()
		conf.Timeout = 50 * time.Millisecond
		c, err := vaultkit.Open(t.Context(), conf, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		s.Hold()
		_, err = c.SignUnbatched(t.Context(), ref, []byte("x"))
		requireAway(t, err)
	})

	t.Run("a_caller_who_left_gets_its_own_end_back", func(t *testing.T) {
		t.Parallel()
		c := open(t, vaulttest.New(t))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.Ready(ctx), context.Canceled)
	})
}

func TestClient_login(t *testing.T) {
	t.Parallel()

	t.Run("a_token_that_vault_forgot_is_replaced_within_the_call", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, keys := signingKey(t, c, "k", vaultkit.ES256)
		s.ForgetTokens()
		raw, err := c.SignUnbatched(t.Context(), ref, []byte("input"))
		require.NoError(t, err)
		assert.True(t, verifies(ref, keys, "input", raw))
		assert.Equal(t, 2, s.Logins())
	})

	t.Run("callers_who_lose_the_token_together_share_one_login", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		s.ForgetTokens()
		done := make(chan error, 50)
		for range cap(done) {
			go func() { done <- c.Ready(t.Context()) }()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		assert.Equal(t, 2, s.Logins())
	})

	t.Run("what_policy_denies_does_not_log_in_again", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		conf := s.Config()
		conf.Mount = "other/transit"
		c, err := vaultkit.Open(t.Context(), conf, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		for range 3 {
			_, err = c.PublicKeys(t.Context(), "k")
			requireKind(t, fault.KindInternal, err)
			require.ErrorContains(t, err, "policy")
		}
		assert.Equal(t, 1, s.Logins())
	})
}

func TestClient_Run(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, c *vaultkit.Client) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}

	t.Run("renews_before_the_lease_ends", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		s.SetLease(1)
		run(t, open(t, s))
		require.Eventually(t, func() bool { return s.Renewals() >= 2 }, 10*time.Second, 20*time.Millisecond)
		assert.Equal(t, 1, s.Logins())
	})

	t.Run("logs_in_again_when_renewing_fails", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		s.SetLease(1)
		run(t, open(t, s))
		s.ForgetTokens()
		require.Eventually(t, func() bool { return s.Logins() >= 2 }, 10*time.Second, 20*time.Millisecond)
	})

	t.Run("logs_in_once_vault_is_back", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		s.SetAway(true)
		run(t, open(t, s))
		s.SetAway(false)
		require.Eventually(t, func() bool { return s.Logins() == 1 }, 10*time.Second, 20*time.Millisecond)
	})
}
