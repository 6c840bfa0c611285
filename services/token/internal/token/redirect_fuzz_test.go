package token_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// FuzzClient_AllowsRedirect_patterns looks for a callback that gets through to where its pattern does not lead: whatever a pattern lets
// in besides itself is on the pattern's own host, or one label below where its star stands, and on the pattern's own path (RFC 9700 §4.1.3).
func FuzzClient_AllowsRedirect_patterns(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example/cb", "https://app.example/cb"},
		{"https://*.app.example/cb", "https://x.app.example/cb"},
		{"https://*.app.example:8443/cb?q=1", "https://x.app.example:8443/cb?q=1"},
		{"https://pre-*-post.app.example/cb", "https://pre-x-post.app.example/cb"},
		{"https://*.app.example:x@evil.com/", "https://x.app.example:x@evil.com/"},
		{"https://*.app.example\\@evil.com/", "https://x.app.example\\@evil.com/"},
		{"https://*.app.example:1:2/cb", "https://x.app.example:1:2/cb"},
		{"https://a%40*.app.example/cb", "https://a%40x.app.example/cb"},
		{"https://*.a%2eb.example/cb", "https://x.a%2eb.example/cb"},
		{"https://*.com", "https://evil.com"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:53127/cb"},
		{"http://[::1]/cb", "http://[::1]:53127/cb"},
		{"http://127.0.0.1/cb?a=1", "http://127.0.0.1:1/cb?a=1"},
		{"http://127.0.0.1@evil.com/cb", "http://127.0.0.1:1@evil.com/cb"},
		{"com.example.app:/cb", "com.example.app:/cb"},
		{"javascript:alert(1)", "javascript:alert(1)"},
		{"https://{organization}.app.test/cb", "https://x.app.test/cb"},
	} {
		f.Add(seed[0], seed[1], true)
		f.Add(seed[0], seed[1], false)
	}
	f.Fuzz(func(t *testing.T, pattern, uri string, native bool) {
		c := &token.Client{FirstParty: true, Callbacks: []string{pattern}, Native: native}
		if !c.AllowsRedirect(uri) {
			return
		}
		if strings.ContainsAny(uri, "\\#*{} \t\r\n\x00\x7f") {
			t.Fatalf("%q lets %q in, which browsers read in their own way", pattern, uri)
		}
		for _, scheme := range []string{"javascript:", "data:", "vbscript:"} {
			if strings.HasPrefix(strings.ToLower(uri), scheme) {
				t.Fatalf("%q runs", uri)
			}
		}
		if uri == pattern {
			return
		}
		got, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q lets %q in, which does not parse: %v", pattern, uri, err)
		}
		want, err := url.Parse(strings.Replace(pattern, "*", "star", 1))
		if err != nil {
			t.Fatalf("%q does not parse, and lets %q in: %v", pattern, uri, err)
		}
		if got.Scheme != want.Scheme || got.User != nil || got.EscapedPath() != want.EscapedPath() || got.RawQuery != want.RawQuery || got.Opaque != want.Opaque {
			t.Fatalf("%q lets %q in", pattern, uri)
		}
		if ip, err := netip.ParseAddr(got.Hostname()); err == nil {
			if !native || !ip.IsLoopback() || got.Scheme != "http" || got.Hostname() != want.Hostname() {
				t.Fatalf("%q lets %q in", pattern, uri)
			}
			return
		}
		_, parent, _ := strings.Cut(got.Hostname(), ".")
		_, named, _ := strings.Cut(want.Hostname(), ".")
		if parent != named || !strings.Contains(parent, ".") || got.Port() != want.Port() {
			t.Fatalf("%q lets %q in: below %q, not %q", pattern, uri, parent, named)
		}
	})
}

// FuzzClient_AllowsOrigin looks for a web origin that gets through and is no origin of the list, or that says more than an origin in a
// header: a policy is built from it.
func FuzzClient_AllowsOrigin(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example", "https://app.example"},
		{"https://app.example:443/x?y#z", "https://APP.example"},
		{"http://app.example:80", "http://app.example"},
		{"https://*.app.example", "https://x.app.example"},
		{"https://*.App.example", "https://*.App.example"},
		{"https://app.example;a b", "https://app.example;a b"},
		{"https://a.example, https://b", "https://a.example, https://b"},
		{"https://u@app.example", "https://app.example"},
		{"https://", "https://"},
		{"https://[::1]:3000", "https://[::1]:3000"},
		{"https://'none'", "https://'none'"},
		{"null", "null"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, entry, origin string) {
		c := &token.Client{FirstParty: true, WebOrigins: []string{entry}}
		if !c.AllowsOrigin(origin) && !c.AllowsWebOrigin(origin) {
			return
		}
		if strings.ContainsAny(origin, " \t\r\n;,'\"\\@/?#*()<>") && !strings.HasPrefix(strings.ToLower(origin), "http") {
			t.Fatalf("%q lets %q in", entry, origin)
		}
		_, authority, ok := strings.Cut(origin, "://")
		if !ok || authority == "" || strings.ContainsAny(authority, " \t\r\n\x00;,'\"\\@/?#*()<>%") {
			t.Fatalf("%q lets %q in, which is no origin", entry, origin)
		}
		got, err := url.Parse(strings.ToLower(origin))
		if err != nil {
			t.Fatalf("%q lets %q in, which does not parse: %v", entry, origin, err)
		}
		want, err := url.Parse(strings.ToLower(strings.Replace(strings.TrimRight(entry, "\\"), "*", "star", 1)))
		if err != nil {
			return // what follows the origin in an entry is nobody's concern
		}
		_, parent, _ := strings.Cut(got.Hostname(), ".")
		_, named, _ := strings.Cut(want.Hostname(), ".")
		if got.Scheme != want.Scheme || got.Hostname() != want.Hostname() && (parent != named || !strings.Contains(parent, ".")) {
			t.Fatalf("%q lets %q in", entry, origin)
		}
	})
}

// FuzzLogins_Logout looks for a way out that leads to a host which is not in the list.
func FuzzLogins_Logout(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://app.example/bye", "https://app.example/bye?x=1#y"},
		{"https://*.app.example", "https://x.app.example"},
		{"https://app.example", "https://app.example@evil.example"},
		{"https://app.example/", "https://app.example\\@evil.example/"},
		{"https://*.app.example:x@evil/", "https://x.app.example:x@evil/"},
		{"app:/bye", "app:/bye?x"},
		{"https:app.example", "https:app.example"},
		{"javascript:alert(1)", "javascript:alert(1)//"},
		{"https://app.example/a b", "https://app.example/a b"},
		{"HTTPS://APP.example/bye", "https://app.EXAMPLE/bye"},
		{"https://*.app.example/bye?to=*", "https://x.app.example/bye"},
	} {
		f.Add(seed[0], seed[1])
	}
	ten := home()
	f.Fuzz(func(t *testing.T, entry, uri string) {
		config := tokentest.NewConfiguration()
		config.Settings[ten.ID] = &token.Settings{AllowedLogoutURLs: []string{entry}}
		l := token.NewLogins(token.LoginDeps{Config: config, Store: storetest.NewFake(), Now: time.Now})
		plain, err := l.Logout(t.Context(), ten, token.Logout{ReturnTo: uri}, token.Browser{})
		end, endErr := l.EndSession(t.Context(), ten, token.EndRequest{ReturnTo: uri}, token.Browser{})
		for _, way := range []struct {
			to  string
			err error
		}{{plain, err}, {end.To, endErr}} {
			if way.err != nil || way.to == "" {
				continue
			}
			if way.to != uri || strings.ContainsAny(uri, "\\ \t\r\n\x00\x7f") {
				t.Fatalf("%q leads to %q", entry, way.to)
			}
			got, err := url.Parse(uri)
			if err != nil || uri == entry {
				continue // leads nowhere, or just where the tenant said
			}
			want, err := url.Parse(strings.Replace(entry, "*", "star", 1))
			if err != nil {
				continue
			}
			_, parent, _ := strings.Cut(strings.ToLower(got.Hostname()), ".")
			_, named, _ := strings.Cut(strings.ToLower(want.Hostname()), ".")
			if got.Scheme != want.Scheme || got.User != nil || !strings.EqualFold(got.Host, want.Host) && (parent != named || !strings.Contains(parent, ".")) {
				t.Fatalf("%q leads to %q", entry, uri)
			}
		}
	})
}
