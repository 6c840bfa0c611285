// Package assertion is the domain's AssertionReader over go-jose: it checks the signatures of client assertions (RFC 7523) and reads
// what they say. Whether that is right for who sends them, and when, is the domain's to say.
package assertion

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json" // refuses names that stand there twice (RFC 7519 §4), and takes them as they are spelled

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Reader implements token.AssertionReader and token.RequestObjectReader.
type Reader struct{}

var (
	_ token.AssertionReader     = Reader{}
	_ token.RequestObjectReader = Reader{}
)

// accepted are the only algorithms an assertion may name (RFC 8725 §3.1).
var accepted = func() []jose.SignatureAlgorithm {
	var algs []jose.SignatureAlgorithm
	for _, alg := range token.AssertionAlgs() {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	return algs
}()

// Read implements token.AssertionReader. A header that names a key is believed about nothing but which of the client's own it is.
func (Reader) Read(raw string, keys []token.Credential) (token.AssertionClaims, error) {
	payload, err := verify(raw, keys, "jwt", "client-authentication+jwt")
	if err != nil {
		return token.AssertionClaims{}, refused(err)
	}
	return read(payload)
}

// ReadObject implements token.RequestObjectReader. A request object that is encrypted, or signed by nobody, is refused.
func (Reader) ReadObject(raw string, keys []token.Credential) (map[string]any, error) {
	payload, err := verify(raw, keys, "jwt", "oauth-authz-req+jwt")
	if err != nil {
		return nil, fault.Invalid("invalid_request_object", "Invalid request object").Because(err)
	}
	var claims map[string]any
	if err := strict.Unmarshal(payload, &claims); err != nil {
		return nil, fault.Invalid("invalid_request_object", "Invalid request object").Because(err)
	}
	claims = nil
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		return nil, fault.Invalid("invalid_request_object", "Invalid request object").Because(err)
	}
	return claims, nil
}

// verify gives what one of the keys signed, of the types given, in small letters, or none (RFC 8725 §3.11): what a client signs for one
// purpose is no good for another. Keys, and addresses of keys, in the header are nobody's word (RFC 8725 §3.10) and are not looked at.
func verify(raw string, keys []token.Credential, types ...string) ([]byte, error) {
	sig, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return nil, err
	}
	header := sig.Signatures[0].Protected
	for _, extension := range []jose.HeaderKey{"crit", "b64"} {
		if _, there := header.ExtraHeaders[extension]; there {
			return nil, fmt.Errorf("the header has %s", extension)
		}
	}
	typ, there := header.ExtraHeaders[jose.HeaderType]
	name, _ := typ.(string)
	if there && !slices.Contains(types, strings.TrimPrefix(strings.ToLower(name), "application/")) {
		return nil, fmt.Errorf("a token of type %.64q", name)
	}
	for _, key := range keys {
		if key.Alg != header.Algorithm || header.KeyID != "" && key.KeyID != header.KeyID {
			continue
		}
		if payload, err := sig.Verify(key.Public); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("none of the client's keys signed it")
}

// read gives the registered claims (RFC 7519 §4.1).
func read(payload []byte) (token.AssertionClaims, error) {
	var c struct {
		Issuer    string   `json:"iss"`
		Subject   string   `json:"sub"`
		ID        string   `json:"jti"`
		Audience  audience `json:"aud"`
		Expires   *float64 `json:"exp"`
		NotBefore *float64 `json:"nbf"`
		Issued    *float64 `json:"iat"`
	}
	if err := strict.Unmarshal(payload, &c); err != nil {
		return token.AssertionClaims{}, refused(err)
	}
	out := token.AssertionClaims{Issuer: c.Issuer, Subject: c.Subject, ID: c.ID, Audience: c.Audience}
	for _, at := range []struct {
		from *float64
		to   *time.Time
	}{{c.Expires, &out.Expires}, {c.NotBefore, &out.NotBefore}, {c.Issued, &out.Issued}} {
		if at.from == nil {
			continue
		}
		if math.Abs(*at.from) > 1<<40 { // past any date that time.Unix keeps in order
			return token.AssertionClaims{}, refused(fmt.Errorf("a time of %g", *at.from))
		}
		*at.to = time.Unix(int64(*at.from), 0)
	}
	return out, nil
}

func refused(cause error) error { return fault.Unauthenticated("Invalid assertion").Because(cause) }

// audience is one or several (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}
