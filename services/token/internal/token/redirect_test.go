package token_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func client(callbacks ...string) *token.Client {
	return &token.Client{FirstParty: true, Callbacks: callbacks}
}

func TestClient_AllowsRedirect(t *testing.T) {
	t.Parallel()
	for uri, registered := range map[string]string{
		"https://app.example/cb":              "https://app.example/cb",
		"https://app.example/cb?a=1":          "https://app.example/cb?a=1",
		"com.example.app:/cb":                 "com.example.app:/cb",
		"http://localhost:3000/cb":            "http://localhost:3000/cb",
		"https://pr-1.app.example/cb":         "https://*.app.example/cb",
		"https://x-pr_1-y.app.example/cb":     "https://x-*-y.app.example/cb",
		"https://pr1.app.example:8443/cb?x=y": "https://*.app.example:8443/cb?x=y",
	} {
		require.True(t, client(registered).AllowsRedirect(uri), "%s for %s", uri, registered)
	}
}

// Each of these has been somebody's bypass somewhere (RFC 9700 §4.1).
func TestClient_AllowsRedirect_look_alikes(t *testing.T) {
	t.Parallel()
	exact := client("https://app.example/cb")
	for _, uri := range []string{
		"", "/", "//app.example/cb", "https:app.example/cb", "http://app.example/cb", "HTTPS://app.example/cb", "https://APP.example/cb",
		"https://app.example/cb/", "https://app.example/CB", "https://app.example/cb?", "https://app.example/cb?x=1", "https://app.example/cb#", "https://app.example/cb#x",
		"https://app.example:443/cb", "https://app.example./cb", "https://app.example/../cb", "https://app.example/x/../cb", "https://app.example/%63b",
		"https://app.example/cb%00", "https://app.example/cb\x00", "https://app.example/cb\n", " https://app.example/cb", "https://app.example/cb ", "\thttps://app.example/cb",
		"https://app.example@evil.example/cb", "https://evil.example/https://app.example/cb", "https://evil.example#https://app.example/cb",
		"https://evil.example\\@app.example/cb", "https://app.example\\.evil.example/cb", "https:\\\\app.example/cb", "https://app.example.evil.example/cb",
		"https://app%2eexample/cb", "https://app。example/cb", "https://арр.example/cb", "javascript:alert(1)//https://app.example/cb", "data:text/html,https://app.example/cb",
	} {
		require.False(t, exact.AllowsRedirect(uri), "%q", uri)
	}
	require.False(t, client("https://*.app.example/cb").AllowsRedirect("https://*.app.example/cb"), "a pattern is no place to go")
	require.False(t, client("https://{organization_name}.app.example/cb").AllowsRedirect("https://{organization_name}.app.example/cb"))
	wild := client("https://*.app.example/cb")
	for _, uri := range []string{
		"https://app.example/cb", "https://.app.example/cb", "https://a.b.app.example/cb", "https://evil.example/.app.example/cb",
		"https://evil.example?.app.example/cb", "https://evil.example#.app.example/cb", "https://evil.example\\.app.example/cb",
		"https://user@x.app.example/cb", "https://user:pw@x.app.example/cb", "https://x.app.example/cb/..", "https://x.app.example:1/cb",
		"https://x%2f.app.example/cb", "https://x:y.app.example/cb", "https://[::1].app.example/cb", "https://*.app.example/cb#f", "https://x app.example/cb",
		"http://x.app.example/cb", "https://x.APP.example/cb", "https://é.app.example/cb",
	} {
		require.False(t, wild.AllowsRedirect(uri), "%q", uri)
	}
	for _, pattern := range []string{
		"https://*", "https://*/cb", "https://*.com/cb", "https://*.com./cb", "https://*:8443/cb", "https://a.*.example.com/cb", "https://*.*.example.com/cb",
		"https://app.example/*", "https://app.example*/cb", "*://app.example.com/cb", "com.app*.x.y:/cb", "https://u@*.app.example/cb", "https://*@app.example.com/cb",
		"https://**.app.example/cb", "https://app.example/cb?*",
	} {
		for _, uri := range []string{"https://evil.com/cb", "https://evil.com./cb", "https://a.x.example.com/cb", "https://x.y.example.com/cb", "https://app.example/x", "https://app.examplex/cb", "http://app.example.com/cb", "https://u@x.app.example/cb", "https://evil@app.example.com/cb", "https://evil:8443/cb", "https://xx.app.example/cb", "https://app.example/cb?x"} {
			require.False(t, client(pattern).AllowsRedirect(uri), "%q must not let %q in", pattern, uri)
		}
	}
	third := client("https://*.app.example/cb", "https://app.example/cb")
	third.FirstParty, third.WebOrigins = false, []string{"https://*.app.example"}
	require.True(t, third.AllowsRedirect("https://x.app.example/cb"), "a third party in permissive mode may register wildcards, and they act")
	third.Strict = true
	require.False(t, third.AllowsRedirect("https://x.app.example/cb"), "strict third parties get no wildcards")
	require.False(t, third.AllowsOrigin("https://x.app.example"))
	require.True(t, third.AllowsRedirect("https://app.example/cb"))
	for _, registered := range []string{"javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "JaVaScRiPt:alert(1)"} {
		require.False(t, client(registered).AllowsRedirect(registered), "a scheme that runs is refused even when registered")
	}
}

func TestClient_AllowsRedirect_loopback_of_native_clients(t *testing.T) {
	t.Parallel()
	native := client("http://127.0.0.1/cb", "http://[::1]/cb")
	native.Native = true
	for _, uri := range []string{"http://127.0.0.1:53127/cb", "http://[::1]:1024/cb", "http://127.0.0.1/cb"} {
		require.True(t, native.AllowsRedirect(uri), "any port of the loopback address (RFC 8252 §7.3): %s", uri)
	}
	for _, uri := range []string{
		"http://localhost:53127/cb", "https://127.0.0.1:53127/cb", "http://127.0.0.1:53127/other", "http://127.0.0.1:53127/cb?x", "http://127.0.0.2:1/cb",
		"http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1.evil.example/cb", "http://user@127.0.0.1:1/cb",
	} {
		require.False(t, native.AllowsRedirect(uri), "%s", uri)
	}
	native.FirstParty, native.Strict = false, true
	require.True(t, native.AllowsRedirect("http://127.0.0.1:53127/cb"), "whoever wrote the application, it cannot choose its port before it runs")
	require.False(t, client("http://127.0.0.1/cb").AllowsRedirect("http://127.0.0.1:5/cb"), "web clients have a port")
}

// Whatever a star lets in is on a host right below the pattern's, as a URL parser sees it, too.
func FuzzClient_AllowsRedirect(f *testing.F) {
	for _, seed := range []string{"https://x.app.example/cb", "https://evil.example/.app.example/cb", "https://a@x.app.example/cb", "https://x\\.app.example/cb"} {
		f.Add(seed)
	}
	c := client("https://*.app.example/cb", "https://pre-*-post.app.example:8443/cb?q=1")
	f.Fuzz(func(t *testing.T, uri string) {
		if !c.AllowsRedirect(uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("allowed %q, which does not parse: %v", uri, err)
		}
		label, parent, _ := strings.Cut(u.Hostname(), ".")
		if u.Scheme != "https" || parent != "app.example" || label == "" || u.User != nil || u.Path != "/cb" || u.Fragment != "" {
			t.Fatalf("allowed %q", uri)
		}
	})
}
