package httpapi_test

import (
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // x5t is SHA-1 by definition
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.browser().get("/.well-known/openid-configuration", nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	doc := res.json(t)
	require.Equal(t, "https://acme.eu.postern.localhost:8443/", doc["issuer"], "exactly the issuer of tokens (OIDC Discovery §4.3)")
	require.Equal(t, "https://acme.eu.postern.localhost:8443/oauth/token", doc["token_endpoint"])
	require.Contains(t, doc["grant_types_supported"], "refresh_token")
	require.Contains(t, doc["scopes_supported"], "offline_access")
	require.Len(t, doc["response_types_supported"], 7)
	require.NotContains(t, doc, "pushed_authorization_request_endpoint", "closed until the tenant opens it")
	require.NotContains(t, doc, "authorization_response_iss_parameter_supported")
	require.Equal(t, []any{"S256", "plain"}, doc["code_challenge_methods_supported"])
	require.Equal(t, res.body, w.browser().get("/.well-known/oauth-authorization-server", nil).body, "one document under both names")

	plain := w.browser()
	plain.tenant.Base = "http://acme.eu.postern.localhost:8080"
	doc = plain.get("/.well-known/openid-configuration", nil).json(t)
	require.Equal(t, "https://acme.eu.postern.localhost:8443/", doc["issuer"], "the issuer is the same by every listener")
	require.Equal(t, "http://acme.eu.postern.localhost:8080/.well-known/jwks.json", doc["jwks_uri"], "endpoints follow the listener")

	for _, name := range []string{"authorization_endpoint", "userinfo_endpoint", "jwks_uri", "revocation_endpoint"} {
		endpoint, _ := doc[name].(string)
		path := endpoint[len(plain.tenant.Base):]
		get, post := w.browser().get(path, nil), w.browser().post(path, nil)
		require.NotEqual(t, http.StatusNotFound, get.StatusCode, "%s is answered", name)
		require.False(t, get.StatusCode == http.StatusMethodNotAllowed && post.StatusCode == http.StatusMethodNotAllowed, "%s is answered", name)
	}
}

func TestDiscovery_names_registration_where_it_is_open(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := func() map[string]any { return w.browser().get("/.well-known/openid-configuration", nil).json(t) }
	require.NotContains(t, doc(), "registration_endpoint")
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{Registration: true} })
	require.Equal(t, w.acme.Base+"/oidc/register", doc()["registration_endpoint"])
	w.config.Away(fault.Unavailable("the tenant service is away"))
	require.NotContains(t, doc(), "registration_endpoint", "the document is there all the same")
}

// The documents that all the world asks for are compressed for who takes that, and change with what they tell of.
func TestDocuments_are_compressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		plain := w.browser().get(path, nil)
		require.Empty(t, plain.Header.Get("Content-Encoding"))
		require.Equal(t, "Accept-Encoding", plain.Header.Get("Vary"))
		zipped := w.browser().getZipped(path)
		require.Equal(t, "gzip", zipped.Header.Get("Content-Encoding"))
		require.Equal(t, plain.Header.Get("Cache-Control"), zipped.Header.Get("Cache-Control"))
		require.Equal(t, plain.body, gunzip(t, zipped.body))
		require.Less(t, len(zipped.body), len(plain.body))
	}

	bolt := w.browserAt(w.bolt)
	key := bolt.getZipped("/.well-known/jwks.json")
	require.NotEqual(t, w.browser().get("/.well-known/jwks.json", nil).body, gunzip(t, key.body), "each tenant has its own")

	before := gunzip(t, w.browser().getZipped("/.well-known/jwks.json").body)
	require.Contains(t, before, `"alg"`)
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{RemoveAlgFromJWKS: true} })
	require.NotContains(t, gunzip(t, w.browser().getZipped("/.well-known/jwks.json").body), `"alg"`)
}

func (b *agent) getZipped(path string) answer {
	req := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodGet, path, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	return b.do(req)
}

func gunzip(t *testing.T, raw string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(raw))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(plain)
}

func TestJWKS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.browser().get("/.well-known/jwks.json", nil)
	require.Equal(t, http.StatusOK, res.StatusCode, res.body)
	require.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, res.Header.Get("Cache-Control"), "max-age")
	var doc struct {
		Keys []map[string]any `json:"keys"`
	}
	require.NoError(t, json.Unmarshal([]byte(res.body), &doc))
	ids := []string{}
	for _, key := range doc.Keys {
		id, _ := key["kid"].(string)
		alg, _ := key["alg"].(string)
		ids = append(ids, id+" "+alg)
	}
	require.Equal(t, []string{
		"acme-current RS256", "acme-next RS256",
		"acme-current-rs512 RS512", "acme-current-ps256 PS256", "acme-next-rs512 RS512", "acme-next-ps256 PS256",
	}, ids, "the next key is shown before it signs, and each algorithm has an ID of its own")
	key := doc.Keys[0]
	require.Equal(t, "acme-current", key["kid"])
	require.Equal(t, "RSA", key["kty"])
	require.Equal(t, "sig", key["use"])
	require.Equal(t, "RS256", key["alg"])
	require.Equal(t, "AQAB", key["e"])
	require.Len(t, key, 8, "nothing of the private half")
	chain, _ := key["x5c"].([]any)
	encoded, _ := chain[0].(string)
	der, err := base64.StdEncoding.DecodeString(encoded)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	require.Equal(t, &w.signer.Private.PublicKey, cert.PublicKey)
	sum := sha1.Sum(der) //nolint:gosec // see the import
	require.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), key["x5t"])

	bolt := w.browser()
	bolt.tenant = w.bolt
	require.NotContains(t, bolt.get("/.well-known/jwks.json", nil).body, "acme-")

	w.clock.Advance(2 * time.Hour)
	w.store.FailNext(fault.Unavailable("postgres is away"))
	require.Equal(t, res.body, w.browser().get("/.well-known/jwks.json", nil).body, "served from memory while the database is away")
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Contains(t, w.browser().get("/pem", nil).body, "-----BEGIN CERTIFICATE-----")
	require.Contains(t, w.browser().get("/rawpem", nil).body, "-----BEGIN CERTIFICATE-----")
	_, err := x509.ParseCertificate([]byte(w.browser().get("/cer", nil).body))
	require.NoError(t, err)
	pb7 := w.browser().get("/pb7", nil)
	require.Contains(t, pb7.body, "-----BEGIN PKCS7-----")
	require.Equal(t, `attachment; filename="acme.pb7"`, pb7.Header.Get("Content-Disposition"))
	require.Regexp(t, `^([0-9A-F]{2}:){19}[0-9A-F]{2}$`, w.browser().get("/fingerprint", nil).body)
}

func TestTheEdgeIsTheOnlyWayIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/authorize", "/userinfo", "/.well-known/jwks.json", "/u/login", "/v2/logout"} {
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		require.Equal(t, http.StatusForbidden, rec.Code, path)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		req.Header.Set("Postern-Tenant", "9999999999.eyJpZCI6InRudF9hY21lIn0.AAAA")
		rec = httptest.NewRecorder()
		w.handler.ServeHTTP(rec, req)
		require.Equal(t, http.StatusForbidden, rec.Code, "a forged header on %s", path)
	}
}
