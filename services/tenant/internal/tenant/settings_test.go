package tenant_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

func TestSettings_Patch(t *testing.T) {
	t.Parallel()
	patched := func(t *testing.T, s tenant.Settings, changes map[string]any) tenant.Settings {
		t.Helper()
		out, err := s.Patch(changes)
		require.NoError(t, err)
		return out
	}
	t.Run("defaults", func(t *testing.T) {
		t.Parallel()
		all := tenant.Settings(nil).All()
		require.InDelta(t, 168, all["session_lifetime"], 0)
		require.InDelta(t, 72, all["idle_session_lifetime"], 0)
		require.Equal(t, []any{"en"}, all["enabled_locales"])
		require.Equal(t, true, all["flags"].(map[string]any)["enable_client_connections"])
		require.NotContains(t, all, "session_lifetime_in_minutes")
	})
	t.Run("replaces_what_is_sent_and_keeps_the_rest", func(t *testing.T) {
		t.Parallel()
		s := patched(t, nil, map[string]any{"friendly_name": "Acme", "support_url": "https://acme.example"})
		s = patched(t, s, map[string]any{"friendly_name": "Acme 2"})
		require.Equal(t, "Acme 2", s.Text(tenant.FriendlyName))
		require.Equal(t, "https://acme.example", s.Text(tenant.SupportURL))
		s = patched(t, s, map[string]any{"friendly_name": nil})
		require.Empty(t, s.All()["friendly_name"])
	})
	t.Run("does_not_change_what_it_was_made_from", func(t *testing.T) {
		t.Parallel()
		old := patched(t, nil, map[string]any{"flags": map[string]any{"universal_login": false}})
		patched(t, old, map[string]any{"flags": map[string]any{"universal_login": true}})
		require.False(t, old.AllFlags()["universal_login"])
	})
	t.Run("flags_are_merged", func(t *testing.T) {
		t.Parallel()
		s := patched(t, nil, map[string]any{"flags": map[string]any{"universal_login": false}})
		s = patched(t, s, map[string]any{"flags": map[string]any{"enable_sso": false}})
		require.False(t, s.AllFlags()["universal_login"])
		require.False(t, s.AllFlags()["enable_sso"])
		s = patched(t, s, map[string]any{"flags": map[string]any{"enable_sso": nil}})
		require.True(t, s.AllFlags()["enable_sso"])
	})
	t.Run("locked_flag_is_refused", func(t *testing.T) {
		t.Parallel()
		_, err := tenant.Settings(nil).Patch(map[string]any{"flags": map[string]any{"disable_impersonation": false}})
		requireFault(t, err, fault.KindInvalid, "invalid_body")
		patched(t, nil, map[string]any{"flags": map[string]any{"disable_impersonation": true}})
	})
	t.Run("lifetimes_come_in_hours_or_minutes", func(t *testing.T) {
		t.Parallel()
		s := patched(t, nil, map[string]any{"session_lifetime": 0.25})
		require.Equal(t, 15*time.Minute, s.Lifetime("session_lifetime"))
		require.InDelta(t, 0.25, s.All()["session_lifetime"], 0)
		require.EqualValues(t, 15, s.All()["session_lifetime_in_minutes"])
		s = patched(t, s, map[string]any{"session_lifetime_in_minutes": 90.0})
		require.InDelta(t, 1.5, s.All()["session_lifetime"], 0)
		s = patched(t, s, map[string]any{"session_lifetime": nil})
		require.Equal(t, 168*time.Hour, s.Lifetime("session_lifetime"))
	})
	t.Run("lifetime_in_both_units_or_out_of_bounds_is_refused", func(t *testing.T) {
		t.Parallel()
		for _, changes := range []map[string]any{
			{"session_lifetime": 1.0, "session_lifetime_in_minutes": 60.0},
			{"session_lifetime": 0.0},
			{"session_lifetime": 9000.0},
			{"idle_session_lifetime_in_minutes": 0.0},
			{"session_lifetime": "1"},
		} {
			_, err := tenant.Settings(nil).Patch(changes)
			requireFault(t, err, fault.KindInvalid, "invalid_body")
		}
	})
}
