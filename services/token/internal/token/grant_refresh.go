package token

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Refresh is the grant of a refresh token (RFC 6749 §6).
type Refresh struct {
	Store    RefreshStore
	Config   Configuration
	Sessions SessionFinder // of families that live as long as theirs
	Record   Recorder      // of refused exchanges
}

// Detail implements Detailed: why a token failed that lives as long as its session. It is not there any more when that has ended.
func (*Refresh) Detail(p Params, a Authorization, f *Fact) {
	raw := p["refresh_token"]
	if f.Name != TokenRefused || !strings.HasPrefix(raw, onlinePrefix) {
		return
	}
	switch _, ok := readRefreshToken(raw); {
	case a.Renewal == nil && !ok:
		f.Details["failure_reason"] = failedInvalid
	case a.Renewal == nil || a.Renewal.SessionOver:
		f.Details["failure_reason"] = failedSession
	}
	f.Details["refresh_token"] = map[string]any{"access": accessOnline}
}

// The audit log's words for what was wrong with such a token.
const (
	failedInvalid = "invalid_token"
	failedSession = "session_not_found"
)

// Renewal is an exchange of a refresh token under way.
type Renewal struct {
	// Family is as it was read.
	Family   RefreshToken
	Rotation Rotation
	// Token is the next one; empty: the presented one stays good.
	Token string
	// SessionOver says that the family was to live as long as a session which is over.
	SessionOver bool
	// Policy is by what rule the audience was opened, in the audit log's words; empty: it is the family's own.
	Policy string
}

// Rotation is what makes an exchange of a refresh token final.
type Rotation struct {
	ID        string // of the family
	Presented Hash
	Next      Hash // zero: the presented token stays good
	Rotating  bool // Next is good once
	// Migrates says that the family changes between rotating and not. Its siblings that did not, of the same client, user and API,
	// end then.
	Migrates  bool
	Now       time.Time
	IdleUntil time.Time // zero: no end
	// Since is the oldest rotation whose ancestors are still good (the leeway); zero: none are.
	Since  time.Time
	Origin Origin
	// Session is the use of the session that the family lives as long as; nil: it does not.
	Session *SessionUse
	// Thumbprint is that of a key which the family is bound to from now on; empty: nothing changes.
	Thumbprint string
	Token      *AccessToken // nil: the access token is a JWT, which is not stored
	Transfer   *Transfer    // nil: no session is handed on
	Fact       Fact
}

// Type implements Grant.
func (*Refresh) Type() oauth.GrantType { return oauth.GrantRefreshToken }

// Facts implements Grant.
func (*Refresh) Facts() (issued, refused string) { return "sertft", "fertft" }

// errRefresh says the same of a token that is unknown, expired, used, revoked, another client's and another tenant's.
func errRefresh() *fault.Error {
	return fault.Denied(oauth.InvalidGrant, "Unknown or invalid refresh token.")
}

// errOtherKey is told to the log of requests.
var errOtherKey = errors.New("the family is bound to a key that the request does not prove to hold")

// Over implements Ending: a login that is over, or a user who is gone, takes its refresh tokens along.
func (*Refresh) Over() *fault.Error { return errRefresh() }

// Authorize implements Grant. The token is only used up by Settle, so that an engine which is away costs nobody a login.
func (g *Refresh) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	raw := x.Params["refresh_token"]
	if raw == "" {
		return Authorization{}, missing("refresh_token")
	}
	p, ok := readRefreshToken(raw)
	if !ok {
		return Authorization{}, errRefresh()
	}
	r, err := g.Store.FindRefreshToken(ctx, x.Tenant.ID, p.id, x.Now)
	if fault.Is(err, fault.KindNotFound) {
		return Authorization{}, errRefresh()
	}
	if err != nil {
		return Authorization{}, err
	}
	if r.ClientID != x.Client.ID { // stolen (RFC 6749 §10.4); its own client may still use it, and a thief cannot end it
		return Authorization{}, errRefresh()
	}
	if r.Thumbprint != "" && !sameKey(r.Thumbprint, x.Proven.Thumbprint) { // RFC 9449 §5; who lacks the key cannot end it, either
		return Authorization{}, errRefresh().Because(errOtherKey)
	}
	a := Authorization{
		ClientID: r.ClientID, UserID: r.UserID, Connection: r.Connection, SessionID: r.SessionID, AuthTime: r.AuthTime, WantAuthTime: r.WantAuthTime,
		Claims: r.Claims, From: r.From, Renewal: &Renewal{Family: r},
	}
	policy := x.Client.refreshPolicy()
	switch r.standing(p) {
	case standsNewest:
	case standsPrevious:
		if !x.Now.Before(r.Rotated.Add(policy.Leeway)) {
			return a, reused(&r, p)
		}
	case standsUsed:
		return a, reused(&r, p)
	case standsForeign:
		return a, errRefresh()
	}
	if r.over(x.Now, policy) {
		return a, errRefresh()
	}
	if r.Online {
		if err := g.online(ctx, x, &a); err != nil {
			return a, err
		}
	}
	a.Renewal.renew(x, p)
	if transferAudience(x.Tenant, x.Params["audience"]) {
		a.Scope, a.Renewal.Rotation.Transfer = r.Scope, r.transfer(x)
		return a, nil
	}
	a.Audience, a.Scope, a.Renewal.Policy = r.opens(x, policy.Also)
	return a, nil
}

// renew settles what follows the presented token. The client's settings of now count: a family that was made under others becomes
// what they say.
func (n *Renewal) renew(x Exchange, p presented) {
	r, policy := &n.Family, x.Client.refreshPolicy()
	if r.endless() { // it stays as it was given, for as long as it is good at all
		policy = RefreshPolicy{}
	}
	n.Rotation = Rotation{
		ID: r.ID, Presented: p.hash, Rotating: policy.Rotating, Migrates: policy.Rotating != r.Rotating, Now: x.Now,
		IdleUntil: after(x.Now, policy.Idle), Origin: x.Origin.clipped(), Session: n.Rotation.Session,
	}
	if policy.Leeway > 0 {
		n.Rotation.Since = x.Now.Add(-policy.Leeway)
	}
	if !policy.Rotating && !r.Rotating && r.standing(p) == standsNewest {
		return
	}
	if x.Client.Public() { // what is given for a proof is bound to its key (RFC 9449 §5)
		n.Rotation.Thumbprint = x.Proven.Thumbprint
	}
	n.Token = r.mint(p.counter+1, policy.Rotating)
	n.Rotation.Next = HashOf(n.Token)
}

// opens says what API the exchange is for and how far it goes. A request may narrow what the user granted and never widens it: what
// was not granted is dropped (RFC 6749 §6). An API that the client's policies do not name beside the family's own is not opened; the
// wire answers with the family's own then.
func (r *RefreshToken) opens(x Exchange, also []Further) (audience string, scope Scope, policy string) {
	asked, wanted := x.Params["audience"], ParseScope(x.Params["scope"])
	further := slices.IndexFunc(also, func(f Further) bool { return f.Audience == asked })
	if further < 0 || asked == r.Audience && len(wanted) == 0 { // left out, the scope is what was granted
		return r.Audience, wanted.orAll(r.Scope), ""
	}
	granted := slices.Clone(r.Scope)
	if asked != r.Audience {
		granted = r.Scope.only(append(slices.Clone(refreshScopes), userScopes...))
	}
	for _, word := range also[further].Scope {
		if !granted.Has(word) {
			granted = append(granted, word)
		}
	}
	return asked, wanted.orAll(granted), policyFurther
}

// policyFurther is the audit log's word for an exchange that the client's refresh policies opened.
const policyFurther = "mrrt"

// orAll gives the words of s that are in granted; all of granted where s asks for nothing.
func (s Scope) orAll(granted Scope) Scope {
	if len(s) == 0 {
		return granted
	}
	return s.only(granted)
}

// only gives the words of s that are in words.
func (s Scope) only(words []string) Scope {
	out := Scope{}
	in := s.has(words)
	for _, word := range s {
		if in(word) {
			out = append(out, word)
		}
	}
	return out
}

// reuse is a token that was used up before: its family has a thief in it (RFC 9700 §4.14.2).
type reuse struct {
	family          string
	counter, latest uint32
}

func (*reuse) Error() string { return "the refresh token was used before; its family is revoked" }

func reused(r *RefreshToken, p presented) error {
	return errRefresh().Because(&reuse{family: r.ID, counter: p.counter, latest: r.Counter})
}

// tell makes the fact of a refusal that of a reuse.
func (u *reuse) tell(f *Fact) {
	f.Name, f.Type, f.Description, f.Family = RefreshTokenReused, "ferrt", u.Error(), u.family
	f.Details = map[string]any{"familyId": u.family, "tokenCounter": u.counter, "latestCounter": u.latest}
}

// tell adds to the fact of an exchange what the audit log keeps of it.
func (n *Renewal) tell(f *Fact, x Exchange) {
	f.Family, f.Details = n.Family.ID, map[string]any{"refresh_token": n.Family.told(), "familyId": n.Family.ID}
	if n.Policy != "" {
		f.Details["policy_used"] = n.Policy
	}
	if n.Family.Rotating {
		f.Details["tokenCounter"] = n.Family.Counter
	}
	for name, param := range map[string]string{"requested_audience": "audience", "requested_scope": "scope"} {
		if asked := x.Params[param]; asked != "" {
			f.Details[name] = asked
		}
	}
}

// The audit log's words for what a refresh token outlives.
const (
	accessOffline = "offline"
	accessOnline  = "online"
)

// told is what the audit log shows of a refresh token.
func (r *RefreshToken) told() map[string]any {
	token := map[string]any{"access": accessOffline}
	if r.Online {
		token["access"] = accessOnline
	}
	if r.SessionID != "" {
		token["session_id"] = r.SessionID
	}
	return token
}

// Settle implements Grant. The row decides between exchanges of one token.
func (g *Refresh) Settle(ctx context.Context, x Exchange, s Settlement) error {
	n := s.Authorization.Renewal
	rotation := n.Rotation
	rotation.Token, rotation.Fact = s.Opaque, s.Fact
	err := g.Store.RotateRefreshToken(ctx, x.Tenant.ID, rotation)
	switch {
	case fault.Is(err, fault.KindNotFound): // ended between our look and our use
		return errRefresh().Because(err)
	case fault.Is(err, fault.KindConflict): // another exchange of the same token won
		p, _ := readRefreshToken(x.Params["refresh_token"])
		latest := n.Family
		latest.Counter = max(latest.Counter, p.counter+1)
		return reused(&latest, p)
	}
	return err
}

// Refuse implements Grant. A reuse ends the family in the step that writes it down.
func (g *Refresh) Refuse(ctx context.Context, f Fact) error {
	if f.Name != RefreshTokenReused {
		return g.Record.Record(ctx, f)
	}
	err := g.Store.RevokeRefreshToken(ctx, f.Tenant, Revocation{ID: f.Family, Fact: f})
	if fault.Is(err, fault.KindNotFound) { // revoked already; that it was tried again is told all the same
		return g.Record.Record(ctx, f)
	}
	return err
}
