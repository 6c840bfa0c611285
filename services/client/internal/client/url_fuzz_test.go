package client_test

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

// FuzzCallbacks looks for a callback that may be registered and that a browser would read as something else than a URL parser, that runs
// in the page, or whose star stands for more than a part of one label (RFC 9700 §4.1.3).
func FuzzCallbacks(f *testing.F) {
	for _, seed := range []string{
		"https://app.example/cb", "https://*.app.example/cb", "https://pre-*.app.example:8443/cb?a=b", "https://{organization_name}.app.example/cb", "https://{custom_domain.metadata.public_x}/cb", "com.example.app:/cb",
		"javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "java\tscript:alert(1)", "https://u:p@app.example/", "https://app.example\\@evil.example/", "https://app.example#x", "https://*", "https://*.com",
		"https://*.*.app.example", "https://app.example/*", "https://*.app.example:x@evil.example/", "https://a%2f*.app.example/", "https://*.a%40b.example/", "http://127.0.0.1/cb", "http://[::1]:99999/", "https://", "https:///x",
		"//app.example", "https://app.example:/", "https://é.example/", "https://app.example/\u202e", "https://*.app.example/{organization_name}", "https://{a}.example/", "https://app.example/%00", "", "https://*.com.:443/", "https://a*.com.:",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if _, err := client.NewClient(client.Settings{"name": "x", "callbacks": []any{uri}}, noon); err != nil {
			if !fault.Is(err, fault.KindInvalid) {
				t.Fatalf("%q is no refusal: %v", uri, err)
			}
			return
		}
		if len(uri) > 2048 || strings.ContainsAny(uri, "\\#") || strings.ContainsFunc(uri, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
			t.Fatalf("%q is taken", uri)
		}
		scheme, rest, ok := strings.Cut(uri, ":")
		if !ok || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "" {
			t.Fatalf("%q has no scheme", uri)
		}
		switch strings.ToLower(scheme) {
		case "javascript", "data", "vbscript", "blob", "file", "about", "view-source":
			t.Fatalf("%q runs", uri)
		case "http", "https":
		default:
			if strings.ContainsAny(uri, "*{}") {
				t.Fatalf("%q has a star or a placeholder", uri)
			}
			return
		}
		authority := strings.TrimPrefix(rest, "//")
		if end := strings.IndexAny(authority, "/?"); end >= 0 {
			authority = authority[:end]
		}
		if !strings.HasPrefix(rest, "//") || authority == "" || strings.Contains(authority, "@") {
			t.Fatalf("%q has the host %q", uri, authority)
		}
		if strings.ContainsAny(strings.TrimPrefix(rest, "//")[len(authority):], "*{}") {
			t.Fatalf("%q has a star or a placeholder behind its host", uri)
		}
		label, parent, _ := strings.Cut(authority, ".")
		host, _, _ := strings.Cut(parent, ":")
		if strings.Contains(authority, "*") && (strings.Count(label, "*") != 1 || strings.Count(authority, "*") != 1 || !strings.Contains(strings.Trim(host, "."), ".")) {
			t.Fatalf("the star of %q stands for too much", uri)
		}
	})
}

// fetched notes what is asked of the world.
type fetched struct{ urls []string }

func (d *fetched) Fetch(_ context.Context, url string, _ int) ([]byte, error) {
	d.urls = append(d.urls, url)
	return []byte("{}"), nil
}

// FuzzService_ReadMetadata looks for a URL that a client could call itself by and that has a second spelling, or that we would fetch from
// this machine.
func FuzzService_ReadMetadata(f *testing.F) {
	for _, seed := range []string{
		"https://app.example/client.json", "https://app.example", "https://app.example/", "http://app.example/c", "HTTPS://app.example/c", "https://APP.example/c", "https://u@app.example/c", "https://app.example/c?", "https://app.example/c#",
		"https://app.example/../c", "https://app.example/%2e%2e/c", "https://app.example/.%2E/c", "https://app.example:/c", "https://app.example:0/c", "https://app.example:443/c", "https://localhost/c", "https://a.localhost./c",
		"https://127.0.0.1/c", "https://[::1]/c", "https://0/c", "https://[::ffff:127.0.0.1]/c", "https://app.example/é", "https://app.example/%zz", "https://app%2eexample/c", "https://app.example\\c", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, at string) {
		docs := &fetched{}
		s := client.NewService(storetest.NewFake(), func() time.Time { return noon }, client.WithDocuments(docs))
		if _, err := s.ReadMetadata(t.Context(), "tnt_1", at); err != nil {
			if !fault.Is(err, fault.KindInvalid) || len(docs.urls) > 0 {
				t.Fatalf("%q: %v, and %q was fetched", at, err, docs.urls)
			}
			return
		}
		if len(docs.urls) != 1 || docs.urls[0] != at {
			t.Fatalf("for %q, %q was fetched", at, docs.urls)
		}
		u, err := url.Parse(at)
		if err != nil || u.Scheme != "https" || !strings.HasPrefix(at, "https://") || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || len(u.Path) < 2 || len(at) > 120 {
			t.Fatalf("%q is fetched: %v", at, err)
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && (addr.Unmap().IsLoopback() || addr.IsUnspecified()) {
			t.Fatalf("%q is this machine", at)
		}
		if normal := u.JoinPath().String(); normal != at && u.JoinPath().EscapedPath() != u.EscapedPath() && !strings.Contains(u.EscapedPath(), "//") {
			t.Fatalf("%q is %q to others", at, normal)
		}
	})
}
