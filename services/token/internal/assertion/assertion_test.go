package assertion_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/assertion"
	"github.com/postern-id/postern/services/token/internal/token"
)

// FuzzReader looks for a client assertion, or a request object, that passes without a signature of the client's, and for one that is
// signed and read as something else than it says.
func FuzzReader(f *testing.F) {
	private, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // small, so that many are tried
	if err != nil {
		f.Fatal(err)
	}
	keys := []token.Credential{{KeyID: "k1", Alg: token.AlgRS256, Public: &private.PublicKey}}
	const header = `{"alg":"RS256","kid":"k1"}`
	for _, h := range []string{
		header, `{"alg":"RS256"}`, `{"alg":"none"}`, `{"alg":"PS256","kid":"k1"}`, `{"alg":"RS256","kid":"k1","typ":"oauth-authz-req+jwt"}`,
		`{"alg":"RS256","kid":"k1","crit":["b64"],"b64":false}`, `{"alg":"RS256","jku":"https://evil.test/"}`, `{"alg":"RS256","kid":"k1","typ":1}`, `[]`,
	} {
		for _, claims := range []string{
			`{"iss":"c","sub":"c","aud":"https://acme.test/","jti":"1","exp":1772366460}`, `{"iss":"c","ISS":"d","aud":["a","b"]}`, `{"iss":"c","iss":"d"}`,
			`{"exp":1e300}`, `{"aud":{}}`, `{"client_id":"c","redirect_uri":"https://x","claims":{"id_token":{"acr":null}}}`, `null`, `{}{}`, ``,
		} {
			f.Add(h, claims, true)
		}
		f.Add(h, `{"iss":"c","sub":"c"}`, false)
	}
	f.Fuzz(func(t *testing.T, header, claims string, signed bool) {
		enc := base64.RawURLEncoding
		raw := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
		sig := []byte(claims)
		if signed {
			digest := sha256.Sum256([]byte(raw))
			if sig, err = rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]); err != nil {
				t.Fatal(err)
			}
		}
		raw += "." + enc.EncodeToString(sig)
		got, readErr := assertion.Reader{}.Read(raw, keys)
		object, objectErr := assertion.Reader{}.ReadObject(raw, keys)
		if readErr != nil && !fault.Is(readErr, fault.KindUnauthenticated) || objectErr != nil && !fault.Is(objectErr, fault.KindInvalid) {
			t.Fatalf("no refusals: %v, %v", readErr, objectErr)
		}
		if !signed && (readErr == nil || objectErr == nil) {
			t.Fatalf("%s %s passes, and nobody signed it", header, claims)
		}
		if readErr != nil {
			return
		}
		var plain map[string]any
		other := json.NewDecoder(strings.NewReader(claims))
		other.UseNumber() // JSON has numbers of any size (RFC 8259 §6)
		if err := other.Decode(&plain); err != nil || !json.Valid([]byte(claims)) {
			t.Fatalf("%q is no JSON to another parser: %v", claims, err)
		}
		if iss, _ := plain["iss"].(string); iss != got.Issuer {
			t.Fatalf("issuer %q of %s", got.Issuer, claims)
		}
		if objectErr == nil && len(object) != len(plain) {
			t.Fatalf("%d parameters of %s", len(object), claims)
		}
	})
}

// FuzzReader_bytes looks for any text at all that passes.
func FuzzReader_bytes(f *testing.F) {
	private, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // small, so that many are tried
	if err != nil {
		f.Fatal(err)
	}
	keys := []token.Credential{{KeyID: "k1", Alg: token.AlgRS256, Public: &private.PublicKey}}
	for _, seed := range []string{"", "..", "a.b.c", strings.Repeat(".", 8), "eyJhbGciOiJub25lIn0.e30.", `{"payload":"e30","signatures":[]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := (assertion.Reader{}).Read(raw, keys); err == nil {
			t.Fatalf("%q passes, and nobody signed it", raw)
		}
	})
}
