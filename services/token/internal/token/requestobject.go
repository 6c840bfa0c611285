package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// RequestObjectReader reads signed authorization requests (RFC 9101).
type RequestObjectReader interface {
	// ReadObject gives what a JWT says that one of the keys signed, by the key's own algorithm; numbers are json.Number. Any other is
	// fault.Invalid.
	ReadObject(raw string, keys []Credential) (map[string]any, error)
}

// maxObjectLife bounds how long a request object is good for.
const maxObjectLife = time.Hour

// open takes the parameters from the request object, where there is one and the client has keys for such. The others do not count then
// (RFC 9101 §5), so that nobody on the way adds to what was signed.
func (in *received) open(t tenancy.Tenant, objects RequestObjectReader, now time.Time) error {
	raw, err := one(in.params, "request")
	if err != nil {
		return err
	}
	var keys []Credential
	for _, key := range in.client.Compliance.objectKeys(in.client.Credentials) {
		if key.Method == MethodRequestObject && key.Public != nil && (key.Expires.IsZero() || now.Before(key.Expires)) {
			keys = append(keys, key)
		}
	}
	if raw == "" || len(keys) == 0 {
		return nil
	}
	id := in.params.Get("client_id")
	if len(raw) > maxAssertion {
		return badObject(errors.New("too long"))
	}
	claims, err := objects.ReadObject(raw, keys)
	if err != nil {
		return badObject(err)
	}
	if err := checkObject(claims, id, t.Issuer(), now); err != nil {
		return badObject(err)
	}
	if err := in.client.Compliance.checkObject(claims, now); err != nil {
		return badObject(err)
	}
	params := url.Values{}
	for name, value := range claims {
		switch name {
		case "iss", "aud", "exp", "nbf", "iat", "jti":
			continue
		}
		text, err := paramOf(value)
		if err != nil {
			return badObject(fmt.Errorf("%s: %w", name, err))
		}
		params.Set(name, text)
	}
	in.params, in.signed = params, true
	return nil
}

func badObject(cause error) error {
	return fault.Invalid("invalid_request_object", "The request object is invalid").Because(cause)
}

// checkObject holds a request object against who sends it, to whom, and when (RFC 9101 §4, §6.3, §10.8).
func checkObject(claims map[string]any, id, issuer string, now time.Time) error {
	text := func(name string) string { s, _ := claims[name].(string); return s }
	for _, name := range []string{"request", "request_uri", "sub"} { // a sub would make it a client assertion (RFC 9101 §10.8)
		if _, there := claims[name]; there {
			return fmt.Errorf("it has a %s", name)
		}
	}
	if text("client_id") != id || text("iss") != id {
		return errors.New("iss and client_id must be the client")
	}
	if !slices.Contains(textsOf(claims["aud"]), issuer) {
		return errors.New("it is for somebody else")
	}
	expires, ok := timeOf(claims["exp"])
	if !ok || !now.Before(expires.Add(assertionLeeway)) || expires.After(now.Add(maxObjectLife)) {
		return errors.New("it has expired, never does, or lives too long")
	}
	for _, name := range []string{"nbf", "iat"} {
		if _, there := claims[name]; !there {
			continue
		}
		if at, ok := timeOf(claims[name]); !ok || at.After(now.Add(assertionLeeway)) {
			return errors.New("it is from the future")
		}
	}
	return nil
}

func textsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// timeOf reads a NumericDate (RFC 7519 §2) that time.Unix keeps in order.
func timeOf(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || f < 0 || f > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0), true
}

// paramOf gives a claim as the parameter it stands for: text as it is, structures as JSON (RFC 9101 §4).
func paramOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool, map[string]any, []any:
		b, err := json.Marshal(v)
		return string(b), err
	}
	return "", fmt.Errorf("a %T", v)
}

// ObjectAlgs are the algorithms by which clients sign authorization requests.
func ObjectAlgs() []string { return AssertionAlgs() }
