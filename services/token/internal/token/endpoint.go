package token

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Params are the parameters of a back-channel request, each sent once.
type Params map[string]string

// ExchangeRequest is a request to /oauth/token (RFC 6749 §3.2).
type ExchangeRequest struct {
	Params Params
	Basic  *Basic // nil: no such header
	Origin Origin
	// ForwardedFor is whose request it is as the client says (auth0-forwarded-for); it counts for clients that are trusted with it.
	ForwardedFor string
	Proofs       []string // its DPoP headers
}

// Exchange is a request whose client is known and proved.
type Exchange struct {
	Tenant tenancy.Tenant
	Params Params
	Client *Client
	Now    time.Time
	Origin Origin
	Proven Proven // by keys
}

// Tokens is what a grant gave.
type Tokens struct {
	AccessToken string
	Type        string // SchemeBearer, or SchemeDPoP where it is bound to a key
	ExpiresIn   time.Duration
	IDToken     string // empty: openid was not granted
	// RefreshToken is empty where none was granted, and where the presented one stays good.
	RefreshToken string
	Scope        Scope // nil: not told, since it is what was asked
	// IssuedType is what kind of token it is, which a token exchange tells (RFC 8693 §2.2.1); else empty.
	IssuedType string
	// Quota is how the quota of tokens stands, also beside an error; nil: there is none.
	Quota []QuotaBucket
	// Client is whose they are; it is also set beside an error once the client is proved.
	Client *Client
}

// Settlement is what makes an exchange final.
type Settlement struct {
	Authorization Authorization
	Opaque        *AccessToken  // to be stored; nil: the access token is a JWT
	Refresh       *RefreshToken // a new family to be stored; nil: none
	Fact          Fact
}

// Grant is what differs between grant types. Endpoint.Exchange runs what they share, in order: parse, authenticate the client,
// Authorize, the policy point, issue, Settle; or Refuse.
type Grant interface {
	Type() oauth.GrantType
	// Facts gives the wire's codes for an exchange that was made and one that was refused.
	Facts() (issued, refused string)
	// Authorize checks what the client brought and gives what it stands for. It changes nothing.
	Authorize(ctx context.Context, x Exchange) (Authorization, error)
	// Settle makes the exchange final and writes its fact, in one step. Tokens are handed out only after it; of two exchanges of
	// what may be used once, one fails here.
	Settle(ctx context.Context, x Exchange, s Settlement) error
	// Refuse writes down an exchange that was refused.
	Refuse(ctx context.Context, f Fact) error
}

// Ending is a grant with words of its own for a login that is over, or a user who is gone; those of codes are the default.
type Ending interface{ Over() *fault.Error }

// Detailed is a grant that tells more of its exchanges, made or refused, than all do.
type Detailed interface {
	// Detail adds to the fact of an exchange. Of one that was refused, a is what had been found out.
	Detail(p Params, a Authorization, f *Fact)
}

func detail(g Grant, p Params, a Authorization, f *Fact) {
	if d, ok := g.(Detailed); ok {
		d.Detail(p, a, f)
	}
}

func over(g Grant, cause error) error {
	if e, ok := g.(Ending); ok {
		return e.Over().Because(cause)
	}
	return errCode().Because(cause) // there is nobody here to ask to log in
}

func userGone(g Grant, cause error) error {
	if _, ok := g.(Ending); ok {
		return over(g, cause)
	}
	return fault.Denied(oauth.InvalidGrant, "Unknown user")
}

// EndpointDeps are what the token endpoint needs.
type EndpointDeps struct {
	Config Configuration
	Policy *Policy
	Users  Users
	Issuer *Issuer
	Grants []Grant
	Now    clock.Now
	Auth   *Authenticator
	Proofs *Proofs
}

// Endpoint is the token endpoint.
type Endpoint struct {
	config Configuration
	policy *Policy
	users  Users
	issuer *Issuer
	grants map[oauth.GrantType]Grant
	now    clock.Now
	auth   *Authenticator
	proofs *Proofs
}

// NewEndpoint makes the token endpoint of the given grants.
func NewEndpoint(d EndpointDeps) *Endpoint {
	e := &Endpoint{
		config: d.Config, policy: d.Policy, users: d.Users, issuer: d.Issuer, now: d.Now, grants: map[oauth.GrantType]Grant{},
		auth: d.Auth, proofs: d.Proofs,
	}
	for _, g := range d.Grants {
		e.grants[g.Type()] = g
	}
	return e
}

// Exchange gives tokens for a grant. Its refusals carry the wire's code and sentence.
func (e *Endpoint) Exchange(ctx context.Context, t tenancy.Tenant, req ExchangeRequest) (Tokens, error) {
	req.Params = req.Params.handingOn(t)
	kind := req.Params["grant_type"]
	if kind == "" {
		return Tokens{}, missing("grant_type")
	}
	g, ok := e.grants[oauth.GrantType(kind)]
	if !ok {
		return Tokens{}, fault.Denied(oauth.UnsupportedGrantType, "Unsupported grant type: "+kind)
	}
	x := Exchange{Tenant: t, Params: req.Params, Now: e.now(), Origin: req.Origin}
	tokens, authorization, err := e.exchange(ctx, g, &x, req)
	if err == nil {
		return tokens, nil
	}
	err = x.Client.worded(err)
	told := Tokens{Client: x.Client, Quota: tokens.Quota}
	switch f := fault.Of(err); f.Kind {
	case fault.KindInternal, fault.KindUnavailable: // nothing was decided
		return told, err
	case fault.KindTooMany:
		if !errors.Is(err, errQuota) {
			return told, err
		}
	case fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
	}
	if errors.Is(err, errWaiting) {
		return told, err
	}
	if lost := g.Refuse(ctx, refusal(g, x, authorization, req, fault.Of(err))); lost != nil {
		return told, lost
	}
	return told, err
}

func (e *Endpoint) exchange(ctx context.Context, g Grant, x *Exchange, req ExchangeRequest) (Tokens, Authorization, error) {
	c, id, err := e.auth.Authenticate(ctx, x.Tenant, x.Params, req.Basic, x.Now)
	if err != nil {
		return Tokens{}, Authorization{ClientID: id}, err
	}
	x.Client = c
	if ip, err := netip.ParseAddr(req.ForwardedFor); err == nil && c.IPHeaderTrusted && !c.Public() {
		x.Origin.IP = ip.Unmap().String()
	}
	x.Proven, err = e.proven(ctx, x, req)
	if err != nil {
		return Tokens{}, Authorization{ClientID: c.ID}, err
	}
	a, err := g.Authorize(ctx, *x)
	if err != nil {
		a.ClientID = c.ID
		return Tokens{}, a, err
	}
	tokens, err := e.issue(ctx, g, *x, a)
	return tokens, a, err
}

// issue passes the policy point, and the client's quota where the grant has one, makes the tokens and settles.
func (e *Endpoint) issue(ctx context.Context, g Grant, x Exchange, a Authorization) (Tokens, error) {
	var u *User
	if a.UserID != "" {
		var err error
		u, err = e.users.FindUser(ctx, x.Tenant.ID, a.UserID)
		if fault.Is(err, fault.KindNotFound) {
			return Tokens{}, userGone(g, err)
		}
		if err != nil {
			return Tokens{}, err
		}
	}
	permit, err := e.policy.Check(ctx, x.Tenant, Ask{
		Client: x.Client, Grant: g.Type(), User: u, Connection: a.Connection.Name, AuthTime: a.AuthTime,
		Audience: a.Audience, Scope: a.Scope, Agreed: a.agreed(), Unasked: unasked(g.Type(), a), Proven: x.Proven, Ephemeral: a.Ephemeral, Online: a.Renewal != nil && a.Renewal.Family.endless(),
		Handed: a.From.Handed(), Transfer: a.transfer() != nil,
	})
	if errors.Is(err, errLoginOver) {
		return Tokens{}, over(g, err)
	}
	if err != nil {
		return Tokens{}, err
	}
	a.Scope = permit.Scope
	m, ok := g.(Metered)
	if !ok {
		return e.give(ctx, g, x, a, u, permit)
	}
	quota, restore, err := m.Spend(ctx, x) // before a signature is made for nothing
	if err != nil {
		return Tokens{Quota: quota}, err
	}
	tokens, err := e.give(ctx, g, x, a, u, permit)
	if err != nil {
		restore()
	}
	tokens.Quota = quota
	return tokens, err
}

// give makes the tokens and settles.
func (e *Endpoint) give(ctx context.Context, g Grant, x Exchange, a Authorization, u *User, permit Permit) (Tokens, error) {
	issued, err := e.issuer.Issue(ctx, Issue{Tenant: x.Tenant, Client: x.Client, User: u, Grant: g.Type(), Authorization: a, ResourceServer: permit.ResourceServer, Binding: permit.Binding, Now: x.Now})
	if err != nil {
		return Tokens{}, err
	}
	kind, _ := g.Facts()
	f := factOf(x.Tenant, x.Now, TokenIssued, kind)
	f.ClientID, f.ClientName, f.Origin, f.Audience, f.Scope = x.Client.ID, x.Client.Name, x.Origin, a.Audience, a.Scope
	f.Connection, f.SessionID, f.Certificate = a.Connection, a.SessionID, x.Proven.authenticated()
	if u != nil {
		f.UserID, f.UserName = u.ID, u.Handle()
	}
	detail(g, x.Params, a, &f)
	tokens := Tokens{AccessToken: issued.AccessToken, Type: tokenType(permit.Binding), ExpiresIn: issued.ExpiresIn, IDToken: issued.IDToken, Client: x.Client}
	if u != nil {
		tokens.Scope = a.Scope
	}
	if g.Type() == oauth.GrantTokenExchange {
		tokens.IssuedType = oauth.TokenTypeAccess
	}
	if tr := a.transfer(); tr != nil {
		tr.Token = HashOf(issued.AccessToken)
		tokens.Type, tokens.IssuedType, tokens.Scope = oauth.TokenTypeNone, oauth.TokenTypeTransfer, nil // RFC 8693 §2.2.1
	}
	s := Settlement{Authorization: a, Opaque: issued.Opaque, Fact: f}
	tokens.RefreshToken = s.refresh(x)
	if err := g.Settle(ctx, x, s); err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

func refusal(g Grant, x Exchange, a Authorization, req ExchangeRequest, why *fault.Error) Fact {
	_, kind := g.Facts()
	f := factOf(x.Tenant, x.Now, TokenRefused, kind)
	f.Description, f.Origin, f.Audience, f.UserName = why.Message, x.Origin, req.Params["audience"], req.Params["username"]
	if errors.Is(why, errReplay) {
		f.Description = errReplay.Error()
	}
	f.Scope = ParseScope(req.Params["scope"])
	f.ClientID, f.UserID, f.Connection, f.SessionID = a.ClientID, a.UserID, a.Connection, a.SessionID
	if x.Client != nil {
		f.ClientName, f.Certificate = x.Client.Name, x.Proven.authenticated()
	}
	f.Details = map[string]any{"error": map[string]any{"message": f.Description, "oauthError": why.Code}}
	detail(g, req.Params, a, &f)
	if a.Renewal != nil {
		f.Details["refresh_token"] = a.Renewal.Family.told()
	}
	if used, ok := errors.AsType[*reuse](error(why)); ok {
		used.tell(&f)
	}
	return f
}
