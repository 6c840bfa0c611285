package doctor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/cli/internal/doctor"
)

var (
	now      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	database = []doctor.Connection{{ID: "con_1", Name: "Users", Strategy: "auth0"}}
)

// sound is a web application that nothing is wrong with.
func sound() doctor.Case {
	return doctor.Case{
		Client: doctor.Client{
			ID: "c1", AppType: "regular_web", OIDCConformant: true, AuthMethod: "client_secret_post", GrantTypes: []string{"authorization_code", "refresh_token"},
			Callbacks: []string{"https://app.example.com/cb"}, JWT: doctor.JWT{Alg: "RS256", LifetimeSeconds: 36000},
			RefreshToken: doctor.RefreshToken{Rotation: "rotating", Expiration: "expiring", LifetimeSeconds: 2592000},
		},
		Production: true, Connections: database, Now: now,
	}
}

// spa is a browser application that nothing is wrong with.
func spa() doctor.Case {
	c := sound()
	c.Client.AppType, c.Client.AuthMethod, c.Client.WebOrigins = "spa", "none", []string{"https://app.example.com"}
	return c
}

// machine is a program that nothing is wrong with.
func machine() doctor.Case {
	return doctor.Case{Client: doctor.Client{AppType: "non_interactive", OIDCConformant: true, GrantTypes: []string{"client_credentials"}}, Audiences: []string{"https://api.example.com"}, Now: now}
}

func codes(findings []doctor.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, f.Code)
	}
	return out
}

func TestExamine(t *testing.T) {
	t.Parallel()
	third := false
	soon, past, far := now.Add(24*time.Hour), now, now.Add(365*24*time.Hour)
	keyed := func(c *doctor.Case, ends ...*time.Time) {
		c.Client.AuthMethod, c.Client.AuthMethods = "", &doctor.AuthMethods{PrivateKeyJWT: &doctor.CredentialRefs{}}
		for _, end := range ends {
			c.Credentials = append(c.Credentials, doctor.Credential{ID: "cred_1", Name: "key", ExpiresAt: end})
		}
	}
	grants := func(c *doctor.Case, types ...string) {
		c.Client.GrantTypes = append(slices.Clone(c.Client.GrantTypes), types...)
	}
	for _, row := range []struct {
		name string
		from func() doctor.Case
		make func(*doctor.Case)
		want []string
	}{
		{"sound_web", sound, func(*doctor.Case) {}, nil},
		{"sound_spa", spa, func(*doctor.Case) {}, nil},
		{"sound_machine", machine, func(*doctor.Case) {}, nil},
		{"sound_key", sound, func(c *doctor.Case) { keyed(c, &far, nil) }, nil},
		{"global_client_is_not_judged", sound, func(c *doctor.Case) { c.Client.Global, c.Client.Callbacks = true, []string{"http://a.example"} }, nil},
		{"http_callback", sound, func(c *doctor.Case) { c.Client.Callbacks = []string{"HTTP://app.example.com/cb"} }, []string{"http_callback"}},
		{"http_lookalike_of_loopback", sound, func(c *doctor.Case) { c.Client.Callbacks = []string{"http://localhost.example.com/cb"} }, []string{"http_callback"}},
		{"http_on_loopback", sound, func(c *doctor.Case) {
			c.Client.Callbacks = []string{"http://127.0.0.1:3000/cb", "http://[::1]/cb", "http://localhost/cb"}
		}, nil},
		{"wildcard_callback", sound, func(c *doctor.Case) { c.Client.Callbacks = []string{"https://*.example.com/cb"} }, []string{"wildcard_url"}},
		{"wildcard_origin", spa, func(c *doctor.Case) { c.Client.AllowedOrigins = []string{"https://*.example.com"} }, []string{"wildcard_url"}},
		{"loopback_beside_production", sound, func(c *doctor.Case) { c.Client.Callbacks = append(c.Client.Callbacks, "http://localhost:3000/cb") }, []string{"loopback_beside_production"}},
		{"native_may_have_both", spa, func(c *doctor.Case) {
			c.Client.AppType, c.Client.Callbacks = "native", append(c.Client.Callbacks, "http://127.0.0.1/cb")
		}, nil},
		{"no_callbacks", sound, func(c *doctor.Case) { c.Client.Callbacks = nil }, []string{"no_callbacks"}},
		{"unused_authorization_code", machine, func(c *doctor.Case) { grants(c, "authorization_code") }, []string{"unused_authorization_code"}},
		{"unused_client_credentials", machine, func(c *doctor.Case) { c.Audiences = nil }, []string{"unused_client_credentials"}},
		{"unused_refresh_token", machine, func(c *doctor.Case) { grants(c, "refresh_token") }, []string{"unused_refresh_token"}},
		{"unused_password", machine, func(c *doctor.Case) { grants(c, "password") }, []string{"unused_password"}},
		{"password_grant", sound, func(c *doctor.Case) { grants(c, "password") }, []string{"password_grant"}},
		{"third_party_password", sound, func(c *doctor.Case) { grants(c, "password"); c.Client.FirstParty = &third }, []string{"third_party_password"}},
		{"implicit", sound, func(c *doctor.Case) { grants(c, "implicit") }, []string{"implicit"}},
		{"legacy_grant", sound, func(c *doctor.Case) { grants(c, "http://auth0.com/oauth/legacy/grant-type/ro") }, []string{"legacy_grant"}},
		{"secret_in_browser", spa, func(c *doctor.Case) { c.Client.AuthMethod = "client_secret_post" }, []string{"secret_in_browser"}},
		{"absent_method_is_a_secret", spa, func(c *doctor.Case) { c.Client.AuthMethod = "" }, []string{"secret_in_browser"}},
		{"secret_shared_with_browser", sound, func(c *doctor.Case) { c.Client.JWT.Alg, c.Client.WebOrigins = "", []string{"https://app.example.com"} }, []string{"secret_shared_with_browser"}},
		{"hs256_public", spa, func(c *doctor.Case) { c.Client.JWT.Alg = "" }, []string{"hs256_public"}},
		{"not_oidc_conformant", sound, func(c *doctor.Case) { c.Client.OIDCConformant = false }, []string{"not_oidc_conformant"}},
		{"public_refresh_not_rotating", spa, func(c *doctor.Case) { c.Client.RefreshToken.Rotation = "non-rotating" }, []string{"public_refresh_not_rotating"}},
		{"refresh_never_expires", sound, func(c *doctor.Case) { c.Client.RefreshToken.Expiration = "non-expiring" }, []string{"refresh_never_expires"}},
		{"long_refresh_lifetime", sound, func(c *doctor.Case) { c.Client.RefreshToken.LifetimeSeconds = 31557600 }, []string{"long_refresh_lifetime"}},
		{"long_id_token_lifetime", sound, func(c *doctor.Case) { c.Client.JWT.LifetimeSeconds = 36001 }, []string{"long_id_token_lifetime"}},
		{"no_connection", sound, func(c *doctor.Case) { c.Connections = nil }, []string{"no_connection"}},
		{"no_credential", sound, func(c *doctor.Case) { keyed(c) }, []string{"no_credential"}},
		{"credential_expired", sound, func(c *doctor.Case) { keyed(c, &past) }, []string{"credential_expired"}},
		{"credential_expires_soon", sound, func(c *doctor.Case) { keyed(c, &soon) }, []string{"credential_expires_soon"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c := row.from()
			row.make(&c)
			found := doctor.Examine(c)
			require.ElementsMatch(t, row.want, codes(found))
			for _, f := range found {
				require.NotEmpty(t, f.Why)
				require.NotEmpty(t, f.Remedy)
				require.NotEmpty(t, f.Property)
			}
		})
	}
}

func TestExamine_severity(t *testing.T) {
	t.Parallel()
	c := sound()
	c.Client.Callbacks = []string{"https://*.example.com/cb"}
	require.True(t, doctor.Worst(doctor.Examine(c)))
	c.Production = false
	require.False(t, doctor.Worst(doctor.Examine(c)))
}

func TestProduction(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"acme.us.postern.localhost:8443": false, "localhost": false, "acme.postern.TEST": false, "acme.eu.example.com": true, "localhost.example.com:8443": true,
	} {
		require.Equal(t, want, doctor.Production(domain), domain)
	}
}

func TestExamineConnection(t *testing.T) {
	t.Parallel()
	require.Empty(t, doctor.ExamineConnection("Users", 1))
	require.Equal(t, []string{"connection_on_for_nobody"}, codes(doctor.ExamineConnection("Users", 0)))
}
