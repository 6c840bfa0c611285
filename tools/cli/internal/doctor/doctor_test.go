package doctor_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/cli/internal/doctor"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// web is a web application that nothing is wrong with.
func web() doctor.Case {
	return doctor.Case{
		Client: doctor.Client{
			ID: "c1", AppType: "regular_web", OIDCConformant: true, AuthMethod: "client_secret_post", GrantTypes: []string{"authorization_code", "refresh_token"},
			Callbacks: []string{"https://app.example.com/cb"}, JWT: doctor.JWT{Alg: "RS256", LifetimeSeconds: 36000},
			RefreshToken: doctor.RefreshToken{Rotation: "rotating", Expiration: "expiring", LifetimeSeconds: 2592000},
		},
		Production: true, Connections: []doctor.Connection{{ID: "con_1", Name: "Users", Strategy: "auth0"}}, Now: now,
	}
}

// spa is a browser application that nothing is wrong with.
func spa() doctor.Case {
	c := web()
	c.Client.AppType, c.Client.AuthMethod, c.Client.WebOrigins, c.Client.AllowedOrigins = "spa", "none", []string{"https://app.example.com"}, []string{"https://app.example.com"}
	return c
}

// native is an application on a phone or a desk that nothing is wrong with.
func native() doctor.Case {
	c := web()
	c.Client.AppType, c.Client.AuthMethod = "native", "none"
	c.Client.Callbacks = []string{"com.example.app:/cb", "https://app.example.com/cb", "http://127.0.0.1/cb", "http://[::1]/cb"}
	return c
}

// machine is a program that nothing is wrong with.
func machine() doctor.Case {
	return doctor.Case{
		Client: doctor.Client{AppType: "non_interactive", OIDCConformant: true, AuthMethod: "client_secret_post", GrantTypes: []string{"client_credentials"}},
		Grants: []doctor.Grant{{ClientID: "c1", Audience: "https://api.example.com", SubjectType: "client"}}, Production: true, Now: now,
	}
}

func codes(findings []doctor.Finding) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, f.Code)
	}
	return out
}

// row is a sound case and one change to it. Of a rule's rows, some find it and some come near and do not.
type row struct {
	rule   string
	name   string
	from   func() doctor.Case
	change func(*doctor.Case)
	want   []string // nil: nothing is wrong
}

func callbacks(urls ...string) func(*doctor.Case) {
	return func(c *doctor.Case) { c.Client.Callbacks = urls }
}

func grants(types ...string) func(*doctor.Case) {
	return func(c *doctor.Case) { c.Client.GrantTypes = append(slices.Clone(c.Client.GrantTypes), types...) }
}

// keyed makes the client prove itself by a key that ends at end.
func keyed(end time.Time) func(*doctor.Case) {
	return func(c *doctor.Case) {
		c.Client.AuthMethod = ""
		c.Client.AuthMethods = &doctor.AuthMethods{PrivateKeyJWT: &doctor.CredentialRefs{Credentials: []doctor.CredentialRef{{ID: "cred_1"}}}}
		c.Credentials = []doctor.Credential{{ID: "cred_1", Name: "key", ExpiresAt: &end}, {ID: "cred_2"}}
	}
}

func third(changes ...func(*doctor.Case)) func(*doctor.Case) {
	return func(c *doctor.Case) {
		no := false
		c.Client.FirstParty = &no
		for _, change := range changes {
			change(c)
		}
	}
}

func same(*doctor.Case) {}

const (
	realm  = "http://auth0.com/oauth/grant-type/password-realm"
	device = "urn:ietf:params:oauth:grant-type:device_code"
	legacy = "http://auth0.com/oauth/legacy/grant-type/ro"
)

var rows = []row{
	{"http_callback", "plain_http", web, callbacks("HTTP://app.example.com/cb"), []string{"http_callback"}},
	{"http_callback", "a_lookalike_of_loopback", web, callbacks("http://localhost.example.com/cb", "http://127.0.0.1.example.com/cb"), []string{"http_callback", "http_callback"}},
	{"http_callback", "what_is_no_url", web, callbacks("http://%zz/cb"), []string{"http_callback"}},
	{"http_callback", "loopback", web, callbacks("http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "http://{organization_name}.app.localhost/cb"), nil},
	{"http_callback", "https_and_own_schemes", native, same, nil},

	{"wildcard_callback", "a_star_in_the_host", web, callbacks("https://*.example.com/cb"), []string{"wildcard_callback"}},
	{"wildcard_callback", "on_this_machine", web, callbacks("http://*.localhost:3000/cb"), nil},
	{"wildcard_callback", "a_placeholder_is_none", web, callbacks("https://{organization_name}.example.com/cb"), nil},

	{"wildcard_origin", "each_list", web, func(c *doctor.Case) {
		c.Client.LogoutURLs, c.Client.WebOrigins, c.Client.AllowedOrigins = []string{"https://*.a.example"}, []string{"https://*.b.example"}, []string{"https://*.c.example"}
	}, []string{"wildcard_origin", "wildcard_origin", "wildcard_origin"}},
	{"wildcard_origin", "hosts_by_name", spa, func(c *doctor.Case) { c.Client.LogoutURLs = []string{"https://a.example/?next=*"} }, nil},

	{"loopback_beside_production", "both", web, callbacks("https://app.example.com/cb", "http://localhost:3000/cb"), []string{"loopback_beside_production"}},
	{"loopback_beside_production", "development_only", web, callbacks("http://localhost:3000/cb", "http://127.0.0.1:3000/cb"), nil},
	{"loopback_beside_production", "native_applications_need_both", native, same, nil},

	{"no_callbacks", "a_login_client_without_any", spa, callbacks(), []string{"no_callbacks"}},
	{"no_callbacks", "a_device_needs_none", native, func(c *doctor.Case) {
		c.Client.Callbacks, c.Client.GrantTypes = nil, []string{device, "refresh_token"}
	}, nil},

	{"secret_in_http_url", "a_parameter", web, func(c *doctor.Case) { c.Client.LogoURI = "http://cdn.example.com/l.png?X-Access-Token=s3cret" }, []string{"secret_in_http_url"}},
	{"secret_in_http_url", "a_user", web, callbacks("http://me:s3cret@localhost/cb"), []string{"secret_in_http_url"}},
	{"secret_in_http_url", "no_secret", web, func(c *doctor.Case) {
		c.Client.LogoURI, c.Client.LoginURI = "http://cdn.example.com/l.png?size=2&keyboard=x", "https://a.example/"
	}, nil},

	{"secret_in_browser_url", "in_each_that_a_browser_is_sent_to", web, func(c *doctor.Case) {
		callbacks("https://app.example.com/cb?client_secret=s3cret", "https://me:s3cret@app.example.com/cb")(c)
		c.Client.LogoURI, c.Client.LoginURI, c.Client.LogoutURLs = "https://cdn.example.com/l.png?sig=s3cret", "https://a.example/?token=s3cret", []string{"https://a.example/?api-key=s3cret"}
	}, slices.Repeat([]string{"secret_in_browser_url"}, 5)},
	{"secret_in_browser_url", "in_an_application's_own_scheme", native, func(c *doctor.Case) {
		c.Client.LogoutURLs = []string{"com.example.app:/out?password=s3cret"}
	}, []string{"secret_in_browser_url"}},
	{"secret_in_browser_url", "no_secret", web, callbacks("https://app.example.com/cb?from=postern&monkey=x#token"), nil},

	{"unused_login_grant", "a_machine", machine, grants("authorization_code"), []string{"unused_login_grant"}},
	{"unused_login_grant", "a_machine_with_implicit", machine, grants("implicit"), []string{"unused_login_grant", "implicit"}},
	{"unused_login_grant", "with_callbacks", web, func(c *doctor.Case) { c.Client.AppType = "" }, nil},

	{"unused_client_credentials", "no_client_grant", machine, func(c *doctor.Case) { c.Grants = nil }, []string{"unused_client_credentials"}},
	{"unused_client_credentials", "a_grant_for_users_only", machine, func(c *doctor.Case) { c.Grants[0].SubjectType = "user" }, []string{"unused_client_credentials"}},
	{"unused_client_credentials", "a_client_grant_of_old", machine, func(c *doctor.Case) { c.Grants[0].SubjectType = "" }, nil},

	{"unused_refresh_token", "nothing_gives_one", machine, grants("refresh_token"), []string{"unused_refresh_token"}},
	{"unused_refresh_token", "the_code_grant_gives_one", web, same, nil},
	{"unused_refresh_token", "devices_get_one", machine, func(c *doctor.Case) {
		grants(device, "refresh_token")(c)
		c.Connections = web().Connections
	}, nil},

	{"unused_password", "no_database", web, func(c *doctor.Case) {
		grants("password")(c)
		c.Connections[0].Strategy = "google-oauth2"
	}, []string{"unused_password"}},
	{"unused_password", "no_grant_that_needs_one", web, func(c *doctor.Case) { c.Connections[0].Strategy = "google-oauth2" }, nil},

	{"password_grant", "a_database", web, grants(realm), []string{"password_grant"}},
	{"password_grant", "none", web, same, nil},

	{"third_party_password", "somebody_elses", web, third(grants("password")), []string{"third_party_password"}},
	{"third_party_password", "without_the_grant", web, third(), nil},

	{"implicit", "on", web, grants("implicit"), []string{"implicit"}},
	{"implicit", "off", spa, same, nil},

	{"legacy_grant", "each", web, grants(legacy, "http://auth0.com/oauth/legacy/grant-type/access_token"), []string{"legacy_grant", "legacy_grant"}},
	{"legacy_grant", "a_grant_of_today", web, grants("http://auth0.com/oauth/grant-type/mfa-otp"), nil},

	{"not_oidc_conformant", "a_login_client", web, func(c *doctor.Case) { c.Client.OIDCConformant = false }, []string{"not_oidc_conformant"}},
	{"not_oidc_conformant", "a_machine_has_no_logins", machine, func(c *doctor.Case) { c.Client.OIDCConformant = false }, nil},

	{"secret_in_browser", "a_method_with_a_secret", spa, func(c *doctor.Case) { c.Client.AuthMethod = "client_secret_post" }, []string{"secret_in_browser"}},
	{"secret_in_browser", "no_method_is_a_secret", native, func(c *doctor.Case) { c.Client.AuthMethod = "" }, []string{"secret_in_browser"}},
	{"secret_in_browser", "a_key_is_no_better", spa, keyed(now.AddDate(1, 0, 0)), []string{"secret_in_browser"}},
	{"secret_in_browser", "a_server", web, same, nil},

	{"secret_verifies_in_browser", "hs256_is_the_default", web, func(c *doctor.Case) {
		c.Client.JWT.Alg, c.Client.WebOrigins = "", []string{"https://app.example.com"}
	}, []string{"secret_verifies_in_browser"}},
	{"secret_verifies_in_browser", "rs256", web, func(c *doctor.Case) { c.Client.AllowedOrigins = []string{"https://app.example.com"} }, nil},
	{"secret_verifies_in_browser", "no_pages", web, func(c *doctor.Case) { c.Client.JWT.Alg = "HS256" }, nil},

	{"pair_shared_with_browser", "pages_and_a_server", web, func(c *doctor.Case) {
		grants("client_credentials")(c)
		c.Client.WebOrigins, c.Grants = []string{"https://app.example.com"}, machine().Grants
	}, []string{"pair_shared_with_browser"}},
	{"pair_shared_with_browser", "an_spa_with_client_credentials", spa, func(c *doctor.Case) {
		grants("client_credentials")(c)
		c.Client.AuthMethod, c.Grants = "client_secret_post", machine().Grants
	}, []string{"secret_in_browser", "pair_shared_with_browser"}},
	{"pair_shared_with_browser", "a_server_alone", machine, same, nil},
	{"pair_shared_with_browser", "pages_of_a_server_that_calls_nothing", web, func(c *doctor.Case) { c.Client.WebOrigins = []string{"https://app.example.com"} }, nil},

	{"hs256_public", "set", spa, func(c *doctor.Case) { c.Client.JWT.Alg = "HS256" }, []string{"hs256_public"}},
	{"hs256_public", "the_default_is_rs256", spa, func(c *doctor.Case) { c.Client.JWT.Alg = "" }, nil},
	{"hs256_public", "a_server_keeps_its_secret", web, func(c *doctor.Case) { c.Client.JWT.Alg = "HS256" }, nil},

	{"no_credential", "none_is_named", web, func(c *doctor.Case) {
		c.Client.AuthMethod = ""
		c.Client.AuthMethods = &doctor.AuthMethods{PrivateKeyJWT: &doctor.CredentialRefs{}}
	}, []string{"no_credential"}},
	{"no_credential", "one_is_named", web, keyed(now.AddDate(1, 0, 0)), nil},
	{"no_credential", "no_method_is_set", web, func(c *doctor.Case) { c.Client.AuthMethods = &doctor.AuthMethods{} }, nil},

	{"credential_expired", "just_now", web, keyed(now), []string{"credential_expired"}},
	{"credential_expired", "not_for_a_long_time", web, keyed(now.Add(30*24*time.Hour + time.Second)), nil},

	{"credential_expires_soon", "in_a_moment", web, keyed(now.Add(time.Second)), []string{"credential_expires_soon"}},
	{"credential_expires_soon", "in_30_days", web, keyed(now.Add(30 * 24 * time.Hour)), []string{"credential_expires_soon"}},
	{"credential_expires_soon", "not_for_a_long_time", web, keyed(now.AddDate(1, 0, 0)), nil},

	{"public_refresh_not_rotating", "public", spa, func(c *doctor.Case) { c.Client.RefreshToken.Rotation = "non-rotating" }, []string{"public_refresh_not_rotating"}},
	{"public_refresh_not_rotating", "a_server", web, func(c *doctor.Case) { c.Client.RefreshToken.Rotation = "non-rotating" }, nil},
	{"public_refresh_not_rotating", "no_refresh_tokens", spa, func(c *doctor.Case) {
		c.Client.RefreshToken.Rotation, c.Client.GrantTypes = "non-rotating", []string{"authorization_code"}
	}, nil},

	{"long_refresh_lifetime", "a_year", web, func(c *doctor.Case) { c.Client.RefreshToken.LifetimeSeconds = 31557600 }, []string{"long_refresh_lifetime"}},
	{"long_refresh_lifetime", "for_ever", web, func(c *doctor.Case) { c.Client.RefreshToken.Infinite = true }, []string{"long_refresh_lifetime"}},
	{"long_refresh_lifetime", "90_days", web, func(c *doctor.Case) { c.Client.RefreshToken.LifetimeSeconds = 90 * 24 * 60 * 60 }, nil},

	{"long_id_token_lifetime", "over_a_day", web, func(c *doctor.Case) { c.Client.JWT.LifetimeSeconds = 24*60*60 + 1 }, []string{"long_id_token_lifetime"}},
	{"long_id_token_lifetime", "a_day", web, func(c *doctor.Case) { c.Client.JWT.LifetimeSeconds = 24 * 60 * 60 }, nil},

	{"no_connection", "a_login_client", spa, func(c *doctor.Case) { c.Connections = nil }, []string{"no_connection"}},
	{"no_connection", "a_device", machine, grants(device), []string{"no_connection"}},
	{"no_connection", "a_machine_needs_none", machine, same, nil},
	{"no_connection", "one_is_on", web, same, nil},
}

func TestExamine(t *testing.T) {
	t.Parallel()
	for _, row := range rows {
		t.Run(row.rule+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			c := row.from()
			row.change(&c)
			found := doctor.Examine(c)
			require.ElementsMatch(t, row.want, codes(found))
			for _, f := range found {
				require.NotEmpty(t, f.Why)
				require.NotEmpty(t, f.Remedy)
				require.NotEmpty(t, f.Property)
				require.Contains(t, []doctor.Severity{doctor.Error, doctor.Warning, doctor.Note}, f.Severity)
				require.NotContains(t, f.Why+f.Remedy, "s3cret", "what may be a secret is not repeated")
			}
		})
	}
	t.Run("every_rule_finds_and_stays_silent", func(t *testing.T) {
		t.Parallel()
		all := doctor.Codes()
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all), "a code is one rule's")
		for _, code := range all {
			require.True(t, slices.ContainsFunc(rows, func(r row) bool { return r.rule == code && slices.Contains(r.want, code) }), "%s finds nothing", code)
			require.True(t, slices.ContainsFunc(rows, func(r row) bool { return r.rule == code && r.want == nil }), "%s is never silent", code)
		}
	})
	t.Run("the_global_client_is_not_judged", func(t *testing.T) {
		t.Parallel()
		c := web()
		c.Client.Global, c.Client.Callbacks = true, []string{"http://a.example"}
		found := doctor.Examine(c)
		require.NotNil(t, found, "JSON shows a list")
		require.Empty(t, found)
	})
	t.Run("a_client_with_nothing_in_it_can_be_judged", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, doctor.Examine(doctor.Case{}))
	})
}

func TestExamine_severity(t *testing.T) {
	t.Parallel()
	c := web()
	c.Client.Callbacks = []string{"https://*.example.com/cb"}
	require.True(t, doctor.Ill(doctor.Examine(c)))
	c.Production = false
	found := doctor.Examine(c)
	require.Equal(t, doctor.Warning, found[0].Severity)
	require.False(t, doctor.Ill(found))
	require.False(t, doctor.Ill(nil))
}

func TestExamine_property(t *testing.T) {
	t.Parallel()
	c := web()
	c.Client.LogoURI, c.Client.LogoutURLs = "http://cdn.example.com/l.png?sig=s3cret", []string{"https://*.a.example"}
	got := map[string]string{}
	for _, f := range doctor.Examine(c) {
		got[f.Code] = f.Property
	}
	require.Equal(t, map[string]string{"secret_in_http_url": "logo_uri", "wildcard_origin": "allowed_logout_urls"}, got, "the one that holds the URL")
}

func TestProduction(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"acme.us.postern.localhost:8443": false, "localhost": false, "acme.postern.TEST": false, "acme.test.": false,
		"acme.eu.example.com": true, "localhost.example.com:8443": true, "mytest": true, "test.com": true,
	} {
		require.Equal(t, want, doctor.Production(domain), domain)
	}
}

func TestExamineConnection(t *testing.T) {
	t.Parallel()
	require.Empty(t, doctor.ExamineConnection(doctor.Connection{}, 1))
	require.Empty(t, doctor.ExamineConnection(doctor.Connection{Domain: true}, 0))
	require.Equal(t, []string{"connection_on_for_nobody"}, codes(doctor.ExamineConnection(doctor.Connection{}, 0)))
}

func TestProperties(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(doctor.Client{})
	require.NoError(t, err)
	var read map[string]any
	require.NoError(t, json.Unmarshal(raw, &read))
	var names []string
	for name := range read {
		names = append(names, name)
	}
	require.ElementsMatch(t, names, doctor.Properties, "what is read is asked for")
	require.NotContains(t, doctor.Properties, "client_secret")
}
