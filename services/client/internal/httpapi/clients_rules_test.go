package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// onProperty is the sentence about one property, bad what is wrong with the body as a whole.
func onProperty(what, property string) string {
	return "Payload validation error: '" + what + "' on property " + property + "."
}

func bad(what string) string { return "Payload validation error: '" + what + "'." }

// url is the sentence about a URL that is not taken.
func badURL(property, value, why string) string {
	return onProperty("Object didn't pass validation for format absolute-uri-or-empty: "+value+" ("+why+")", property)
}

func badHTTPS(property, value, why string) string {
	return onProperty("Object didn't pass validation for format absolute-https-uri-or-empty: "+value+" ("+why+")", property)
}

const (
	passwordRealm = "http://auth0.com/oauth/grant-type/password-realm"
	deviceCode    = "urn:ietf:params:oauth:grant-type:device_code"
	legacyRO      = "http://auth0.com/oauth/legacy/grant-type/ro"
	ciba          = "urn:openid:params:grant-type:ciba"
	onlyHTTPS     = "it must be https and not on localhost"
)

// clientRefusals are what the wire does not take of a client, each with its whole sentence.
var clientRefusals = []struct {
	sent    m
	message string
}{
	// names and kinds
	{m{"name": ""}, onProperty("String is too short (0 chars), minimum 1", "name")},
	{m{"name": "a<b"}, onProperty("String does not match pattern ^[^<>]+$: a<b", "name")},
	{m{"name": 7}, onProperty("Expected type string but found type integer", "name")},
	{m{"name": "a\tb"}, onProperty("Control characters are not allowed", "name")},
	{m{"description": strings.Repeat("ä", 141)}, onProperty("String is too long (141 chars), maximum 140", "description")},
	{m{"client_id": "mine"}, bad("Additional properties not allowed: client_id")},
	{m{"client_secret": strings.Repeat("x", 64)}, bad("Additional properties not allowed: client_secret")},
	{m{"tenant": "globex"}, bad("Additional properties not allowed: tenant")},
	{m{"global": true}, bad("Additional properties not allowed: global")},
	{m{"signing_keys": []any{}}, bad("Additional properties not allowed: signing_keys")},
	{m{"owners": []any{}}, bad("Additional properties not allowed: owners")},
	{m{"created_at": "2026-01-01T00:00:00.000Z"}, bad("Additional properties not allowed: created_at")},
	{m{"external_client_id": "https://a.example/c"}, bad("Additional properties not allowed: external_client_id")},
	{m{"jwks_uri": "https://a.example/j"}, bad("Additional properties not allowed: jwks_uri")},
	{m{"app_type": "toaster"}, onProperty("No enum match for: toaster", "app_type")},
	{m{"app_type": "resource_server"}, "A client of type resource_server needs resource_server_identifier"},
	{m{"resource_server_identifier": "https://api"}, "resource_server_identifier is only for clients of type resource_server"},
	{m{"third_party_security_mode": "strict"}, "third_party_security_mode is only for third-party clients"},
	{m{"is_first_party": false, "third_party_security_mode": "lax"}, onProperty("No enum match for: lax", "third_party_security_mode")},
	{m{"redirection_policy": "allow_always"}, "redirection_policy is only for third-party clients in strict mode"},
	{
		m{"is_first_party": false, "third_party_security_mode": "permissive", "redirection_policy": "allow_always"},
		"redirection_policy is only for third-party clients in strict mode",
	},

	// grant types
	{m{"grant_types": []any{"steal"}}, "Invalid grant types: steal"},
	{m{"grant_types": []any{"implicit", legacyRO}}, "Invalid grant types: " + legacyRO},
	{m{"grant_types": []any{"implicit", "implicit"}}, onProperty("Array items are not unique (indexes 0 and 1)", "grant_types")},
	{m{"token_endpoint_auth_method": "none", "grant_types": []any{"authorization_code", "client_credentials"}}, "Invalid grant types: client_credentials"},
	{m{"token_endpoint_auth_method": "none", "grant_types": []any{ciba, "client_credentials"}}, "Invalid grant types: " + ciba + ",client_credentials"},
	{m{"is_first_party": false, "grant_types": []any{"authorization_code", "implicit"}}, "Invalid grant types: implicit"},
	{m{"is_first_party": false, "grant_types": []any{"password", passwordRealm, deviceCode}}, "Invalid grant types: password," + passwordRealm + "," + deviceCode},
	{m{"is_first_party": false, "token_endpoint_auth_method": "none", "grant_types": []any{"client_credentials"}}, "Invalid grant types: client_credentials"},
	{m{"is_first_party": false, "third_party_security_mode": "permissive", "grant_types": []any{"implicit", "password"}}, "Invalid grant types: password"},

	// how it proves itself, and its tokens
	{m{"token_endpoint_auth_method": "private_key_jwt"}, onProperty("No enum match for: private_key_jwt", "token_endpoint_auth_method")},
	{
		m{"token_endpoint_auth_method": "none", "is_token_endpoint_ip_header_trusted": true},
		"is_token_endpoint_ip_header_trusted needs a client that authenticates at the token endpoint",
	},
	{
		m{"token_endpoint_auth_method": "client_secret_post", "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}},
		"token_endpoint_auth_method and client_authentication_methods exclude each other",
	},
	{
		m{"client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}, "jwt_configuration": m{"alg": "HS256"}},
		"A client that authenticates by private_key_jwt needs jwt_configuration.alg RS256 or PS256",
	},
	{m{"jwt_configuration": m{"alg": "none"}}, onProperty("No enum match for: none", "jwt_configuration.alg")},
	{m{"jwt_configuration": m{"lifetime_in_seconds": 0}}, onProperty("Value 0 is less than minimum 1", "jwt_configuration.lifetime_in_seconds")},
	{m{"jwt_configuration": m{"lifetime_in_seconds": 2592001}}, onProperty("Value 2592001 is greater than maximum 2592000", "jwt_configuration.lifetime_in_seconds")},
	{m{"jwt_configuration": m{"life": 1}}, onProperty("Additional properties not allowed: life", "jwt_configuration")},

	// refresh tokens (§5)
	{m{"refresh_token": m{"expiration_type": "expiring"}}, onProperty("Missing required property: rotation_type", "refresh_token")},
	{m{"refresh_token": m{"rotation_type": "rotating"}}, onProperty("Missing required property: expiration_type", "refresh_token")},
	{refreshing(m{"rotation_type": "spinning"}), onProperty("No enum match for: spinning", "refresh_token.rotation_type")},
	{refreshing(m{"leeway": -1}), onProperty("Value -1 is less than minimum 0", "refresh_token.leeway")},
	{refreshing(m{"leeway": 0.5}), onProperty("Expected type integer but found type number", "refresh_token.leeway")},
	{refreshing(m{"token_lifetime": 0}), onProperty("Value 0 is less than minimum 1", "refresh_token.token_lifetime")},
	{refreshing(m{"token_lifetime": 31557601}), onProperty("Value 31557601 is greater than maximum 31557600", "refresh_token.token_lifetime")},
	{refreshing(m{"idle_token_lifetime": 31557601}), onProperty("Value 31557601 is greater than maximum 31557600", "refresh_token.idle_token_lifetime")},
	{
		refreshing(m{"token_lifetime": 100, "idle_token_lifetime": 100}),
		"refresh_token.idle_token_lifetime must be less than refresh_token.token_lifetime",
	},
	{refreshing(m{"policies": []any{m{"audience": "https://api"}}}), onProperty("Missing required property: scope", "refresh_token.policies[0]")},
	{refreshing(m{"rotation_type": "rotating"}), "refresh_token.rotation_type rotating requires oidc_conformant"},
	{
		with(refreshing(m{"rotation_type": "rotating", "expiration_type": "non-expiring"}), m{"oidc_conformant": true}),
		"refresh_token.rotation_type rotating requires refresh_token.expiration_type expiring",
	},
	{
		with(refreshing(m{"rotation_type": "rotating"}), m{"oidc_conformant": true, "grant_types": []any{"authorization_code"}}),
		"refresh_token.rotation_type rotating requires the grant type refresh_token",
	},

	// metadata
	{m{"client_metadata": notes(11)}, onProperty("Too many properties defined (11), maximum 10", "client_metadata")},
	{m{"client_metadata": m{"a": strings.Repeat("ü", 256)}}, onProperty("String is too long (256 chars), maximum 255", "client_metadata.a")},
	{
		m{"client_metadata": m{strings.Repeat("k", 256): "v"}},
		onProperty("String is too long (256 chars), maximum 255", "client_metadata."+strings.Repeat("k", 200)+"…"),
	},
	{m{"client_metadata": m{"a": 1}}, onProperty("Expected type string but found type integer", "client_metadata.a")},
	{m{"client_metadata": m{"a": m{"b": "c"}}}, onProperty("Expected type string but found type object", "client_metadata.a")},
	{m{"client_metadata": m{"": "v"}}, onProperty("A key is too short (0 chars), minimum 1", "client_metadata")},

	// organizations
	{m{"organization_usage": "perhaps"}, onProperty("No enum match for: perhaps", "organization_usage")},
	{m{"organization_require_behavior": "pre_login_prompt"}, "organization_require_behavior needs organization_usage allow or require"},
	{
		m{"organization_require_behavior": "pre_login_prompt", "organization_usage": "deny"},
		"organization_require_behavior needs organization_usage allow or require",
	},
	{
		m{"organization_require_behavior": "post_login_prompt", "organization_usage": "require"},
		"organization_require_behavior post_login_prompt needs oidc_conformant",
	},
	{m{"organization_discovery_methods": []any{"telepathy"}}, onProperty("No enum match for: telepathy", "organization_discovery_methods[0]")},
	{m{"default_organization": m{"flows": []any{"client_credentials"}}}, onProperty("Missing required property: organization_id", "default_organization")},
	{m{"default_organization": m{"organization_id": "org_1", "flows": []any{"implicit"}}}, onProperty("No enum match for: implicit", "default_organization.flows[0]")},

	// requests, profiles, logout, sessions, quotas
	{m{"compliance_level": "fapi9"}, onProperty("No enum match for: fapi9", "compliance_level")},
	{m{"par_request_expiry": 9}, onProperty("Value 9 is less than minimum 10", "par_request_expiry")},
	{m{"par_request_expiry": 601}, onProperty("Value 601 is greater than maximum 600", "par_request_expiry")},
	{m{"par_request_expiry": "30"}, onProperty("Expected type integer but found type string", "par_request_expiry")},
	{
		m{"oidc_logout": m{"backchannel_logout_urls": []any{"https://a.example", "https://b.example"}}},
		onProperty("Array is too long (2), maximum 1", "oidc_logout.backchannel_logout_urls"),
	},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"ftp://a.example"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "ftp://a.example", onlyHTTPS)},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"http://a.example/back"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "http://a.example/back", onlyHTTPS)},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"https://localhost/back"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "https://localhost/back", onlyHTTPS)},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"https://127.0.0.1/back"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "https://127.0.0.1/back", onlyHTTPS)},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"https://[::1]/back"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "https://[::1]/back", onlyHTTPS)},
	{m{"oidc_logout": m{"backchannel_logout_urls": []any{"https://a.example/back#x"}}}, badHTTPS("oidc_logout.backchannel_logout_urls[0]", "https://a.example/back#x", "it holds a fragment")},
	{m{"oidc_logout": m{"backchannel_logout_initiators": m{"mode": "some"}}}, onProperty("No enum match for: some", "oidc_logout.backchannel_logout_initiators.mode")},
	{
		m{"oidc_logout": m{"backchannel_logout_initiators": m{"mode": "custom", "selected_initiators": []any{"earthquake"}}}},
		onProperty("No enum match for: earthquake", "oidc_logout.backchannel_logout_initiators.selected_initiators[0]"),
	},
	{m{"session_transfer": m{"enforce_device_binding": "dna"}}, onProperty("No enum match for: dna", "session_transfer.enforce_device_binding")},
	{m{"session_transfer": m{"allowed_authentication_methods": []any{"post"}}}, onProperty("No enum match for: post", "session_transfer.allowed_authentication_methods[0]")},
	{m{"token_exchange": m{"allow_any_profile_of_type": []any{"any"}}}, onProperty("No enum match for: any", "token_exchange.allow_any_profile_of_type[0]")},
	{m{"token_quota": m{}}, onProperty("Missing required property: client_credentials", "token_quota")},
	{m{"token_quota": m{"client_credentials": m{"per_day": 0}}}, onProperty("Value 0 is less than minimum 1", "token_quota.client_credentials.per_day")},
	{m{"token_quota": m{"client_credentials": m{"per_hour": -1}}}, onProperty("Value -1 is less than minimum 1", "token_quota.client_credentials.per_hour")},
	{m{"token_quota": m{"client_credentials": m{"per_hour": 2147483648}}}, onProperty("Value 2147483648 is greater than maximum 2147483647", "token_quota.client_credentials.per_hour")},
	{m{"token_quota": m{"client_credentials": m{"per_hour": "5"}}}, onProperty("Expected type integer but found type string", "token_quota.client_credentials.per_hour")},
	{m{"token_quota": m{"client_credentials": m{"per_minute": 5}}}, onProperty("Additional properties not allowed: per_minute", "token_quota.client_credentials")},
	{m{"async_approval_notification_channels": []any{"pigeon"}}, onProperty("No enum match for: pigeon", "async_approval_notification_channels[0]")},
	{m{"native_social_login": m{"apple": m{"enabled": "yes"}}}, onProperty("Expected type boolean but found type string", "native_social_login.apple.enabled")},
	{m{"native_social_login": m{"myspace": m{"enabled": true}}}, onProperty("Additional properties not allowed: myspace", "native_social_login")},
	{m{"mobile": m{"ios": m{"team_id": 1}}}, onProperty("Expected type string but found type integer", "mobile.ios.team_id")},
	{m{"mobile": m{"windows": m{}}}, onProperty("Additional properties not allowed: windows", "mobile")},

	// addons (§6)
	{m{"addons": m{"teleport": m{}}}, onProperty("Additional properties not allowed: teleport", "addons")},
	{m{"addons": []any{}}, onProperty("Expected type object but found type array", "addons")},
	{m{"addons": m{"samlp": true}}, onProperty("Expected type object but found type boolean", "addons.samlp")},
	{m{"addons": m{"layer": m{"providerId": "p", "keyId": "k"}}}, onProperty("Missing required property: privateKey", "addons.layer")},
	{m{"addons": m{"slack": m{}}}, onProperty("Missing required property: team", "addons.slack")},
	{m{"addons": m{"mscrm": m{}}}, onProperty("Missing required property: url", "addons.mscrm")},
	{m{"addons": m{"rms": m{}}}, onProperty("Missing required property: url", "addons.rms")},
	{m{"addons": m{"samlp": m{"lifetimeInSeconds": "1h"}}}, onProperty("Expected type integer but found type string", "addons.samlp.lifetimeInSeconds")},
	{m{"addons": m{"samlp": m{"nameIdentifierProbes": []any{[]any{}}}}}, onProperty("Expected type string but found type array", "addons.samlp.nameIdentifierProbes[0]")},
	{m{"addons": m{"sharepoint": m{"external_url": []any{1}}}}, onProperty("No valid schema matches the value", "addons.sharepoint.external_url")},
	{m{"addons": m{"azure_blob": m{"blob_read": 1}}}, onProperty("Expected type boolean but found type integer", "addons.azure_blob.blob_read")},

	// URLs (§3)
	{m{"initiate_login_uri": "http://a.example"}, badHTTPS("initiate_login_uri", "http://a.example", onlyHTTPS)},
	{m{"initiate_login_uri": "https://localhost/start"}, badHTTPS("initiate_login_uri", "https://localhost/start", onlyHTTPS)},
	{m{"cross_origin_loc": "http://a.example"}, badHTTPS("cross_origin_loc", "http://a.example", onlyHTTPS)},
	{m{"logo_uri": "javascript:x"}, badURL("logo_uri", "javascript:x", "the scheme javascript is not allowed")},
	{m{"logo_uri": "https://{organization_name}.a.example"}, badURL("logo_uri", "https://{organization_name}.a.example", "no such placeholder here, or not in the left-most label")},
	{m{"callbacks": []any{"https://*.com"}}, badURL("callbacks[0]", "https://*.com", "a wildcard needs a domain of its own to the right")},
	{m{"callbacks": []any{"https://sub.*.example.com"}}, badURL("callbacks[0]", "https://sub.*.example.com", "a wildcard is only allowed in the left-most subdomain")},
	{m{"callbacks": []any{"https://*.*.example.com"}}, badURL("callbacks[0]", "https://*.*.example.com", "only one wildcard is allowed")},
	{m{"callbacks": []any{"myapp://*.example.com"}}, badURL("callbacks[0]", "myapp://*.example.com", "wildcards need http or https")},
	{
		m{"is_first_party": false, "callbacks": []any{"https://*.example.com"}},
		badURL("callbacks[0]", "https://*.example.com", "wildcards are not allowed here"),
	},
	{
		m{"callbacks": []any{"https://a-{organization_name}.example.com"}},
		badURL("callbacks[0]", "https://a-{organization_name}.example.com", "no such placeholder here, or not in the left-most label"),
	},
	{m{"callbacks": []any{"https://{organization_name}x.example.com"}}, badURL("callbacks[0]", "https://{organization_name}x.example.com", "{organization_name} must be a whole label")},
	{
		m{"callbacks": []any{"https://{organization_name}.{organization_name}.example.com"}},
		badURL("callbacks[0]", "https://{organization_name}.{organization_name}.example.com", "no such placeholder here, or not in the left-most label"),
	},
	{m{"callbacks": []any{"myapp://{organization_name}.example.com"}}, badURL("callbacks[0]", "myapp://{organization_name}.example.com", "placeholders need http or https")},
	{m{"callbacks": []any{"https://a.example/{organization_name}"}}, badURL("callbacks[0]", "https://a.example/{organization_name}", "placeholders stand in the host only")},
	{
		m{"callbacks": []any{"https://{custom_domain.metadata.secret}.a.example"}},
		badURL("callbacks[0]", "https://{custom_domain.metadata.secret}.a.example", "a metadata placeholder names a key that starts with public_"),
	},
	{
		m{"callbacks": []any{"https://{custom_domain.metadata.Public_x}.a.example"}},
		badURL("callbacks[0]", "https://{custom_domain.metadata.Public_x}.a.example", "a metadata placeholder names a key that starts with public_"),
	},
	{
		m{"allowed_origins": []any{"https://*.{custom_domain.metadata.public_x}.a.example"}},
		badURL("allowed_origins[0]", "https://*.{custom_domain.metadata.public_x}.a.example", "a wildcard and a placeholder exclude each other"),
	},
	{
		m{"allowed_logout_urls": []any{"https://{organization_name}.a.example"}},
		badURL("allowed_logout_urls[0]", "https://{organization_name}.a.example", "no such placeholder here, or not in the left-most label"),
	},
	{
		m{"web_origins": []any{"https://{organization_name}.a.example"}},
		badURL("web_origins[0]", "https://{organization_name}.a.example", "no such placeholder here, or not in the left-most label"),
	},
	{
		m{"callbacks": []any{"https://{organization.metadata.zone}.a.example"}},
		badURL("callbacks[0]", "https://{organization.metadata.zone}.a.example", "no such placeholder here, or not in the left-most label"),
	},
}

// refreshing is a body with a refresh policy that is fine but for what more says.
func refreshing(more m) m {
	policy := m{"rotation_type": "non-rotating", "expiration_type": "expiring"}
	maps.Copy(policy, more)
	return m{"refresh_token": policy}
}

func with(body, more m) m {
	out := maps.Clone(body)
	maps.Copy(out, more)
	return out
}

func notes(n int) m {
	out := m{}
	for i := range n {
		out[fmt.Sprintf("k%d", i)] = "v"
	}
	return out
}

func TestClients_refusals_have_their_sentences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, row := range clientRefusals {
		body := with(m{"name": "x"}, row.sent)
		w.refused(w.do(http.MethodPost, "/clients", body), http.StatusBadRequest, "invalid_body", row.message)
	}
	assert.Empty(t, w.store.Facts(), "a refusal changes nothing")
	for _, list := range []string{"callbacks", "allowed_logout_urls", "web_origins", "allowed_origins", "client_aliases", "allowed_clients"} {
		urls := make([]any, 101)
		for i := range urls {
			urls[i] = fmt.Sprintf("https://a%d.example", i)
		}
		w.created("/clients", m{"name": "x", list: urls[:100]})
		w.refused(w.do(http.MethodPost, "/clients", m{"name": "x", list: urls}), http.StatusBadRequest, "invalid_body",
			onProperty("Array is too long (101), maximum 100", list))
	}
}

func TestClients_patches_are_held_to_the_outcome(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		was, patch m
		message    string
	}{
		"public_by_patch":    {m{}, m{"token_endpoint_auth_method": "none"}, "Invalid grant types: client_credentials"},
		"credentials_late":   {m{"token_endpoint_auth_method": "none"}, m{"grant_types": []any{"client_credentials"}}, "Invalid grant types: client_credentials"},
		"implicit_in_strict": {m{"is_first_party": false}, m{"grant_types": []any{"implicit"}}, "Invalid grant types: implicit"},
		"rotation_without_grant": {
			with(refreshing(m{"rotation_type": "rotating"}), m{"oidc_conformant": true}),
			m{"grant_types": []any{"authorization_code"}},
			"refresh_token.rotation_type rotating requires the grant type refresh_token",
		},
		"rotation_not_conformant": {
			with(refreshing(m{"rotation_type": "rotating"}), m{"oidc_conformant": true}),
			m{"oidc_conformant": false},
			"refresh_token.rotation_type rotating requires oidc_conformant",
		},
		"HS256_under_a_key": {
			m{"jwt_configuration": m{"alg": "HS256"}},
			m{"client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}},
			"A client that authenticates by private_key_jwt needs jwt_configuration.alg RS256 or PS256",
		},
		"first_party":           {m{}, m{"is_first_party": false}, "The property is_first_party cannot be changed"},
		"first_party_null":      {m{}, m{"is_first_party": nil}, "The property is_first_party cannot be changed"},
		"third_party":           {m{"is_first_party": false}, m{"is_first_party": true}, "The property is_first_party cannot be changed"},
		"strict_to_permissive":  {m{"is_first_party": false}, m{"third_party_security_mode": "permissive"}, "The property third_party_security_mode cannot be changed"},
		"strict_to_none":        {m{"is_first_party": false}, m{"third_party_security_mode": nil}, "The property third_party_security_mode cannot be changed"},
		"permissive_to_none":    {m{"is_first_party": false, "third_party_security_mode": "permissive"}, m{"third_party_security_mode": nil}, "The property third_party_security_mode cannot be changed"},
		"an_api_for_another":    {m{"app_type": "resource_server", "resource_server_identifier": "https://api"}, m{"resource_server_identifier": "https://b"}, bad("Additional properties not allowed: resource_server_identifier")},
		"an_api_no_longer":      {m{"app_type": "resource_server", "resource_server_identifier": "https://api"}, m{"app_type": "spa"}, "resource_server_identifier is only for clients of type resource_server"},
		"nameless":              {m{}, m{"name": nil}, onProperty("String is too short (0 chars), minimum 1", "name")},
		"short_secret":          {m{}, m{"client_secret": "short"}, onProperty("String is too short (5 chars), minimum 16", "client_secret")},
		"usage_gone":            {m{"organization_usage": "require", "organization_require_behavior": "pre_login_prompt"}, m{"organization_usage": nil}, "organization_require_behavior needs organization_usage allow or require"},
		"an_eleventh_note":      {m{"client_metadata": notes(10)}, m{"client_metadata": m{"new": "v"}}, onProperty("Too many properties defined (11), maximum 10", "client_metadata")},
		"wildcard_in_strict":    {m{"is_first_party": false}, m{"web_origins": []any{"https://*.a.example"}}, badURL("web_origins[0]", "https://*.a.example", "wildcards are not allowed here")},
		"both_ways_of_proof":    {m{}, m{"token_endpoint_auth_method": "client_secret_post", "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}}, "token_endpoint_auth_method and client_authentication_methods exclude each other"},
		"public_trusts_headers": {m{"is_token_endpoint_ip_header_trusted": true, "grant_types": []any{"refresh_token"}}, m{"token_endpoint_auth_method": "none"}, "is_token_endpoint_ip_header_trusted needs a client that authenticates at the token endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.created("/resource-servers", m{"identifier": "https://api"})
			made := w.created("/clients", with(m{"name": "x"}, row.was))
			path := fmt.Sprintf("/clients/%s", made["client_id"])
			w.refused(w.do(http.MethodPatch, path, row.patch), http.StatusBadRequest, "invalid_body", row.message)
			assert.Equal(t, made, w.do(http.MethodGet, path, nil).body, "a refusal changes nothing")
		})
	}
}

func TestClients_null_is_no_value(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nothing := m{"name": "x"}
	for name := range everyProperty {
		nothing[name] = nil
	}
	plain := w.created("/clients", m{"name": "x"})
	made := w.created("/clients", with(nothing, m{"is_first_party": nil}))
	for _, name := range []string{"client_id", "client_secret"} {
		delete(plain, name)
		delete(made, name)
	}
	assert.Equal(t, plain, made, "null on creation is as if it were not sent")

	made = w.created("/clients", with(m{"name": "x"}, everyProperty))
	path := fmt.Sprintf("/clients/%s", made["client_id"])
	delete(nothing, "name")
	a := w.do(http.MethodPatch, path, nothing)
	assert.Equal(t, http.StatusOK, a.status, a.raw)
	for name := range everyProperty {
		assert.NotContains(t, a.body, name, "null deletes")
	}
	a = w.do(http.MethodPatch, path, m{
		"oidc_logout":      m{"backchannel_logout_urls": []any{"https://a.example"}, "backchannel_logout_session_metadata": nil},
		"session_transfer": m{"allowed_authentication_methods": nil}, "refresh_token": m{"rotation_type": "non-rotating", "expiration_type": "non-expiring", "policies": nil},
	})
	assert.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, m{"backchannel_logout_urls": []any{"https://a.example"}}, a.body["oidc_logout"])
	assert.Equal(t, m{"backchannel_logout_urls": []any{"https://a.example"}}, a.body["oidc_backchannel_logout"])
	assert.Equal(t, m{}, a.body["session_transfer"])
	assert.NotContains(t, a.body["refresh_token"], "policies")
}
