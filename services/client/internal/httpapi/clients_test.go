package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClients_lifecycle(t *testing.T) {
	w := newWorld(t)
	made := w.created("/clients", m{"name": "Käse ☕", "description": "An app"})
	id, _ := made["client_id"].(string)
	secret, _ := made["client_secret"].(string)
	assert.Regexp(t, `^[A-Za-z0-9]{32}$`, id)
	assert.Regexp(t, `^[A-Za-z0-9_-]{64}$`, secret)

	t.Run("a_name_alone_gets_the_defaults", func(t *testing.T) {
		want := m{
			"client_id": id, "client_secret": secret, "name": "Käse ☕", "description": "An app", "tenant": "acme", "global": false,
			"is_first_party": true, "oidc_conformant": false, "sso_disabled": false, "cross_origin_authentication": false,
			"is_token_endpoint_ip_header_trusted": false, "custom_login_page_on": true,
			"grant_types":       []any{"authorization_code", "implicit", "refresh_token", "client_credentials"},
			"jwt_configuration": m{"secret_encoded": false, "lifetime_in_seconds": 36000.},
			"refresh_token": m{
				"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0., "token_lifetime": 2592000.,
				"infinite_token_lifetime": true, "idle_token_lifetime": 1296000., "infinite_idle_token_lifetime": true,
			},
			"signing_keys": []any{m{"cert": "-----BEGIN CERTIFICATE-----", "pkcs7": "-----BEGIN PKCS7-----", "subject": "/CN=acme.eu.postern.test"}},
		}
		assert.Equal(t, want, made, "nothing that was not set may show")
		got := w.do(http.MethodGet, "/clients/"+id, nil)
		assert.Equal(t, want, got.body)
	})
	t.Run("patch_merges_replaces_and_deletes", func(t *testing.T) {
		a := w.do(http.MethodPatch, "/clients/"+id, m{
			"callbacks": []any{"https://a.example/cb"}, "client_metadata": m{"a": "1", "b": "2"}, "session_transfer": m{"allow_refresh_token": true},
		})
		require.Equal(t, http.StatusOK, a.status, a.raw)
		a = w.do(http.MethodPatch, "/clients/"+id, m{
			"callbacks": []any{"https://b.example/cb"}, "client_metadata": m{"a": nil, "c": "3"}, "session_transfer": nil, "description": nil,
			"jwt_configuration": m{"lifetime_in_seconds": 60},
		})
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.Equal(t, []any{"https://b.example/cb"}, a.body["callbacks"])
		assert.Equal(t, m{"b": "2", "c": "3"}, a.body["client_metadata"])
		assert.Equal(t, m{"lifetime_in_seconds": 60., "secret_encoded": false}, a.body["jwt_configuration"])
		assert.NotContains(t, a.body, "session_transfer")
		assert.NotContains(t, a.body, "description")
		assert.Equal(t, "Käse ☕", a.body["name"])
	})
	t.Run("a_secret_can_be_chosen_and_rotated", func(t *testing.T) {
		own := strings.Repeat("x", 48)
		a := w.do(http.MethodPatch, "/clients/"+id, m{"client_secret": own})
		assert.Equal(t, own, a.body["client_secret"])
		a = w.do(http.MethodPost, "/clients/"+id+"/rotate-secret", nil)
		require.Equal(t, http.StatusOK, a.status)
		assert.NotEqual(t, own, a.body["client_secret"])
		assert.Regexp(t, `^[A-Za-z0-9_-]{64}$`, a.body["client_secret"])
	})
	t.Run("delete", func(t *testing.T) {
		a := w.do(http.MethodDelete, "/clients/"+id, nil)
		assert.Equal(t, http.StatusNoContent, a.status)
		assert.Empty(t, a.raw)
		again := w.do(http.MethodDelete, "/clients/"+id, nil)
		assert.Equal(t, http.StatusNoContent, again.status, "a repeat is fine")
		for method, path := range map[string]string{http.MethodGet: "/clients/" + id, http.MethodPost: "/clients/" + id + "/rotate-secret"} {
			w.refused(w.do(method, path, nil), http.StatusNotFound, "inexistent_client", "The client does not exist")
		}
		w.refused(w.do(http.MethodPatch, "/clients/"+id, m{"name": "x"}), http.StatusNotFound, "inexistent_client", "The client does not exist")
	})
}

// everyProperty has each property of the wire object that a caller may set, with an acceptable value.
var everyProperty = m{
	"description": "d", "logo_uri": "https://a.example/logo.png", "app_type": "regular_web", "oidc_conformant": true,
	"callbacks":           []any{"https://a.example/cb", "com.example.app://cb", "https://*.a.example/cb", "http://localhost:3000/cb"},
	"allowed_logout_urls": []any{"https://a.example/bye"}, "web_origins": []any{"https://a.example"}, "allowed_origins": []any{"capacitor://localhost"},
	"client_aliases": []any{"urn:a"}, "allowed_clients": []any{"abc"}, "initiate_login_uri": "https://a.example/start",
	"grant_types":                         []any{"authorization_code", "refresh_token", "http://auth0.com/oauth/grant-type/password-realm"},
	"token_endpoint_auth_method":          "client_secret_basic",
	"is_token_endpoint_ip_header_trusted": true,
	"jwt_configuration":                   m{"alg": "RS256", "lifetime_in_seconds": 60., "scopes": m{"a": m{"actions": []any{"b"}}}, "secret_encoded": true},
	"encryption_key":                      m{"pub": "p", "cert": "c", "subject": "s"},
	"refresh_token": m{
		"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 3., "token_lifetime": 100., "infinite_token_lifetime": false,
		"idle_token_lifetime": 50., "infinite_idle_token_lifetime": false, "policies": []any{m{"audience": "https://api", "scope": []any{"a"}}},
	},
	"sso": true, "sso_disabled": true, "cross_origin_authentication": true, "cross_origin_loc": "https://a.example/xo",
	"custom_login_page_on": false, "custom_login_page": "<html>", "custom_login_page_preview": "<html>", "form_template": "<form>",
	"skip_non_verifiable_callback_uri_confirmation_prompt": true,
	"addons": m{
		"samlp": m{"mappings": m{"email": []any{"a", "b"}}, "logout": m{"callback": "https://a.example"}, "extra": 1.}, "wsfed": m{},
		"layer": m{"providerId": "p", "keyId": "k", "privateKey": "x"},
	},
	"client_metadata":     m{"a": "b"},
	"mobile":              m{"android": m{"app_package_name": "a.b", "sha256_cert_fingerprints": []any{"D8:A0"}}, "ios": m{"team_id": "t", "app_bundle_identifier": "b"}},
	"native_social_login": m{"apple": m{"enabled": true}, "google": m{"enabled": false}}, "fedcm_login": m{"google": m{"is_enabled": true}},
	"default_organization": m{"organization_id": "org_1", "flows": []any{"client_credentials"}}, "organization_usage": "allow",
	"organization_require_behavior": "pre_login_prompt", "organization_discovery_methods": []any{"email", "organization_name"},
	"require_pushed_authorization_requests": true, "par_request_expiry": 30., "require_proof_of_possession": true,
	"signed_request_object": m{"required": false}, "compliance_level": "fapi1_adv_pkj_par",
	"oidc_logout": m{
		"backchannel_logout_urls":       []any{"https://a.example/back"},
		"backchannel_logout_initiators": m{"mode": "custom", "selected_initiators": []any{"rp-logout"}}, "backchannel_logout_session_metadata": m{"include": true},
	},
	"session_transfer": m{"can_create_session_transfer_token": true, "allowed_authentication_methods": []any{"cookie"}, "enforce_device_binding": "asn"},
	"token_exchange":   m{"allow_any_profile_of_type": []any{"custom_authentication"}},
	"token_quota":      m{"client_credentials": m{"enforce": true, "per_day": 5., "per_hour": 1.}}, "anonymous_sessions": m{"active": true},
	"identity_assertion_authorization_grant": m{"active": true}, "async_approval_notification_channels": []any{"guardian-push", "email"},
	"express_configuration":         m{"initiate_login_uri_template": "https://a", "enable_client": true},
	"my_organization_configuration": m{"allowed_strategies": []any{"okta"}}, "b2b_integration_configuration": m{"sso_profiles": []any{"a"}},
}

func TestClients_every_property_is_echoed(t *testing.T) {
	w := newWorld(t)
	sent := m{"name": "all"}
	maps.Copy(sent, everyProperty)
	got := w.created("/clients", sent)
	for name, value := range sent {
		assert.Equal(t, value, got[name], name)
	}
	t.Run("and_can_be_sent_back", func(t *testing.T) {
		patch := maps.Clone(sent)
		a := w.do(http.MethodPatch, fmt.Sprintf("/clients/%s", got["client_id"]), patch)
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.Equal(t, got, a.body)
	})
	t.Run("of_another_type_each_is_refused", func(t *testing.T) {
		wrong := map[bool]any{true: 7, false: "not this type"}
		for name, value := range sent {
			_, isText := value.(string)
			a := w.do(http.MethodPost, "/clients", m{"name": "x", name: wrong[isText]})
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
			assert.Equal(t, "invalid_body", a.body["errorCode"], name)
			assert.Contains(t, a.body["message"], name)
		}
	})
}

func TestClients_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, row := range map[string]struct {
		body    string
		message string // a part of it
	}{
		"no_name":              {`{}`, "Payload validation error: 'Missing required property: name'"},
		"empty_name":           {`{"name":""}`, "on property name"},
		"blank_name":           {`{"name":"  "}`, "on property name"},
		"markup_in_the_name":   {`{"name":"<script>"}`, "on property name"},
		"null_name":            {`{"name":null}`, "on property name"},
		"unknown_property":     {`{"name":"x","flavour":"mint"}`, "Payload validation error: 'Additional properties not allowed: flavour'"},
		"chosen_id":            {`{"name":"x","client_id":"mine"}`, "Additional properties not allowed: client_id"},
		"chosen_secret":        {`{"name":"x","client_secret":"0123456789012345678901"}`, "Additional properties not allowed: client_secret"},
		"made_global":          {`{"name":"x","global":true}`, "Additional properties not allowed: global"},
		"another_tenants":      {`{"name":"x","tenant":"globex"}`, "Additional properties not allowed: tenant"},
		"not_an_object":        {`[]`, "xpected"},
		"not_json":             {`{"name":`, ""},
		"nul_byte":             {"{\"name\":\"x\u0000\"}", ""},
		"unknown_type":         {`{"name":"x","app_type":"toaster"}`, "on property app_type"},
		"long_description":     {`{"name":"x","description":"` + strings.Repeat("d", 141) + `"}`, "on property description"},
		"too_many_callbacks":   {`{"name":"x","callbacks":[` + strings.Repeat(`"https://a.example",`, 100) + `"https://a.example"]}`, "on property callbacks"},
		"public_machine":       {`{"name":"x","token_endpoint_auth_method":"none","grant_types":["client_credentials"]}`, "Invalid grant types: client_credentials"},
		"odd_grants":           {`{"name":"x","grant_types":[["implicit"]]}`, "Payload validation error: 'Invalid value'."},
		"unknown_grants":       {`{"name":"x","grant_types":["implicit","steal","borrow"]}`, "Invalid grant types: steal,borrow"},
		"implicit_in_strict":   {`{"name":"x","is_first_party":false,"grant_types":["implicit"]}`, "Invalid grant types: implicit"},
		"rotating_old_client":  {`{"name":"x","refresh_token":{"rotation_type":"rotating","expiration_type":"expiring"}}`, "requires oidc_conformant"},
		"rotating_for_ever":    {`{"name":"x","oidc_conformant":true,"refresh_token":{"rotation_type":"rotating","expiration_type":"non-expiring"}}`, "requires refresh_token.expiration_type"},
		"idle_past_absolute":   {`{"name":"x","refresh_token":{"rotation_type":"non-rotating","expiration_type":"expiring","token_lifetime":5,"idle_token_lifetime":5}}`, "must be less than"},
		"endless_lifetime":     {`{"name":"x","refresh_token":{"rotation_type":"non-rotating","expiration_type":"expiring","token_lifetime":31557601}}`, "token_lifetime"},
		"half_a_policy":        {`{"name":"x","refresh_token":{"rotation_type":"rotating"}}`, "Missing required property: expiration_type"},
		"weak_algorithm":       {`{"name":"x","jwt_configuration":{"alg":"none"}}`, "on property jwt_configuration.alg"},
		"eleven_notes":         {`{"name":"x","client_metadata":{"0":"","1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","a":""}}`, "client_metadata"},
		"long_note":            {`{"name":"x","client_metadata":{"a":"` + strings.Repeat("v", 256) + `"}}`, "client_metadata.a"},
		"number_as_note":       {`{"name":"x","client_metadata":{"a":1}}`, "client_metadata.a"},
		"unknown_addon":        {`{"name":"x","addons":{"teleport":{}}}`, "Additional properties not allowed: teleport"},
		"addon_without_needs":  {`{"name":"x","addons":{"slack":{}}}`, "Missing required property: team"},
		"public_trusts_header": {`{"name":"x","token_endpoint_auth_method":"none","is_token_endpoint_ip_header_trusted":true}`, "authenticates"},
		"prompt_without_usage": {`{"name":"x","organization_require_behavior":"pre_login_prompt"}`, "organization_usage"},
		"api_without_name":     {`{"name":"x","app_type":"resource_server"}`, "resource_server_identifier"},
		"back_channel_twice":   {`{"name":"x","oidc_logout":{"backchannel_logout_urls":["https://a.example","https://b.example"]}}`, "backchannel_logout_urls"},
	} {
		a := w.request(acme, everyScope, http.MethodPost, "/clients", row.body)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
		assert.Contains(t, a.body["message"], row.message, name)
		assert.Equal(t, "Bad Request", a.body["error"], name)
	}
	assert.Empty(t, w.store.Facts(), "a refusal changes nothing")
}

func TestClients_urls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := []string{
		"https://a.example/cb", "http://localhost:3000", "http://127.0.0.1/cb", "com.example:/cb", "https://*.a.example", "https://pre-*-post.a.example/x",
		"https://{organization_name}.a.example/cb", "https://{custom_domain.metadata.public_zone}.a.example", "https://a.example:8443/?x=1", "https://[::1]:3000/cb",
	}
	bad := []string{
		"", "/relative", "a.example", "//a.example", "https://", "https:///x", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x",
		"https://*.com", "https://*", "https://a.*.example.com", "https://*.*.a.example", "https://a.example/*", "ftp://*.a.example", "https://user@a.example",
		"https://good.example@evil.example/cb", "https://a.example/cb#frag", "https://a.example\\@evil.example", "https://a.example/ cb", "https://a.exa\tmple",
		"https://a.example/cb\n", "https://a\u200b.example", "https://a.example:99999", "https://{nobody}.a.example", "https://a.example/{organization_name}",
		"https://x{organization_name}.a.example", "https://{organization_name}.*.example.com", "https://{custom_domain.metadata.secret}.a.example", "\x01https://a.example",
		"https://a.example/" + strings.Repeat("x", 2048),
	}
	for _, url := range good {
		a := w.do(http.MethodPost, "/clients", m{"name": "x", "callbacks": []any{url}})
		assert.Equal(t, http.StatusCreated, a.status, "%s: %s", url, a.raw)
	}
	for _, url := range bad {
		a := w.do(http.MethodPost, "/clients", m{"name": "x", "callbacks": []any{"https://fine.example", url}})
		assert.Equal(t, http.StatusBadRequest, a.status, "%q", url)
		assert.Contains(t, a.body["message"], "callbacks[1]", "%q", url)
	}
	for property, urls := range map[string][]string{
		"initiate_login_uri": {"http://a.example", "https://localhost/x", "https://127.0.0.1", "https://app.localhost", "javascript:x", "https://*.a.example"},
		"logo_uri":           {"javascript:x", "data:image/png;base64,xx", "ftp://a.example"},
		"cross_origin_loc":   {"http://a.example"},
	} {
		for _, url := range urls {
			a := w.do(http.MethodPost, "/clients", m{"name": "x", property: url})
			assert.Equal(t, http.StatusBadRequest, a.status, "%s %q", property, url)
		}
	}
	a := w.do(http.MethodPost, "/clients", m{"name": "x", "initiate_login_uri": "https://{organization.metadata.zone}.a.example/start"})
	assert.Equal(t, http.StatusCreated, a.status, a.raw)
	a = w.do(http.MethodPost, "/clients", m{"name": "x", "is_first_party": false, "callbacks": []any{"https://*.a.example"}})
	assert.Equal(t, http.StatusBadRequest, a.status, "strict third parties have no wildcards")
}

func TestClients_immutable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := fmt.Sprintf("/clients/%s", w.created("/clients", m{"name": "x"})["client_id"])
	for name, patch := range map[string]m{
		"is_first_party": {"is_first_party": false}, "client_id": {"client_id": "mine"}, "global": {"global": true}, "tenant": {"tenant": "globex"},
		"mode": {"third_party_security_mode": "permissive"}, "identifier": {"resource_server_identifier": "https://api"},
		"public_with_client_credentials": {"token_endpoint_auth_method": "none"},
	} {
		a := w.do(http.MethodPatch, path, patch)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
	}
	a := w.do(http.MethodPatch, path, m{"is_first_party": true})
	assert.Equal(t, http.StatusOK, a.status, "the same value is no change")
	a = w.do(http.MethodPatch, path, m{"token_endpoint_auth_method": "none", "grant_types": []any{"authorization_code"}})
	assert.Equal(t, http.StatusOK, a.status, a.raw)
}

func TestClients_list(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for i := range 5 {
		kind := []string{"spa", "native"}[i%2]
		made := w.created("/clients", m{"name": fmt.Sprintf("app %d", i), "app_type": kind, "is_first_party": i != 4})
		ids = append(ids, fmt.Sprint(made["client_id"]))
	}
	t.Run("is_a_bare_array", func(t *testing.T) {
		a := w.do(http.MethodGet, "/clients", nil)
		require.Equal(t, http.StatusOK, a.status)
		require.Len(t, a.list, 5)
		assert.NotEmpty(t, a.list[0]["client_secret"])
	})
	t.Run("with_totals_is_an_object", func(t *testing.T) {
		a := w.do(http.MethodGet, "/clients?include_totals=true&per_page=2&page=1&fields=client_id", nil)
		assert.Equal(t, m{
			"start": 2., "limit": 2., "length": 2., "total": 5., "clients": []any{m{"client_id": ids[2]}, m{"client_id": ids[3]}},
		}, a.body)
	})
	t.Run("goes_on_from_a_checkpoint", func(t *testing.T) {
		a := w.do(http.MethodGet, "/clients?take=3&fields=client_id", nil)
		require.Len(t, a.body["clients"], 3)
		next, _ := a.body["next"].(string)
		require.NotEmpty(t, next)
		a = w.do(http.MethodGet, "/clients?take=3&fields=client_id&from="+next, nil)
		assert.Equal(t, m{"clients": []any{m{"client_id": ids[3]}, m{"client_id": ids[4]}}}, a.body)
	})
	t.Run("filters", func(t *testing.T) {
		for query, want := range map[string]int{
			"app_type=spa": 3, "app_type=spa,native": 5, "is_first_party=false": 1, "is_global=true": 0, "is_global=false": 5, "app_type=rms": 0,
		} {
			assert.Len(t, w.do(http.MethodGet, "/clients?"+query, nil).list, want, query)
		}
	})
	t.Run("fields_can_be_left_out", func(t *testing.T) {
		a := w.do(http.MethodGet, "/clients?fields=client_secret,name&include_fields=false", nil)
		assert.NotContains(t, a.list[0], "client_secret")
		assert.NotContains(t, a.list[0], "name")
		assert.Contains(t, a.list[0], "client_id")
		a = w.do(http.MethodGet, "/clients/"+ids[0]+"?fields=name,nothing", nil)
		assert.Equal(t, m{"name": "app 0"}, a.body)
	})
	t.Run("bad_queries_are_refused", func(t *testing.T) {
		for _, query := range []string{
			"per_page=101", "per_page=0", "page=-1", "take=101", "take=x", "is_global=maybe", "from=%00", "from=Zm9v", "from=YWZ0ZXI6J29yIDE9MQ",
			"include_totals=perhaps", "page=99999999999999999999",
		} {
			a := w.do(http.MethodGet, "/clients?"+query, nil)
			assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", query, a.raw)
			assert.Equal(t, "invalid_query_string", a.body["errorCode"], query)
		}
	})
}
