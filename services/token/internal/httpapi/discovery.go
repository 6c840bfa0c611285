package httpapi

import (
	"crypto/sha1" //nolint:gosec // the wire's fingerprint is SHA-1 by definition; nothing is trusted for it
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// metadata is the discovery document (OIDC Discovery §3, RFC 8414 §2). It names what is answered and nothing else: a client that
// believes it must not meet a 404.
type metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint"`
	JWKSURI               string   `json:"jwks_uri"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint,omitempty"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	AuthAlgs              []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuthMethods []string `json:"revocation_endpoint_auth_methods_supported"`
	Claims                []string `json:"claims_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	RequestURIParameter   bool     `json:"request_uri_parameter_supported"`
	RequestAlgs           []string `json:"request_object_signing_alg_values_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	PushEndpoint          string   `json:"pushed_authorization_request_endpoint,omitempty"`
	IssuerInResponses     bool     `json:"authorization_response_iss_parameter_supported,omitempty"`
	ACRValues             []string `json:"acr_values_supported,omitempty"`
	ProofAlgs             []string `json:"dpop_signing_alg_values_supported"`
	CertificateBound      bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	MTLS                  *aliases `json:"mtls_endpoint_aliases,omitempty"`
	DeviceEndpoint        string   `json:"device_authorization_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint,omitempty"`
	Backchannel           bool     `json:"backchannel_logout_supported"`
	BackchannelSession    bool     `json:"backchannel_logout_session_supported"`
}

// aliases are the endpoints for clients that show certificates (RFC 8705 §5).
type aliases struct {
	Token      string `json:"token_endpoint"`
	Revocation string `json:"revocation_endpoint"`
	Userinfo   string `json:"userinfo_endpoint"`
	Device     string `json:"device_authorization_endpoint"`
	Push       string `json:"pushed_authorization_request_endpoint,omitempty"`
}

// metadataOf gives the document of a tenant by the host it was asked at. It depends on nothing else, since it is kept encoded.
func metadataOf(t tenancy.Tenant, settings *token.Settings) metadata {
	registration, push := "", ""
	if settings.Registration {
		registration = t.Base + "/oidc/register"
	}
	if settings.PushedRequests {
		push = t.Base + token.PathPush
	}
	methods := []string{oauth.AuthBasic, oauth.AuthPost, oauth.AuthPrivateKeyJWT, oauth.AuthNone}
	var mtls *aliases
	if settings.MTLSAliases {
		methods = append(methods, oauth.AuthTLS, oauth.AuthSelfSignedTLS)
		at := t.MTLSBase()
		mtls = &aliases{Token: at + token.PathToken, Revocation: at + "/oauth/revoke", Userinfo: at + token.PathUserinfo, Device: at + "/oauth/device/code"}
		if settings.PushedRequests {
			mtls.Push = at + token.PathPush
		}
	}
	end := ""
	if settings.EndSessionDiscovery {
		end = t.Base + "/oidc/logout"
	}
	return metadata{
		RegistrationEndpoint:  registration,
		Issuer:                t.Issuer(),
		AuthorizationEndpoint: t.Base + "/authorize",
		TokenEndpoint:         t.Base + token.PathToken,
		UserinfoEndpoint:      t.Base + token.PathUserinfo,
		JWKSURI:               t.Base + "/.well-known/jwks.json",
		RevocationEndpoint:    t.Base + "/oauth/revoke",
		Scopes:                []string{"openid", "profile", "offline_access", "name", "given_name", "family_name", "nickname", "email", "email_verified", "picture", "phone"},
		ResponseTypes: []string{
			"code", "token", "id_token", "code token", "code id_token", "token id_token", "code token id_token",
		},
		ResponseModes: []string{"query", "fragment", "form_post", "web_message"},
		GrantTypes: []string{
			string(oauth.GrantAuthorizationCode), string(oauth.GrantImplicit), string(oauth.GrantDeviceCode), string(oauth.GrantClientCredentials), string(oauth.GrantPassword), string(oauth.GrantPasswordRealm), string(oauth.GrantTokenExchange),
			string(oauth.GrantRefreshToken),
		},
		ChallengeMethods: []string{"S256", "plain"},
		SubjectTypes:     []string{"public"},
		AuthMethods:      methods,
		AuthAlgs:         token.AssertionAlgs(),
		// Without it, RFC 8414 §2 would have it be Basic alone.
		RevocationAuthMethods: methods,
		Claims: []string{
			"aud", "auth_time", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "nickname",
			"phone_number", "phone_number_verified", "picture", "sid", "sub", "updated_at",
		},
		IDTokenAlgs:        []string{token.AlgHS256, token.AlgRS256, token.AlgRS512, token.AlgPS256},
		RequestParameter:   true,
		RequestAlgs:        token.ObjectAlgs(),
		ClaimsParameter:    true,
		PushEndpoint:       push,
		IssuerInResponses:  settings.IssuerInResponses,
		ACRValues:          settings.ACRValues,
		ProofAlgs:          token.ProofAlgs(),
		CertificateBound:   settings.MTLSAliases,
		MTLS:               mtls,
		DeviceEndpoint:     t.Base + "/oauth/device/code",
		EndSessionEndpoint: end,
		Backchannel:        true, BackchannelSession: true,
	}
}

// certificate gives the certificate of the key that signs, in the form that the path names.
func (h *Handler) certificate(c *gin.Context, t tenancy.Tenant) error {
	keys, err := h.Ring.Keys(c.Request.Context(), t.ID)
	if err != nil {
		return err
	}
	key := keys[0] // the one that signs; of the RSA ones, whose certificate is this wire's
	if key.Alg != token.AlgRS256 {
		return fault.NotFound("The tenant has no signing key")
	}
	keep(c, "public, max-age=15")
	const certificate = "application/x-x509-ca-cert"
	switch c.FullPath() {
	case "/cer":
		attach(c, t, "cer", certificate, key.Certificate)
	case "/pem":
		attach(c, t, "pem", certificate, []byte(certificatePEM(key)))
	case "/pb7":
		attach(c, t, "pb7", "application/x-pkcs7-certificates", []byte(pkcs7PEM(key)))
	case "/rawpem":
		httpkit.Data(c, http.StatusOK, "text/plain; charset=utf-8", []byte(certificatePEM(key)))
	default:
		c.String(http.StatusOK, fingerprint(key.Certificate))
	}
	return nil
}

func attach(c *gin.Context, t tenancy.Tenant, ext, kind string, body []byte) {
	c.Header("Content-Disposition", `attachment; filename="`+t.Name+"."+ext+`"`)
	httpkit.Data(c, http.StatusOK, kind, body)
}

// fingerprint is the SHA-1 of a certificate in the usual notation.
func fingerprint(der []byte) string {
	sum := sha1.Sum(der) //nolint:gosec // see the import
	pairs := make([]string, len(sum))
	for i := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString(sum[i : i+1]))
	}
	return strings.Join(pairs, ":")
}

func keep(c *gin.Context, how string) { c.Header("Cache-Control", how) }
