package token

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	// maxAssertion bounds a client assertion, in bytes.
	maxAssertion = 16 << 10
	// maxAssertionLife bounds how long an assertion is good for, and with it how long its use is remembered.
	maxAssertionLife = 5 * time.Minute
	// assertionLeeway is how far a client's clock may be off.
	assertionLeeway = 30 * time.Second
	maxAssertionID  = 255
)

// AssertionAlgs are the algorithms by which clients sign assertions.
func AssertionAlgs() []string { return []string{AlgRS256, "RS384", AlgPS256} }

// assertedBy reads whose assertion was sent (RFC 7521 §4.2). The name is only proved with the signature.
func assertedBy(p Params, basic *Basic) (credentials, error) {
	switch {
	case basic != nil || p["client_secret"] != "":
		return credentials{}, oneMethod()
	case p["client_assertion_type"] != oauth.AssertionJWT:
		return credentials{}, fault.Invalid(oauth.InvalidRequest, "Unsupported client_assertion_type")
	case p["client_assertion"] == "":
		return credentials{}, missing("client_assertion")
	}
	id, err := subjectOf(p["client_assertion"])
	if err != nil {
		return credentials{}, fault.Invalid(oauth.InvalidRequest, "The client_assertion is no JWT with a sub").Because(err)
	}
	if p["client_id"] != "" && p["client_id"] != id { // RFC 7521 §4.2
		return credentials{}, failedAuthentication().Because(errors.New("client_id is not the assertion's sub"))
	}
	return credentials{id: id, assertion: p["client_assertion"], method: oauth.AuthPrivateKeyJWT}, nil
}

// subjectOf reads the sub of a JWT that is not verified yet.
func subjectOf(raw string) (string, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > maxAssertion {
		return "", errors.New("not a JWS in compact form")
	}
	plain, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims map[string]any
	if err := json.Unmarshal(plain, &claims); err != nil {
		return "", err
	}
	subject, _ := claims["sub"].(string)
	if subject == "" {
		return "", errors.New("it has no sub")
	}
	return subject, nil
}

// prove checks a client's assertion (RFC 7523 §3) and uses it up.
func (a *Authenticator) prove(ctx context.Context, t tenancy.Tenant, c *Client, cred credentials, now time.Time) error {
	var keys []Credential
	for _, key := range c.Compliance.objectKeys(c.Credentials) {
		if key.Method == oauth.AuthPrivateKeyJWT && key.Public != nil && (key.Expires.IsZero() || now.Before(key.Expires)) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return failedAuthentication().Because(errors.New("the client has no key"))
	}
	claims, err := a.assertions.Read(cred.assertion, keys)
	if err != nil {
		return failedAuthentication().Because(err)
	}
	audiences := append([]string{t.Issuer(), t.Issuer() + "oauth/token"}, cred.audiences...)
	if c.Compliance.second() { // FAPI 2.0 §5.3.2.1: for the issuer and for nobody else
		audiences = audiences[:1]
		if len(claims.Audience) != 1 {
			return failedAuthentication().Because(errors.New("it is not for the issuer alone"))
		}
	}
	if err := claims.check(cred.id, audiences, now); err != nil {
		return failedAuthentication().Because(err)
	}
	err = a.used.UseAssertion(ctx, t.ID, HashOf(c.ID+"\x00"+claims.ID), claims.Expires.Add(assertionLeeway))
	if fault.Is(err, fault.KindConflict) {
		return failedAuthentication().Because(errors.New("the assertion was used before"))
	}
	return err
}

// check holds what an assertion says against who sends it, to whom, and when.
func (c AssertionClaims) check(id string, audiences []string, now time.Time) error {
	began := now // of the life that expires ends; a client need not say
	if !c.Issued.IsZero() {
		began = c.Issued
	}
	switch {
	case c.Issuer != id || c.Subject != id:
		return errors.New("iss and sub must be the client")
	case !slices.ContainsFunc(c.Audience, func(aud string) bool { return slices.Contains(audiences, aud) }):
		return errors.New("it is for somebody else")
	case c.ID == "" || len(c.ID) > maxAssertionID:
		return errors.New("it has no jti that could be remembered")
	case c.Expires.IsZero() || !now.Before(c.Expires.Add(assertionLeeway)):
		return errors.New("it has expired, or never does")
	case c.Expires.After(began.Add(maxAssertionLife)) || c.Expires.After(now.Add(maxAssertionLife+assertionLeeway)):
		return errors.New("it lives too long")
	case c.Issued.After(now.Add(assertionLeeway)) || c.NotBefore.After(now.Add(assertionLeeway)):
		return errors.New("it is from the future")
	}
	return nil
}
