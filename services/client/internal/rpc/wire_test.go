package rpc_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/rpc"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

func TestFindClient_what_its_tokens_live_by(t *testing.T) {
	t.Parallel()
	now, store := clock.At("2026-03-01T12:00:00Z"), storetest.NewFake()
	clients := client.NewService(store, now.Now)
	remote := clientapiconnect.NewClientServiceClient(
		rpckit.Client(rpc.New(clients, slog.New(slog.DiscardHandler))), rpckit.InProcessURL, rpckit.ClientOption())
	find := func(settings client.Settings) *clientapi.Client {
		settings["name"] = "app"
		c, err := client.NewClient(settings, now.Now())
		require.NoError(t, err)
		require.NoError(t, store.CreateClient(t.Context(), acme, c, false))
		got, err := remote.FindClient(t.Context(), &clientapi.FindClientRequest{TenantId: acme, ClientId: string(c.ID)})
		require.NoError(t, err)
		return got
	}

	plain := find(client.Settings{})
	require.False(t, plain.GetRefresh().GetRotating())
	require.Zero(t, plain.GetRefresh().GetLifetimeSeconds(), "what does not expire has no end, whatever its lifetime says")
	require.Zero(t, plain.GetRefresh().GetIdleLifetimeSeconds())
	require.Nil(t, plain.GetBackchannelLogout())
	require.Nil(t, plain.SkipConfirmation, "the tenant says")
	require.Nil(t, plain.GetTokenQuota(), "the tenant says")
	require.Nil(t, plain.GetSessionTransfer())

	rotating := find(client.Settings{
		"oidc_conformant": true, "token_endpoint_auth_method": "none", "app_type": "spa", "par_request_expiry": float64(60),
		"refresh_token": map[string]any{
			"rotation_type": "rotating", "expiration_type": "expiring", "leeway": float64(3), "token_lifetime": float64(1000),
			"idle_token_lifetime": float64(100), "infinite_idle_token_lifetime": false, "infinite_token_lifetime": false,
			"policies": []any{map[string]any{"audience": "https://other", "scope": []any{"read:y"}}},
		},
		"oidc_logout": map[string]any{
			"backchannel_logout_urls": []any{"https://app.example/out"}, "backchannel_logout_initiators": map[string]any{"mode": "all"},
		},
		"skip_non_verifiable_callback_uri_confirmation_prompt": true,
		"token_exchange": map[string]any{"allow_any_profile_of_type": []any{"on_behalf_of_token_exchange"}},
	})
	quota := find(client.Settings{"token_quota": map[string]any{"client_credentials": map[string]any{"per_hour": float64(5)}}}).GetTokenQuota()
	require.True(t, quota.GetEnforce(), "unless it says otherwise")
	require.Equal(t, []int64{5, 0}, []int64{quota.GetPerHour(), quota.GetPerDay()})
	quota = find(client.Settings{"token_quota": map[string]any{"client_credentials": map[string]any{"per_day": float64(7), "enforce": false}}}).GetTokenQuota()
	require.False(t, quota.GetEnforce())
	require.EqualValues(t, 7, quota.GetPerDay())
	transfer := find(client.Settings{"session_transfer": map[string]any{"can_create_session_transfer_token": true}}).GetSessionTransfer()
	require.Equal(t, []any{true, true, "ip", false, true}, switches(transfer), "what it leaves out is as on the wire")
	require.Empty(t, transfer.GetTakes())
	transfer = find(client.Settings{"session_transfer": map[string]any{
		"allowed_authentication_methods": []any{"cookie", "query"}, "enforce_device_binding": "none", "allow_refresh_token": true,
		"enforce_online_refresh_tokens": false, "enforce_cascade_revocation": false,
	}}).GetSessionTransfer()
	require.Equal(t, []any{false, false, "none", true, false}, switches(transfer))
	require.Equal(t, []string{"cookie", "query"}, transfer.GetTakes())
	r := rotating.GetRefresh()
	require.True(t, r.GetRotating())
	require.Equal(t, []int64{3, 1000, 100}, []int64{r.GetLeewaySeconds(), r.GetLifetimeSeconds(), r.GetIdleLifetimeSeconds()})
	require.Equal(t, "https://other", r.GetAlso()[0].GetAudience())
	require.Equal(t, []string{"read:y"}, r.GetAlso()[0].GetScope())
	require.Equal(t, "https://app.example/out", rotating.GetBackchannelLogout().GetUrl())
	require.True(t, rotating.GetBackchannelLogout().GetAllInitiators())
	require.True(t, rotating.GetSkipConfirmation())
	require.Equal(t, []string{"on_behalf_of_token_exchange"}, rotating.GetTokenExchange())
	require.EqualValues(t, 60, rotating.GetParExpirySeconds())

	find(client.Settings{"mobile": map[string]any{"android": map[string]any{"app_package_name": "a.b", "sha256_cert_fingerprints": []any{"D8"}}}})
	apps, err := remote.ListMobileApps(t.Context(), &clientapi.ListMobileAppsRequest{TenantId: acme})
	require.NoError(t, err)
	require.Len(t, apps.GetApps(), 1)
	require.Equal(t, "a.b", apps.GetApps()[0].GetAndroidPackage())
	require.Equal(t, []string{"D8"}, apps.GetApps()[0].GetAndroidSha256Fingerprints())
	none, err := remote.ListMobileApps(t.Context(), &clientapi.ListMobileAppsRequest{TenantId: globex})
	require.NoError(t, err)
	require.Empty(t, none.GetApps())
}

// switches gives all that is said of session transfer but by what it comes.
func switches(s *clientapi.SessionTransfer) []any {
	return []any{s.GetGives(), s.GetCascades(), s.GetDeviceBinding(), s.GetRefreshTokens(), s.GetOnline()}
}
