package jwtkit_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern-id/postern/libs/fault"
)

// seedTokens are a right one, and wrong ones of each kind that the attack tests know.
func seedTokens(tb testing.TB) []string {
	tb.Helper()
	p := pairs()["acme-ec"]
	right := p.compact(tb, claims(nil))
	parts := strings.Split(right, ".")
	seeds := []string{right, "", ".", "..", "...", parts[0] + ".." + parts[2], parts[0] + "." + parts[1] + ".", right + ".", right + ".x.y", "a.b.c"}
	for _, header := range []string{
		`{"alg":"none"}`, `{"alg":"HS256","kid":"acme-ec"}`, `{"alg":"ES256","kid":""}`, `{"alg":"ES256","kid":"acme-ec","crit":["b64"],"b64":false}`,
		`{"alg":"ES256","kid":"acme-ec","jku":"https://evil.test"}`, `{"alg":"ES256","alg":"none"}`, `{"alg":["ES256"]}`, `{"alg":"ES256","kid":1}`, `[]`, `null`,
		`{"alg":"ES256","kid":"acme-ec","jwk":{"kty":"oct","k":"AAAA"}}`, `{"alg":"ES256","kid":"acme-ec","x5c":["AAAA"]}`, `{"alg":"ES256","kid":"acme-ec","typ":7}`,
	} {
		seeds = append(seeds, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+parts[1]+"."+parts[2])
	}
	return append(seeds, `{"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`)
}

// FuzzVerifier_VerifyAccess looks for a token that opens the door and was never signed: nothing passes but what has the signed bytes of
// the one that was.
func FuzzVerifier_VerifyAccess(f *testing.F) {
	seeds := seedTokens(f)
	for _, seed := range seeds {
		f.Add(seed)
	}
	v, _, _ := newVerifier()
	right := seeds[0][:strings.LastIndexByte(seeds[0], '.')]
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := v.VerifyAccess(t.Context(), acme, raw, audience)
		if err != nil {
			if !fault.Is(err, fault.KindUnauthenticated) {
				t.Fatalf("%q is no refusal: %v", raw, err)
			}
			return
		}
		if raw[:strings.LastIndexByte(raw, '.')] != right {
			t.Fatalf("%q was never signed, and is %+v", raw, c)
		}
	})
}

// FuzzVerifier_claims looks for claims that are signed and read as something else than they say.
func FuzzVerifier_claims(f *testing.F) {
	for _, changes := range []map[string]any{
		nil,
		{"exp": nil},
		{"exp": 1e300},
		{"exp": "soon"},
		{"x": json.Number("1E700")},
		{"nbf": -1},
		{"aud": []string{"x", audience}},
		{"aud": map[string]any{}},
		{"azp": nil, "client_id": "c"},
		{"scope": []string{"x"}},
		{"iss": []string{"x"}},
	} {
		plain, err := json.Marshal(claims(changes))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(`{"alg":"ES256","kid":"acme-ec","typ":"JWT"}`, string(plain))
		f.Add(`{"alg":"ES256","kid":"acme-ec","typ":"at+jwt"}`, strings.Replace(string(plain), `"aud"`, `"aud":"x","AUD"`, 1))
		f.Add(`{"alg":"ES256","kid":"acme-ec"}`, strings.Replace(string(plain), `{`, `{"iss":"x",`, 1))
	}
	v, _, now := newVerifier()
	p := pairs()["acme-ec"]
	f.Fuzz(func(t *testing.T, header, payload string) {
		enc := base64.RawURLEncoding
		input := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(payload))
		sig, err := p.sign(t.Context(), []byte(input))
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.VerifyAccess(t.Context(), acme, input+"."+enc.EncodeToString(sig), audience)
		if err != nil {
			if !fault.Is(err, fault.KindUnauthenticated) {
				t.Fatalf("%s is no refusal: %v", payload, err)
			}
			return
		}
		var plain map[string]any
		other := json.NewDecoder(strings.NewReader(payload))
		other.UseNumber() // JSON has numbers of any size (RFC 8259 §6)
		if err := other.Decode(&plain); err != nil || !json.Valid([]byte(payload)) {
			t.Fatalf("%q is no JSON to another parser: %v", payload, err)
		}
		switch {
		case plain["iss"] != acme.Issuer() || c.Issuer != acme.Issuer():
			t.Fatalf("issuer of %s", payload)
		case !holds(plain["aud"], audience):
			t.Fatalf("audience of %s", payload)
		case !now.Now().Before(c.Expiry.Add(v.Leeway)):
			t.Fatalf("%s has expired", payload)
		case c.AuthorizedParty == "":
			t.Fatalf("%s names no client", payload)
		}
	})
}

// holds reports whether aud is want, or a list with it in.
func holds(aud any, want string) bool {
	list, ok := aud.([]any)
	if !ok {
		return aud == want
	}
	for _, one := range list {
		if one == want {
			return true
		}
	}
	return false
}
