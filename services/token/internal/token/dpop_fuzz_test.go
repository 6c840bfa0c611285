package token_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// said is a reader of proofs that takes every proof for the same.
type said token.ProofClaims

func (s said) ReadProof(string) (token.ProofClaims, error) { return token.ProofClaims(s), nil }

// FuzzProofs looks for a proof that is taken for a request which it was not made for: by another method, of another URL, from another
// time, or beside another access token (RFC 9449 §4.3).
func FuzzProofs(f *testing.F) {
	const target = "https://acme.eu.postern.localhost:8443/oauth/token"
	for _, htu := range []string{
		target, target + "?a=b#c", strings.ToUpper(target), "HTTPS://ACME.eu.postern.localhost:8443/oauth/token", "https://acme.eu.postern.localhost/oauth/token", "//acme.eu.postern.localhost:8443/oauth/token",
		"https://u@acme.eu.postern.localhost:8443/oauth/token", target + "/", "https://acme.eu.postern.localhost:8443/x/../oauth/token", "https://acme.eu.postern.localhost:8443/oauth%2Ftoken",
		"https://evil.example\\@acme.eu.postern.localhost:8443/oauth/token", "https:acme.eu.postern.localhost:8443/oauth/token", "", " " + target, target + "\x00",
	} {
		f.Add("POST", htu, "j", int64(0), "")
	}
	for _, iat := range []int64{-91, -90, -89, 30, 31, 1 << 62, -1 << 62} {
		f.Add("POST", target, "j", iat, "t")
	}
	f.Add("post", target, "", int64(0), "")
	f.Add("GET", target, strings.Repeat("j", 256), int64(0), "")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want, err := url.Parse(target)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, htm, htu, jti string, iat int64, ath string) {
		issued := time.Unix(now.Unix()+iat, 0)
		p := token.NewProofs(said{Thumbprint: "k", ID: jti, Method: htm, URL: htu, Issued: issued, Token: ath}, nil)
		_, err := p.Check([]string{"proof"}, token.Target{Method: "POST", URL: target}, now)
		if _, besideToken := p.Check([]string{"proof"}, token.Target{Method: "POST", URL: target, Token: "t"}, now); besideToken == nil && (err != nil || ath == "t" || len(ath) != 43) {
			t.Fatalf("%q is the hash of another token", ath)
		}
		if err != nil {
			if !fault.Is(err, fault.KindInvalid) {
				t.Fatalf("no refusal: %v", err)
			}
			return
		}
		got, err := url.Parse(htu)
		if err != nil || !strings.EqualFold(got.Scheme, want.Scheme) || !strings.EqualFold(got.Host, want.Host) || got.User != nil || got.EscapedPath() != want.EscapedPath() {
			t.Fatalf("%q is taken for %q: %v", htu, target, err)
		}
		if age := now.Sub(issued); htm != "POST" || jti == "" || len(jti) > 255 || age >= 90*time.Second || age < -30*time.Second {
			t.Fatalf("%q by %q, %v old, is taken", jti, htm, age)
		}
	})
}
