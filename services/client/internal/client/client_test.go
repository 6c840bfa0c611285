package client_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/client"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type m = map[string]any

func TestIDs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		pattern string
		make    func() string
	}{
		"client":          {`^[A-Za-z0-9]{32}$`, func() string { return string(client.NewID()) }},
		"strict":          {`^tpc_[A-Za-z0-9]{32}$`, func() string { return string(client.NewStrictID()) }},
		"grant":           {`^cgr_[A-Za-z0-9]{16}$`, client.NewGrantID},
		"connection":      {`^con_[A-Za-z0-9]{16}$`, client.NewConnectionID},
		"resource_server": {`^[0-9a-f]{24}$`, client.NewResourceServerID},
		"secret":          {`^[A-Za-z0-9_-]{64}$`, func() string { return string(client.NewSecret()) }},
	} {
		seen := map[string]bool{}
		for range 500 {
			id := row.make()
			require.Regexp(t, row.pattern, id, name)
			require.False(t, seen[id], name)
			seen[id] = true
		}
	}
}

func TestSecret_shows_itself_nowhere(t *testing.T) {
	t.Parallel()
	c, err := client.NewClient(client.Settings{"name": "x"}, noon)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("secret", c.Secret), slog.Any("client", c))
	shown := log.String() + fmt.Sprintf("%v %+v %s", c, c, c.Secret)
	assert.NotContains(t, shown, string(c.Secret))
}

func TestSettings_Merged(t *testing.T) {
	t.Parallel()
	s := client.Settings{"a": "1", "b": []any{"x"}, "notes": m{"k": "v", "l": "w"}, "group": m{"k": "v"}}
	got := s.Merged(client.Settings{"a": nil, "b": []any{"y"}, "notes": m{"k": nil, "n": "u"}, "group": m{"l": "w"}, "c": true}, "notes")
	assert.Equal(t, client.Settings{"b": []any{"y"}, "notes": m{"l": "w", "n": "u"}, "group": m{"l": "w"}, "c": true}, got)
	assert.Equal(t, "1", s.Text("a"), "the original stays as it was")
	assert.Equal(t, m{"k": "v", "l": "w"}, s["notes"])
}

func TestClient_IDToken(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		sent client.Settings
		alg  string
		life time.Duration
	}{
		"nothing_set":       {client.Settings{}, "HS256", 10 * time.Hour},
		"public":            {client.Settings{"token_endpoint_auth_method": "none"}, "RS256", 10 * time.Hour},
		"set":               {client.Settings{"jwt_configuration": m{"alg": "PS256", "lifetime_in_seconds": 60.}}, "PS256", time.Minute},
		"alg_without_life":  {client.Settings{"jwt_configuration": m{"alg": "RS256"}}, "RS256", 10 * time.Hour},
		"strict_alg":        {client.Settings{"is_first_party": false, "jwt_configuration": m{"alg": "RS256"}}, "RS256", time.Hour},
		"strict_third":      {client.Settings{"is_first_party": false}, "RS256", time.Hour},
		"public_but_chosen": {client.Settings{"token_endpoint_auth_method": "none", "jwt_configuration": m{"alg": "HS256"}}, "HS256", 10 * time.Hour},
	} {
		c, err := client.NewClient(row.sent.Merged(client.Settings{"name": "x"}), noon)
		require.NoError(t, err, name)
		assert.Equal(t, row.alg, c.IDTokenAlg(), name)
		assert.Equal(t, row.life, c.IDTokenLife(), name)
	}
}

func TestClient_old_names_are_todays(t *testing.T) {
	t.Parallel()
	c, err := client.NewClient(client.Settings{
		"name": "x", "cross_origin_auth": true, "oidc_backchannel_logout": m{"backchannel_logout_urls": []any{"https://a.example"}},
	}, noon)
	require.NoError(t, err)
	assert.True(t, c.Settings.Flag("cross_origin_authentication"))
	assert.True(t, c.Settings.Has("oidc_logout"))
	assert.False(t, c.Settings.Has("oidc_backchannel_logout"))
}

func TestClient_the_two_ways_to_authenticate_exclude_each_other(t *testing.T) {
	t.Parallel()
	methods := m{"private_key_jwt": m{"credentials": []any{m{"id": "cred_1"}}}}
	_, err := client.NewClient(client.Settings{"name": "x", "token_endpoint_auth_method": "none", "client_authentication_methods": methods}, noon)
	require.Error(t, err)
	c, err := client.NewClient(client.Settings{"name": "x", "token_endpoint_auth_method": "client_secret_post"}, noon)
	require.NoError(t, err)
	c.Credentials = []client.Credential{{ID: "cred_1", Type: client.CredentialPublicKey}}
	c, err = c.Patched(client.Settings{"client_authentication_methods": methods}, noon)
	require.NoError(t, err)
	assert.Empty(t, c.AuthMethod())
	c, err = c.Patched(client.Settings{"token_endpoint_auth_method": "client_secret_basic"}, noon)
	require.NoError(t, err)
	assert.False(t, c.Settings.Has("client_authentication_methods"))
}

func TestClient_refresh_defaults_fit_what_was_sent(t *testing.T) {
	t.Parallel()
	c, err := client.NewClient(client.Settings{
		"name": "x", "refresh_token": m{"rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 100.},
	}, noon)
	require.NoError(t, err)
	refresh := c.Settings.Group("refresh_token")
	assert.Less(t, refresh.Number("idle_token_lifetime"), int64(100))
	assert.False(t, refresh.Flag("infinite_token_lifetime"))
}

func TestConnection_old_options_stand_in_nobodys_way(t *testing.T) {
	t.Parallel()
	c, err := client.NewConnection(client.Settings{"name": "db", "strategy": "auth0"}, time.Now())
	require.NoError(t, err)
	c.Options["password_history"] = "from before"
	named, err := c.Patched(client.Settings{"display_name": "DB"}, time.Now())
	require.NoError(t, err)
	assert.Equal(t, "DB", named.Settings.Text("display_name"))
	_, err = c.Patched(client.Settings{"options": map[string]any{"password_history": "again"}}, time.Now())
	assert.Error(t, err)
}

func TestSeed_is_sound(t *testing.T) {
	t.Parallel()
	s, err := client.NewSeed("https://acme.example/api/v2/", noon)
	require.NoError(t, err)
	assert.True(t, s.API.System)
	assert.True(t, s.Global.Global)
	assert.Equal(t, []string{"client_credentials"}, s.Management.GrantTypes())
	assert.Equal(t, s.API.ScopeValues(), s.Grant.Scope)
	values := map[string]bool{}
	for _, scope := range client.Catalogue() {
		assert.False(t, values[scope.Value], scope.Value)
		values[scope.Value] = true
	}
	for _, needed := range []string{"read:clients", "update:client_keys", "read:logs", "create:users", "read:current_user", "update:users_app_metadata"} {
		assert.True(t, values[needed], needed)
	}
}
