package token

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Basic is what an Authorization header of scheme Basic held (RFC 6749 §2.3.1).
type Basic struct {
	ID     string
	Secret string
}

// credentials are how a client says who it is.
type credentials struct {
	id        string
	secret    string
	assertion string
	audiences []string // that an assertion may name beside the usual ones
	method    string   // oauth.AuthBasic, AuthPost or AuthPrivateKeyJWT; oauth.AuthNone when there is no proof in the request itself
}

// credentialsOf reads them. A client that authenticates twice in one request is refused (RFC 6749 §2.3).
func credentialsOf(p Params, basic *Basic) (credentials, error) {
	if p["client_assertion"] != "" || p["client_assertion_type"] != "" {
		return assertedBy(p, basic)
	}
	if basic == nil {
		if p["client_id"] == "" {
			return credentials{}, missing("client_id")
		}
		c := credentials{id: p["client_id"], secret: p["client_secret"], method: oauth.AuthPost}
		if c.secret == "" {
			c.method = oauth.AuthNone
		}
		return c, nil
	}
	if p["client_secret"] != "" || p["client_id"] != "" && p["client_id"] != basic.ID {
		return credentials{}, oneMethod()
	}
	return credentials{id: basic.ID, secret: basic.Secret, method: oauth.AuthBasic}, nil
}

func oneMethod() error {
	return fault.Invalid(oauth.InvalidRequest, "The client must authenticate by one method only")
}

// Authenticator finds out whether clients are who they say, at every endpoint that they call themselves.
type Authenticator struct {
	config     Configuration
	assertions AssertionReader
	used       AssertionStore
}

// NewAuthenticator makes one; assertions and used are for clients that prove a key.
func NewAuthenticator(config Configuration, assertions AssertionReader, used AssertionStore) *Authenticator {
	return &Authenticator{config: config, assertions: assertions, used: used}
}

// Authenticate reads who calls and proves it. The name is given beside a failure, too, as far as it was said. Assertions are for the
// issuer or the token endpoint, or for one of the further audiences.
func (a *Authenticator) Authenticate(
	ctx context.Context, t tenancy.Tenant, p Params, basic *Basic, now time.Time, audiences ...string,
) (c *Client, id string, err error) {
	cred, err := credentialsOf(p, basic)
	if err != nil {
		return nil, "", err
	}
	cred.audiences = audiences
	c, err = a.authenticate(ctx, t, cred, now)
	if err != nil {
		return nil, cred.id, err
	}
	return c, cred.id, nil
}

func failedAuthentication() *fault.Error {
	return fault.New(fault.KindUnauthenticated, oauth.InvalidClient, "Client authentication failed")
}

// authenticate finds the client and checks that it is who it says, by the method it is configured for. Why it is not stays untold.
func (a *Authenticator) authenticate(ctx context.Context, t tenancy.Tenant, cred credentials, now time.Time) (*Client, error) {
	c, err := a.find(ctx, t, cred)
	if err != nil {
		return nil, err
	}
	if !c.Compliance.authenticates(cred.method) || c.Compliance.profiled() && len(c.AuthMethods) == 0 {
		return c, failedAuthentication().Because(errProfile)
	}
	right := c.Secret != "" && sameSecret(cred.secret, string(c.Secret))
	if len(c.AuthMethods) > 0 { // a secret does not count for a client that proves a key
		switch {
		case cred.method == oauth.AuthPrivateKeyJWT && slices.Contains(c.AuthMethods, oauth.AuthPrivateKeyJWT):
			return c, a.prove(ctx, t, c, cred, now)
		case cred.method == oauth.AuthNone: // its name alone: the certificate proves it (RFC 8705 §2)
			return c, a.proveByCertificate(ctx, t, c, now)
		}
		return c, failedAuthentication()
	}
	switch c.AuthMethod {
	case oauth.AuthNone:
		// A public client may have a secret, for HS256; a wrong one is still a wrong one.
		if cred.method == oauth.AuthNone || right {
			return c, nil
		}
	case oauth.AuthPost, oauth.AuthBasic:
		if right && cred.method == c.AuthMethod {
			return c, nil
		}
	case "":
		if right {
			return c, nil
		}
	}
	return c, failedAuthentication()
}

func (a *Authenticator) find(ctx context.Context, t tenancy.Tenant, cred credentials) (*Client, error) {
	c, err := a.config.FindClient(ctx, t.ID, cred.id)
	if fault.Is(err, fault.KindNotFound) {
		sameSecret(cred.secret, cred.id) // an unknown client takes as long as a wrong secret
		return nil, failedAuthentication()
	}
	return c, err
}
