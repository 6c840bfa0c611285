package httpapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
)

// site is what the world publishes, by URL: a fake of client.Documents.
type site map[string]string

// Fetch implements client.Documents.
func (s site) Fetch(_ context.Context, url string, maxBytes int) ([]byte, error) {
	body, ok := s[url]
	switch {
	case !ok:
		return nil, fault.Invalid("", "The document could not be reached")
	case len(body) > maxBytes:
		return nil, fault.Invalid("", fmt.Sprintf("The document is larger than %d bytes", maxBytes))
	case body == "away":
		return nil, fault.Unavailable("the network is away")
	}
	return []byte(body), nil
}

const selfURL = "https://app.example.com/client.json"

// saying is a document of selfURL; more replaces members, nil takes them out.
func saying(t *testing.T, more m) string {
	t.Helper()
	doc := m{
		"client_id": selfURL, "client_name": "Själv", "redirect_uris": []any{"https://app.example.com/cb"}, "grant_types": []any{"authorization_code"},
		"token_endpoint_auth_method": "none", "logo_uri": "https://app.example.com/logo.png",
	}
	maps.Copy(doc, more)
	for name, value := range more {
		if value == nil {
			delete(doc, name)
		}
	}
	raw, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(raw)
}

func jwk(t *testing.T, name string, more m) m {
	t.Helper()
	key := rsaKey(t, name, 2048).PublicKey
	out := m{"kty": "RSA", "kid": "kid-" + name, "use": "sig", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": "AQAB"}
	maps.Copy(out, more)
	return out
}

func keySet(t *testing.T, keys ...m) string {
	t.Helper()
	raw, err := json.Marshal(m{"keys": keys})
	require.NoError(t, err)
	return string(raw)
}

func (w *world) cimd(verb string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, "/clients/cimd/"+verb, m{"external_client_id": selfURL})
}

func TestMetadata_preview_and_register(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site[selfURL] = saying(t, nil)
	before := len(w.store.Facts())
	a := w.cimd("preview")
	require.Equal(t, http.StatusOK, a.status, a.raw)
	fields := m{
		"external_client_id": selfURL, "name": "Själv", "app_type": "regular_web", "callbacks": []any{"https://app.example.com/cb"},
		"logo_uri": "https://app.example.com/logo.png", "grant_types": []any{"authorization_code"}, "token_endpoint_auth_method": "none",
	}
	valid := m{"valid": true, "violations": []any{}, "warnings": []any{}}
	assert.Equal(t, m{"mapped_fields": fields, "validation": valid}, a.body)
	assert.Len(t, w.store.Facts(), before, "a look changes nothing")

	a = w.cimd("register")
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	id := fmt.Sprint(a.body["client_id"])
	assert.Equal(t, m{"client_id": id, "mapped_fields": fields, "validation": valid}, a.body)
	c := w.do(http.MethodGet, "/clients/"+id, nil).body
	assert.Regexp(t, `^tpc_`, id)
	assert.Equal(t, false, c["is_first_party"], "whoever publishes a document is a stranger")
	assert.Equal(t, "strict", c["third_party_security_mode"])
	assert.Equal(t, "none", c["token_endpoint_auth_method"])
	assert.Equal(t, []any{selfURL, "cimd", "admin"}, []any{c["external_client_id"], c["external_metadata_type"], c["external_metadata_created_by"]})

	w.site[selfURL] = saying(t, m{
		"client_name": "Renamed", "logo_uri": nil, "application_type": "native", "token_endpoint_auth_method": "private_key_jwt",
		"jwks_uri": "https://app.example.com/keys", "redirect_uris": []any{"https://app.example.com/other"},
	})
	w.site["https://app.example.com/keys"] = keySet(t, jwk(t, "a", nil))
	a = w.cimd("register")
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, id, a.body["client_id"], "one client a URL")
	c = w.do(http.MethodGet, "/clients/"+id, nil).body
	assert.Equal(t, []any{"Renamed", "native"}, []any{c["name"], c["app_type"]})
	assert.Equal(t, []any{"https://app.example.com/other"}, c["callbacks"])
	assert.NotContains(t, c, "logo_uri", "what is not said any more is taken away")
	assert.NotContains(t, c, "token_endpoint_auth_method")
	first := w.do(http.MethodGet, "/clients/"+id+"/credentials", nil).list
	require.Len(t, first, 1)
	assert.Equal(t, "kid-a", first[0]["kid"])

	require.Equal(t, http.StatusOK, w.cimd("register").status)
	assert.Equal(t, first, w.do(http.MethodGet, "/clients/"+id+"/credentials", nil).list, "a key that stays is the same credential")
	w.site["https://app.example.com/keys"] = keySet(t, jwk(t, "b", nil))
	require.Equal(t, http.StatusOK, w.cimd("register").status)
	next := w.do(http.MethodGet, "/clients/"+id+"/credentials", nil).list
	require.Len(t, next, 1)
	assert.Equal(t, "kid-b", next[0]["kid"], "a key that is not published any more proves nothing")

	other := w.request(globex, everyScope, http.MethodPost, "/clients/cimd/register", `{"external_client_id":"`+selfURL+`"}`)
	require.Equal(t, http.StatusCreated, other.status, other.raw)
	assert.NotEqual(t, id, other.body["client_id"], "each tenant has its own")
}

func TestMetadata_scopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site[selfURL] = saying(t, nil)
	body := `{"external_client_id":"` + selfURL + `"}`
	ask := func(scopes string) answer {
		return w.request(acme, scopes, http.MethodPost, "/clients/cimd/register", body)
	}
	w.refused(ask("update:clients"), 403, "insufficient_scope", "Insufficient scope, expected any of: create:clients")
	require.Equal(t, http.StatusCreated, ask("create:clients").status)
	w.refused(ask("create:clients"), 403, "insufficient_scope", "Insufficient scope, expected any of: update:clients")
	require.Equal(t, http.StatusOK, ask("update:clients").status)
}

func TestMetadata_violations(t *testing.T) {
	t.Parallel()
	signed := m{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com/keys"}
	for name, c := range map[string]struct {
		more m
		keys string
		want string // a part of the violation
	}{
		"another_sites_id":      {m{"client_id": "https://evil.example.com/client.json"}, "", "client_id must be the URL of the document"},
		"no_id":                 {m{"client_id": nil}, "", "client_id is required"},
		"a_published_secret":    {m{"client_secret": "x"}, "", "client_secret is not allowed"},
		"no_name":               {m{"client_name": nil}, "", "client_name is required"},
		"a_name_of_markup":      {m{"client_name": "<b>"}, "", "client_name"},
		"no_redirects":          {m{"redirect_uris": nil}, "", "redirect_uris"},
		"a_wildcard":            {m{"redirect_uris": []any{"https://*.example.com/cb"}}, "", "wildcards are not allowed here"},
		"a_script":              {m{"redirect_uris": []any{"javascript:alert(1)"}}, "", "javascript"},
		"no_grants":             {m{"grant_types": nil}, "", "grant_types is required"},
		"an_odd_type":           {m{"application_type": "tv"}, "", "application_type must be web or native"},
		"a_logo_that_runs":      {m{"logo_uri": "javascript:x"}, "", "logo_uri"},
		"inline_keys":           {m{"jwks": m{"keys": []any{}}}, "", "jwks is not allowed"},
		"a_secret_method":       {m{"token_endpoint_auth_method": "client_secret_post"}, "", "token_endpoint_auth_method must be none or private_key_jwt"},
		"no_place_for_keys":     {m{"token_endpoint_auth_method": "private_key_jwt"}, "", "jwks_uri is required with private_key_jwt"},
		"keys_of_another_site":  {m{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://evil.example.com/keys"}, "", "must be of the document's own origin"},
		"keys_of_another_port":  {m{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com:444/keys"}, "", "must be of the document's own origin"},
		"keys_that_are_away":    {signed, "", "The document could not be reached"},
		"keys_that_are_none":    {signed, `{"keys":[]}`, "it holds no key for private_key_jwt"},
		"keys_that_are_odd":     {signed, `{"keys":7}`, "keys must be a list"},
		"keys_that_are_no_json": {signed, `x`, "not a JSON object"},
		"keys_too_many_bytes":   {signed, `{"keys":[],"x":"` + strings.Repeat("x", 12<<10) + `"}`, "larger than 12288 bytes"},
		"a_private_key":         {signed, keySet(t, jwk(t, "a", m{"d": "AQAB"})), "is a private key"},
		"a_key_for_secrecy":     {signed, keySet(t, jwk(t, "a", m{"use": "enc"})), "it holds no key"},
		"an_exponent_of_one":    {signed, keySet(t, jwk(t, "a", m{"e": "AQ"})), "it holds no key"},
		"an_even_modulus":       {signed, keySet(t, jwk(t, "a", m{"n": base64.RawURLEncoding.EncodeToString(append([]byte{0x80}, make([]byte, 255)...))})), "it holds no key"},
		"a_symmetric_key":       {signed, keySet(t, m{"kty": "oct", "k": "AAAA"}), "it holds no key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.site[selfURL] = saying(t, c.more)
			if c.keys != "" {
				w.site["https://app.example.com/keys"] = c.keys
			}
			a := w.cimd("preview")
			require.Equal(t, http.StatusOK, a.status, a.raw)
			validation, _ := a.body["validation"].(map[string]any)
			require.Equal(t, false, validation["valid"], a.raw)
			require.Contains(t, fmt.Sprint(validation["violations"]), c.want)
			a = w.cimd("register")
			require.Equal(t, http.StatusBadRequest, a.status, a.raw)
			require.Contains(t, a.raw, "not valid")
			require.Empty(t, w.store.Facts(), "a refusal changes nothing")
		})
	}
}

func TestMetadata_documents_that_cannot_be_had(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.cimd("preview")
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, m{"errors": []any{"The document could not be reached"}}, a.body)
	assert.Equal(t, http.StatusBadRequest, w.cimd("register").status)
	w.site[selfURL] = `{"x":"` + strings.Repeat("x", 5<<10) + `"}`
	assert.Equal(t, m{"errors": []any{"The document is larger than 5120 bytes"}}, w.cimd("preview").body)
	for _, odd := range []string{"", "null", "[]", "7", `"x"`, "{", "\xff", `{"client_id":{}}`, `{"client_id":` + strings.Repeat("[", 2000)} {
		w.site[selfURL] = odd
		a := w.cimd("preview")
		require.Equal(t, http.StatusOK, a.status, "%q: %s", odd, a.raw)
		validation, _ := a.body["validation"].(map[string]any)
		require.Equal(t, false, validation["valid"], "%q: %s", odd, a.raw)
		require.Equal(t, http.StatusBadRequest, w.cimd("register").status, "%q", odd)
	}
	w.site[selfURL] = "away"
	assert.Equal(t, http.StatusServiceUnavailable, w.cimd("register").status)

	for _, url := range []string{
		"http://app.example.com/c", "https://app.example.com", "https://app.example.com/", "https://u:p@app.example.com/c", "https://app.example.com/c?x", "https://app.example.com/c#x",
		"https://app.example.com/../c", "https://app.example.com/%2e%2e/c", "https://app.example.com:0/c", "https://localhost/c", "https://127.0.0.1/c", "https://[::1]/c",
		"https://x.localhost/c", "ftp://app.example.com/c", "https:///c", "https://app.example.com/\\c", "https://app.example.com/ c", "https://app.example.com/" + strings.Repeat("c", 120),
	} {
		a := w.do(http.MethodPost, "/clients/cimd/preview", m{"external_client_id": url})
		require.Equal(t, http.StatusBadRequest, a.status, "%q: %s", url, a.raw)
		require.Equal(t, "invalid_body", a.body["errorCode"], url)
	}
	assert.Empty(t, w.store.Facts())
}
