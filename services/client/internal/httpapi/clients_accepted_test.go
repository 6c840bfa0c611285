package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// clientsAccepted are bodies at the edge of what is refused, each of which is taken and comes back as it was sent.
var clientsAccepted = []m{
	// who may hold which grant type
	{"app_type": "native", "token_endpoint_auth_method": "none", "grant_types": []any{deviceCode, passwordRealm, "password", "implicit"}},
	{"app_type": "regular_web", "token_endpoint_auth_method": "none", "grant_types": []any{deviceCode, "http://auth0.com/oauth/grant-type/mfa-otp"}},
	{"app_type": "regular_web", "grant_types": []any{deviceCode, ciba, "client_credentials"}},
	{"is_first_party": false, "grant_types": []any{"client_credentials"}},
	{"is_first_party": false, "token_endpoint_auth_method": "none", "grant_types": []any{"authorization_code"}},
	{"is_first_party": false, "third_party_security_mode": "permissive", "grant_types": []any{"implicit", deviceCode}},
	{"is_first_party": false, "redirection_policy": "allow_always"},
	{"grant_types": []any{}},

	// a public client has a secret, and may ask for tokens keyed by it
	{"token_endpoint_auth_method": "none", "grant_types": []any{"implicit"}, "jwt_configuration": m{"alg": "HS256", "secret_encoded": false}},
	{"client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}, "jwt_configuration": m{"alg": "PS256", "secret_encoded": false}},
	{"client_authentication_methods": m{"tls_client_auth": m{"credentials": []any{}}}, "jwt_configuration": m{"alg": "HS256", "secret_encoded": false}},

	// URLs (§3)
	{"callbacks": []any{
		"https://*.example.com/cb", "http://prefix-*-suffix.example.com", "https://*-a.b.example.com:8443/x?y=1", "https://{organization_name}.example.com/cb",
		"https://{custom_domain.metadata.public_zone}.example.com", "https://a.{custom_domain.metadata.PUBLIC_zone}/cb", "com.example.app://callback", "http://[::1]/cb",
	}},
	{"allowed_logout_urls": []any{"https://*.example.com", "https://{custom_domain.metadata.public_zone}.example.com/bye#x"}},
	{"web_origins": []any{"https://*.example.com", "https://{custom_domain.metadata.public_zone}.example.com"}},
	{"allowed_origins": []any{"https://*.example.com", "https://{organization_name}.example.com", "https://{custom_domain.metadata.public_zone}.example.com"}},
	{"is_first_party": false, "callbacks": []any{"https://{organization_name}.example.com/cb"}},
	{"initiate_login_uri": "https://{organization.metadata.zone}.example.com/start?o={organization.metadata.id}"},
	{"initiate_login_uri": "https://{custom_domain.metadata.public_zone}.example.com/start"},
	{"initiate_login_uri": "", "logo_uri": ""},

	// bounds
	{"client_metadata": notes(10)},
	{"par_request_expiry": 10.},
	{"par_request_expiry": 600.},
	{"organization_usage": "allow", "organization_require_behavior": "pre_login_prompt", "organization_discovery_methods": []any{"email"}},
	{"organization_usage": "require", "organization_require_behavior": "post_login_prompt", "oidc_conformant": true},
	{"organization_require_behavior": "no_prompt"},
	{"compliance_level": "none"},
	{"compliance_level": "fapi2_sp_mtls_mtls"},
	{"oidc_logout": m{"backchannel_logout_urls": []any{"https://a.example/back"}, "backchannel_logout_initiators": m{"mode": "all"}}},
	{"oidc_logout": m{"backchannel_logout_initiators": m{"mode": "custom", "selected_initiators": []any{
		"rp-logout", "idp-logout", "password-changed", "session-expired", "session-revoked", "account-deleted", "email-identifier-changed",
		"mfa-phone-unenrolled", "account-deactivated",
	}}}},

	// addons (§6), each with nothing and with all it has a type for
	{"addons": m{
		"wsfed": m{}, "box": m{}, "cloudbees": m{}, "concur": m{}, "dropbox": m{}, "oag": m{}, "samlp": m{}, "aws": m{}, "azure_blob": m{}, "azure_sb": m{}, "firebase": m{},
		"salesforce": m{}, "salesforce_api": m{}, "salesforce_sandbox_api": m{}, "sap_api": m{}, "wams": m{}, "office365": m{}, "sharepoint": m{}, "sentry": m{}, "zendesk": m{},
		"zoom": m{}, "newrelic": m{}, "egnyte": m{}, "echosign": m{}, "springcm": m{}, "sso_integration": m{},
	}},
	{"addons": m{
		"aws":        m{"principal": "p", "role": "r", "lifetime_in_seconds": 3600.},
		"azure_blob": m{"accountName": "a", "storageAccessKey": "k", "containerName": "c", "blobName": "b", "expiration": 5., "signedIdentifier": "s", "blob_read": true, "container_list": false},
		"azure_sb":   m{"namespace": "n", "sasKeyName": "s", "sasKey": "k", "entityPath": "e", "expiration": 5.},
		"firebase":   m{"secret": "s", "private_key_id": "i", "private_key": "k", "client_email": "e@a.example", "lifetime_in_seconds": 3600.},
		"layer":      m{"providerId": "p", "keyId": "k", "privateKey": "x", "principal": "user_id", "expiration": 5.}, "mscrm": m{"url": "https://a.example"},
		"rms": m{"url": "https://a.example"}, "slack": m{"team": "t"}, "sharepoint": m{"url": "u", "external_url": []any{"https://a.example"}},
		"salesforce_api": m{"clientid": "c", "principal": "p", "communityName": "n", "community_url_section": "s"}, "sso_integration": m{"name": "n", "version": "1"},
		"samlp": m{
			"mappings": m{"a": "b"}, "audience": "a", "recipient": "r", "createUpnClaim": true, "mapUnknownClaimsAsIs": false, "passthroughClaimsWithNoMapping": true,
			"mapIdentities": true, "signatureAlgorithm": "rsa-sha256", "digestAlgorithm": "sha256", "issuer": "i", "destination": "d", "lifetimeInSeconds": 3600.,
			"signResponse": true, "nameIdentifierFormat": "f", "nameIdentifierProbes": []any{"p"}, "authnContextClassRef": "c", "typedAttributes": true,
			"includeAttributeNameFormat": true, "logout": m{"callback": "https://a.example", "slo_enabled": true}, "binding": "b", "signingCert": "c", "extra": []any{m{}},
		},
	}},
	{"addons": m{"sharepoint": m{"external_url": "https://a.example"}}},
	{"my_organization_configuration": m{"third_party_client_access": m{"default_value": "block", "allowed_values": []any{"allow", "block"}}}},
}

func TestClients_accepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, sent := range clientsAccepted {
		a := w.do(http.MethodPost, "/clients", with(m{"name": "x"}, sent))
		if !assert.Equal(t, http.StatusCreated, a.status, "%v: %s", sent, a.raw) {
			continue
		}
		for name, value := range sent {
			assert.Equal(t, value, a.body[name], name)
		}
		plain := m{"name": "x"}
		for _, name := range []string{"is_first_party", "third_party_security_mode"} {
			if value, ok := sent[name]; ok {
				plain[name] = value
			}
		}
		again := w.do(http.MethodPatch, fmt.Sprintf("/clients/%s", w.created("/clients", plain)["client_id"]), sent)
		if !assert.Equal(t, http.StatusOK, again.status, "%v by PATCH: %s", sent, again.raw) {
			continue
		}
		for name, value := range sent {
			assert.Equal(t, value, again.body[name], name)
		}
	}
}
