//go:build e2e

package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCallbackLookalikes asks /authorize for hundreds of redirect URIs that look like the client's: none is ever redirected to
// (RFC 9700 §4.1). Those that the client has lead to the login page.
func TestCallbackLookalikes(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	us := acme.signup(t, "us")
	browser := stranger(t, acme.cloud)
	var made struct {
		ID string `json:"client_id"`
	}
	newManager(t, browser, us).call(t, http.MethodPost, "clients", map[string]any{
		"name": "App", "app_type": "regular_web", "oidc_conformant": true, "token_endpoint_auth_method": "client_secret_post",
		"grant_types": []string{"authorization_code"}, "callbacks": []string{"https://app.example.com/cb", "https://*.preview.example.com/cb"},
	}, &made)
	ask := func(uri string) (status int, location string) {
		query := url.Values{"client_id": {made.ID}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "redirect_uri": {uri}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, us.Issuer+"authorize?"+query.Encode(), nil)
		require.NoError(t, err)
		res, err := browser.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode, res.Header.Get("Location")
	}
	for _, right := range []string{"https://app.example.com/cb", "https://x.preview.example.com/cb", "https://pr-17_b.preview.example.com/cb"} {
		status, location := ask(right)
		require.Equal(t, http.StatusFound, status, right)
		require.Contains(t, location, "/u/login", right)
	}
	tried := 0
	for _, wrong := range lookalikes("https", "app.example.com", "/cb") {
		status, location := ask(wrong)
		require.Empty(t, location, "%q is redirected to", wrong)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, status, "%q", wrong)
		tried++
	}
	for _, label := range []string{"", ".", "a.b", "evil.example.com/", "evil.example.com#", "evil.example.com?", "evil.example.com\\", "@evil.example.com", "a@evil", "a:80", "%2e", "a%00", "a\tb", "é", "*", "-.", "a/../b"} {
		wrong := "https://" + label + ".preview.example.com/cb"
		status, location := ask(wrong)
		require.Empty(t, location, "%q is redirected to", wrong)
		require.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden}, status, "%q", wrong)
		tried++
	}
	require.Greater(t, tried, 400)
	t.Logf("%d look-alikes refused", tried)
}

// lookalikes gives URIs that a parser, a browser or a person could take for scheme://host/path.
func lookalikes(scheme, host, path string) []string {
	right := scheme + "://" + host + path
	out := []string{
		"", "/", path, "//" + host + path, "http://" + host + path, "HTTPS://" + host + path, scheme + ":" + host + path, scheme + ":/" + host + path,
		scheme + ":///" + host + path, scheme + "://" + strings.ToUpper(host) + path, scheme + "://" + host + "." + path, scheme + "://" + host,
		scheme + "://" + host + "/", scheme + "://" + host + strings.ToUpper(path), "javascript:" + right, "data:text/html," + right, "blob:" + right,
		"view-source:" + right, "intent://" + host + path, "ftp://" + host + path, scheme + "s://" + host + path, "x" + right,
	}
	evil := "evil.example.net"
	for _, sep := range []string{
		"@", ":80@", ":@", "\\@", "%40", "\\", "\\\\", "/", "//", "?", "#", ";", ",", "&", " ", "\t", "\n", "\r", "\x00", "%00", "%0a", "%0d%0a", "%2f", "%5c", "%23",
		"%3f", "..", ".", "-", "_", "!", "$", "'", "(", "[", "{", "|", "^", "`", "~", "。", "．", "\u200b", "\u202e", "\ufeff",
	} {
		out = append(out,
			scheme+"://"+host+sep+evil+path, scheme+"://"+evil+sep+host+path, right+sep, right+sep+evil, sep+right, scheme+"://"+sep+host+path,
			scheme+"://"+host+sep+path, scheme+"://"+host+path[:1]+sep+path[1:],
		)
	}
	for _, port := range []string{":443", ":80", ":8443", ":0", ":65536", ":", ":+443", ":0443"} {
		out = append(out, scheme+"://"+host+port+path)
	}
	for _, tail := range []string{"/..", "/../x", "/./", "/%2e%2e", "?x=1", "?", "#x", ";x", "%2f", "/", "//", ".", "x", "%63"} {
		out = append(out, right+tail)
	}
	for i := range len(host) {
		out = append(out, scheme+"://"+host[:i]+host[i+1:]+path, scheme+"://"+host[:i]+"x"+host[i:]+path, scheme+"://"+host[:i]+"%"+"61"+host[i+1:]+path)
	}
	for latin, look := range map[string]string{"a": "а", "e": "е", "p": "р", "o": "ο", "c": "с", "x": "х"} { // Cyrillic and Greek
		out = append(out, strings.Replace(right, latin, look, 1), strings.ReplaceAll(right, latin, look))
	}
	return out
}
