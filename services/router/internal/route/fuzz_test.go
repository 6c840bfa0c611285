package route_test

import (
	"strings"
	"testing"

	"github.com/postern-id/postern/services/router/internal/route"
)

// FuzzNormalHost looks for a Host header that is taken for a host name and is none, or that has a second normal form: the directory
// knows each host by one text, and so must every reader of it.
func FuzzNormalHost(f *testing.F) {
	for _, seed := range []string{
		"", "acme.eu.example.com", "ACME.eu.Example.com:8443", "acme.example.com.", "acme.example.com..", "bücher.example.com", "acme。example。com", "acme.example.com。", ":8443",
		"acme.example.com:", "acme.example.com:evil", "acme.example.com:1:2", "[::1]:80", "::1", "a_b.example.com", "acme\x00.example.com", "a..b", ".a", "-a.example.com", "XN--BCHER-KVA.example.com",
		"xn--a", "XN--A", "ſ.example.com", "K.example.com", "\u200d.example.com", "\xff.example.com", strings.Repeat("a", 64) + ".É", strings.Repeat("é.", 60), "faß.de", "acme.example.com:8443@evil.example", "１２７.0.0.1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		normal, ok := route.NormalHost(host)
		if !ok {
			if normal != "" {
				t.Fatalf("%q is no host, and is %q", host, normal)
			}
			return
		}
		if normal == "" || len(normal) > 253 || strings.Trim(normal, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
			t.Fatalf("%q is %q", host, normal)
		}
		for label := range strings.SplitSeq(normal, ".") {
			if label == "" || len(label) > 63 {
				t.Fatalf("%q is %q", host, normal)
			}
		}
		if again, ok := route.NormalHost(normal); !ok || again != normal {
			t.Fatalf("%q is %q, and that is %q: %t", host, normal, again, ok)
		}
		for _, same := range []string{strings.ToUpper(normal), normal + ".", normal + ":8443", normal + ".:443"} {
			if again, ok := route.NormalHost(same); !ok || again != normal {
				t.Fatalf("%q is %q, and %q is %q: %t", host, normal, same, again, ok)
			}
		}
	})
}

// FuzzServiceFor looks for a path of the Management API that the service of logins would be asked for, and for the other way around:
// the two are held to different limits.
func FuzzServiceFor(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/authorize", "/api/v2", "/api/v2/", "/api/v2/clients", "/api/v2/users/a%2Fb/logs", "/api/v2//users//logs", "/api/v2/users/a/logs/x", "/api/v2/../authorize", "//api/v2/clients",
		"/api/v2/keys/signing", "/api/v2/keys", "/api/v2%2Fclients", "/API/V2/clients", "/oidc/register", "/oidc/register/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		s, ok := route.ServiceFor(path)
		if !ok {
			if !route.IsManagement(path) {
				t.Fatalf("nobody answers %q", path)
			}
			return
		}
		switch {
		case path == route.Registration:
			ok = s == route.Client
		case !route.IsManagement(path):
			ok = s == route.Token
		default:
			resource, rest, _ := strings.Cut(strings.TrimPrefix(path, "/api/v2/"), "/")
			_, part, _ := strings.Cut(rest, "/")
			own := map[string]bool{"keys": true, "sessions": true, "refresh-tokens": true, "grants": true, "device-credentials": true}[resource]
			ok = s != route.Token || own || resource == "users" && (part == "sessions" || part == "refresh-tokens")
		}
		if !ok {
			t.Fatalf("%q is for %q", path, s)
		}
	})
}
