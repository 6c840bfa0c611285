package token

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// PushedURIPrefix begins the request_uri of a pushed request (RFC 9126 §2.2).
const PushedURIPrefix = "urn:ietf:params:oauth:request_uri:"

const (
	// pushedTTL is how long a pushed request waits for its browser where the client says nothing: as long as on the wire.
	pushedTTL = 30 * time.Second
	// maxPushed bounds what is kept of a pushed request, in bytes.
	maxPushed = 32 << 10
)

// Pushed is an authorization request that its client left here (RFC 9126).
type Pushed struct {
	URI      Hash // of the secret in its request_uri
	ClientID string
	Params   url.Values
	Signed   bool // it was a signed request object
	Expires  time.Time
}

// PushStore keeps pushed requests, each visible to its own tenant only.
type PushStore interface {
	SavePushed(ctx context.Context, tenant tenancy.ID, p Pushed) error
	// UsePushed removes the request and gives it. Of two concurrent calls one wins; the other, like an expired request or another
	// tenant's, is fault.NotFound.
	UsePushed(ctx context.Context, tenant tenancy.ID, uri Hash, now time.Time) (Pushed, error)
}

// PushRequest is a request to /oauth/par.
type PushRequest struct {
	Params Params
	Basic  *Basic
	Origin Origin
	Proofs []string // its DPoP headers
}

// Push takes an authorization request from its client (RFC 9126 §2), holds it to all that /authorize would, and gives the URI that
// stands for it and how long. The wire keeps it closed until the tenant opens it. Failures leave a fact.
func (l *Logins) Push(ctx context.Context, t tenancy.Tenant, req PushRequest) (uri string, life time.Duration, err error) {
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return "", 0, err
	}
	if !settings.PushedRequests {
		return "", 0, fault.New(fault.KindNotFound, "endpoint_disabled", "Pushed authorization requests are disabled for the tenant")
	}
	c, id, err := l.auth.Authenticate(ctx, t, req.Params, req.Basic, l.now(), t.Issuer()+"oauth/par") // §2: as an audience, too
	if err == nil {
		uri, life, err = l.push(ctx, t, c, settings, req)
	}
	if err == nil {
		return uri, life, nil
	}
	err = c.worded(err)
	reason := fault.Of(err)
	switch reason.Kind {
	case fault.KindInternal, fault.KindUnavailable, fault.KindTooMany:
		return "", 0, err
	case fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
	}
	f := factOf(t, l.now(), PushRefused, "fpar")
	f.ClientID, f.Origin, f.Description, f.Scope = id, req.Origin, reason.Message, ParseScope(req.Params["scope"])
	if c != nil {
		f.ClientName = c.Name
	}
	f.Details = map[string]any{"error": map[string]any{"message": reason.Message, "oauthError": reason.Code}}
	if lost := l.store.RecordFact(ctx, f); lost != nil {
		return "", 0, lost
	}
	return "", 0, err
}

func (l *Logins) push(ctx context.Context, t tenancy.Tenant, c *Client, settings *Settings, req PushRequest) (string, time.Duration, error) {
	if c.Strict {
		return "", 0, fault.Denied(oauth.UnauthorizedClient, "Pushed authorization requests are not allowed for the client.")
	}
	in := received{client: c, params: url.Values{"client_id": {c.Identifier()}}, pushed: true}
	size := 0
	for name, value := range req.Params {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type", "client_id": // how the client proved itself is not the request's
			continue
		case "request_uri": // RFC 9126 §2.1
			return "", 0, fault.Invalid(oauth.InvalidRequest, "request_uri must not be pushed")
		}
		size += len(name) + len(value)
		in.params.Set(name, value)
	}
	if size > maxPushed {
		return "", 0, fault.Invalid(oauth.InvalidRequest, "The request is too long")
	}
	if id := req.Params["client_id"]; id != "" {
		in.params.Set("client_id", id)
	}
	if err := in.open(t, l.objects, l.now()); err != nil {
		return "", 0, err
	}
	if err := l.bind(ctx, t, in, req.Proofs); err != nil {
		return "", 0, err
	}
	r, err := l.findRedirect(ctx, t, in)
	if err != nil {
		return "", 0, heard(err)
	}
	if err := r.read(in, settings); err != nil {
		return "", 0, err
	}
	if err := l.expect(ctx, t, in, &r); err != nil {
		return "", 0, heard(err)
	}
	life := c.PARLifetime
	if life <= 0 {
		life = pushedTTL
	}
	life = c.pushedLife(life)
	secret := newSecret()
	pushed := Pushed{URI: HashOf(secret), ClientID: c.ID, Params: in.params, Signed: in.signed, Expires: l.now().Add(life)}
	if err := l.pushes.SavePushed(ctx, t.ID, pushed); err != nil {
		return "", 0, err
	}
	return PushedURIPrefix + secret, life, nil
}

// heard makes of what a browser would be refused what the client is told that pushes it: a request that cannot be taken (RFC 9126 §2.3).
func heard(err error) error {
	f := fault.Of(err)
	if f.Kind != fault.KindDenied {
		return err
	}
	return fault.Invalid(f.Code, f.Message).Because(err)
}

// bind ties the code to the key that the push proves to hold, as if it were named by dpop_jkt; the two must agree (RFC 9449 §10.1).
func (l *Logins) bind(ctx context.Context, t tenancy.Tenant, in received, proofs []string) error {
	key, err := l.proofs.Key(ctx, t, proofs, Target{Method: methodPost, URL: endpointOf(t, PathPush)}, l.now())
	if err != nil || key == "" {
		return err
	}
	if named := in.params.Get(paramThumbprint); named != "" && !sameKey(named, key) {
		return badProof(errors.New("its key is not the one of dpop_jkt"))
	}
	in.params.Set(paramThumbprint, key)
	return nil
}

// pushed takes the parameters from what the client pushed; those of the query but its client_id do not count (RFC 9126 §4). Each is
// good for one use (§7.3) by its own client.
func (l *Logins) pushed(ctx context.Context, t tenancy.Tenant, in received, uri string) (received, error) {
	p, err := l.pushes.UsePushed(ctx, t.ID, HashOf(uri[len(PushedURIPrefix):]), l.now())
	if fault.Is(err, fault.KindNotFound) || err == nil && p.ClientID != in.client.ID {
		return in, fault.Invalid("invalid_request_uri", "The request_uri is invalid, expired or was used before")
	}
	if err != nil {
		return in, err
	}
	in.params, in.pushed, in.signed = p.Params, true, p.Signed
	return in, nil
}
