package token

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	// DefaultCodeTTL is how long an authorization code may wait. A browser brings it within seconds; RFC 6749 §4.1.2 allows 10 min.
	DefaultCodeTTL = time.Minute
	// transactionTTL is how long a login page stays good.
	transactionTTL = time.Hour
)

// LoginDeps are what logins need.
type LoginDeps struct {
	Config    Configuration
	Policy    *Policy
	Users     Users
	Store     LoginStore
	Transfers TransferStore
	Consents  ConsentStore
	Pushes    PushStore
	Auth      *Authenticator // of clients that push
	Proofs    *Proofs        // of keys, by clients that push
	Objects   RequestObjectReader
	Hints     HintReader
	Devices   DeviceStore
	Guesses   Limiter // of user codes, by address
	// GuessesAll are those of all addresses together, by tenant: whoever has many addresses is held back, too.
	GuessesAll Limiter
	Issuer     *Issuer
	Now        clock.Now
	CodeTTL    time.Duration // zero means DefaultCodeTTL
}

// Logins takes authorization requests and leads the browser to what they ask for: by a login, or by the session it has.
type Logins struct {
	config    Configuration
	policy    *Policy
	users     Users
	store     LoginStore
	transfers TransferStore
	consents  ConsentStore
	pushes    PushStore
	auth      *Authenticator
	proofs    *Proofs
	objects   RequestObjectReader
	hints     HintReader
	devices   DeviceStore
	guesses   Limiter

	guessesAll Limiter
	issuer     *Issuer
	now        clock.Now
	codeTTL    time.Duration
}

// NewLogins makes logins.
func NewLogins(d LoginDeps) *Logins {
	if d.CodeTTL <= 0 {
		d.CodeTTL = DefaultCodeTTL
	}
	return &Logins{
		config: d.Config, policy: d.Policy, users: d.Users, store: d.Store, transfers: d.Transfers, consents: d.Consents, pushes: d.Pushes, auth: d.Auth, proofs: d.Proofs,
		objects: d.Objects, hints: d.Hints, devices: d.Devices, guesses: d.Guesses, guessesAll: d.GuessesAll, issuer: d.Issuer, now: d.Now, codeTTL: d.CodeTTL,
	}
}

// Browser is what a request shows of the browser it comes from.
type Browser struct {
	Session  string // the session cookie; may be empty, and stale
	Secret   string // the cookie that ties login transactions to this browser
	Transfer string // the cookie of a session that an app hands on
	Origin   Origin
}

// Authorize answers an authorization request (RFC 6749 §4.1.1). An error is for the error page: who asks, or where the answer may
// go, is not proved, or an engine is away. All other failures are answers to the callback.
func (l *Logins) Authorize(ctx context.Context, t tenancy.Tenant, params url.Values, b Browser) (Answer, error) {
	transfer := params[ParamTransfer]
	params.Del(ParamTransfer) // it is the browser's, whatever the client pushed or signed, and is kept nowhere
	in, err := l.receive(ctx, t, params)
	if err != nil {
		return Answer{}, err
	}
	r, err := l.findRedirect(ctx, t, in)
	if err != nil {
		return Answer{}, err
	}
	c := in.client
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, err
	}
	if err := r.read(in, settings); err != nil {
		return l.refuseUnseen(ctx, t, c, &r, b, err)
	}
	if err := l.expect(ctx, t, in, &r); err != nil {
		return l.refuseUnseen(ctx, t, c, &r, b, err)
	}
	r.resolveAudience(t, settings)
	ask := Ask{Client: c, Grant: r.Types.Grant(), Front: r.Types.Front(), Audience: r.Audience, Scope: r.Scope, Later: !r.Types.Token}
	if _, err := l.policy.Check(ctx, t, ask); err != nil {
		return l.refuseUnseen(ctx, t, c, &r, b, err)
	}
	v := visit{tenant: t, client: c, request: &r, settings: settings, browser: b}
	s, ok, err := l.base(ctx, v, c.brought(b, transfer))
	if err != nil {
		return l.refuseUnseen(ctx, t, c, &r, b, err)
	}
	a, err := l.answer(ctx, v, s, ok)
	return s.carry(a), err
}

// visit is an authorization request that was read, and the browser that brought it.
type visit struct {
	tenant   tenancy.Tenant
	client   *Client
	request  *Request
	settings *Settings
	browser  Browser
}

// answer answers from the session, where there is one (ok) that will do, and else by a login.
func (l *Logins) answer(ctx context.Context, v visit, s base, ok bool) (Answer, error) {
	t, c, r, b := v.tenant, v.client, v.request, v.browser
	if ok && v.serves(s.Session, l.now()) {
		a, done, err := l.bySession(ctx, v, s)
		switch {
		case err == nil && done:
			return a, nil
		case isLoginNeeded(err) && !r.prompts(promptNone):
		case err != nil:
			return l.refuseUnseen(ctx, t, c, r, b, err)
		}
	}
	if r.prompts(promptNone) {
		return l.refuse(ctx, t, c, r, b, fault.Denied(oauth.LoginRequired, "Login required"))
	}
	return l.begin(ctx, t, c, *r, b)
}

// isLoginNeeded reports a session that is worth nothing here, where a fresh login may be.
func isLoginNeeded(err error) bool {
	return errors.Is(err, errConnectionOff) || errors.Is(err, errLoginOver)
}

// resolveAudience settles which API is asked for: the tenant's default where the request names none.
func (r *Request) resolveAudience(t tenancy.Tenant, settings *Settings) {
	if r.Audience == "" {
		r.Audience = settings.DefaultAudience
	}
	if r.Audience == t.UserinfoAudience() {
		r.Audience = ""
	}
}

// serves says whether the session may answer the request, as far as itself goes.
func (v visit) serves(s Session, now time.Time) bool {
	absolute, idle := v.settings.Lifetimes(s.Ephemeral)
	return !s.outlived(now, absolute, idle) && v.accepts(s.UserID, s.Connection, s.AuthTime, now)
}

// accepts says whether the request may be answered from a login of that user, by that connection and at that time.
func (v visit) accepts(userID string, con Connection, authTime, now time.Time) bool {
	r := v.request
	switch {
	case v.client.SSODisabled, r.prompts(promptLogin), r.prompts(promptSelect), r.MaxAge >= 0 && now.Sub(authTime) > r.MaxAge:
		return false
	}
	return (r.Connection == "" || r.Connection == con.Name) && r.meant(userID)
}

// bySession answers from a session that serves. done is false when the user must log in.
func (l *Logins) bySession(ctx context.Context, v visit, s base) (a Answer, done bool, err error) {
	t, c, r, settings, b := v.tenant, v.client, v.request, v.settings, v.browser
	now := l.now()
	_, idle := settings.Lifetimes(s.Ephemeral)
	u, err := l.users.FindUser(ctx, t.ID, s.UserID)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, false, nil // the user is gone; so is what the session was worth
	}
	if err != nil {
		return Answer{}, false, err
	}
	tx := Transaction{Request: *r, SessionID: s.ID, Reused: true}
	permit, err := l.policy.Check(ctx, t, l.ask(c, &tx, s.Session, u))
	if l.mustAsk(c, settings, &tx, err) {
		a, err := l.askConsent(ctx, t, c, tx, b, err)
		return a, true, err
	}
	if err != nil {
		return Answer{}, false, err
	}
	handed, err := l.hand(ctx, t, c, r, s.Session, u, permit)
	if err != nil {
		return Answer{}, false, err
	}
	use := SessionUse{
		SessionID: s.ID, Now: now, ClientID: c.ID, Hears: c.Backchannel.URL != "", IdleUntil: earlier(now.Add(idle), s.Until), Given: handed.given,
		Origin: b.Origin.clipped(),
	}
	if s.secret == "" { // one that was taken over was counted and told of then
		if !r.prompts(promptNone) {
			if u.LoginsCount, err = l.users.RecordLogin(ctx, t.ID, u.ID, b.Origin.IP); err != nil {
				return Answer{}, false, err
			}
		}
		f := l.reuseFact(t, c, r, s.Session, u, b)
		use.Fact = &f
	}
	err = l.store.ContinueSession(ctx, t.ID, use)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, false, nil // ended between our look and our use
	}
	if err != nil {
		return Answer{}, false, err
	}
	return r.callback(handed.params...), true, nil
}

// askConsent leads to the consent page, unless the client does not want anybody to be asked.
func (l *Logins) askConsent(ctx context.Context, t tenancy.Tenant, c *Client, tx Transaction, b Browser, why error) (Answer, error) {
	if tx.Request.prompts(promptNone) {
		if why == nil {
			why = fault.Denied(oauth.InteractionRequired, "Interaction required")
		}
		return l.refuse(ctx, t, c, &tx.Request, b, why)
	}
	return l.open(ctx, t, c, NextConsent, tx, b)
}

// ask is what a transaction asks of the policy point, once its user is known.
func (l *Logins) ask(c *Client, tx *Transaction, s Session, u *User) Ask {
	r := &tx.Request
	return Ask{
		Client: c, Grant: r.grant(), Front: r.Types.Front(), User: u, Connection: s.Connection.Name, AuthTime: s.AuthTime,
		Audience: r.Audience, Scope: r.Scope, Agreed: tx.Agreed, Unverifiable: tx.unverifiable(),
		Later: !r.Types.Token, Ephemeral: s.Ephemeral, Handed: s.From.Handed(),
	}
}

// asked is the ask of somebody who is asked just now.
func (a Ask) asked() Ask {
	a.Asking = true
	return a
}

// session finds the session of the browser's cookie; ok is false when there is none.
func (l *Logins) session(ctx context.Context, t tenancy.Tenant, b Browser) (s Session, ok bool, err error) {
	if b.Session == "" {
		return Session{}, false, nil
	}
	s, err = l.store.FindSession(ctx, t.ID, HashOf(b.Session), l.now())
	if fault.Is(err, fault.KindNotFound) || err == nil && s.Host != t.Host {
		return Session{}, false, nil
	}
	return s, err == nil, err
}

// authorization is what the user of the session lets the client have.
func (l *Logins) authorization(c *Client, r *Request, s Session, u *User, permit Permit) Authorization {
	now := l.now()
	a := Authorization{
		ClientID: c.ID, UserID: u.ID, Audience: r.Audience, Scope: permit.Scope,
		Connection: s.Connection, SessionID: s.ID, Ephemeral: s.Ephemeral, From: s.From, Nonce: r.Nonce, AuthTime: s.AuthTime, WantAuthTime: r.wantsAuthTime(),
		RedirectURI: r.RedirectURI, RedirectSent: r.RedirectSent,
		Challenge: r.Challenge, ChallengeMethod: r.ChallengeMethod, Thumbprint: r.Thumbprint, Issued: now, Expires: now.Add(c.codeLife(l.codeTTL)),
	}
	if c.FirstParty { // what a third party may know is what was agreed to, by scope
		a.Claims = r.Claims
	}
	return a
}

// handed is what an authorization response hands out, and what the store must know of it.
type handed struct {
	params []Param
	given  Given
}

// hand makes what the request asked for, after the policy point permitted it. Every code is made here.
func (l *Logins) hand(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, s Session, u *User, permit Permit) (handed, error) {
	a := l.authorization(c, r, s, u, permit)
	var out handed
	code := ""
	if r.Types.Code {
		code = newSecret()
		own := a
		own.Code = HashOf(code)
		out.given.Code = &own
		out.params = append(out.params, Param{"code", code})
	}
	if !r.Types.Front() {
		return out, nil
	}
	issued, err := l.issuer.IssueFront(ctx, Issue{
		Tenant: t, Client: c, User: u, Grant: oauth.GrantImplicit, Authorization: a, ResourceServer: permit.ResourceServer, Front: r.Types, State: r.State, Now: a.Issued,
	}, code)
	if err != nil {
		return handed{}, err
	}
	if r.Types.Token {
		out.given.Token = issued.Opaque
		out.params = append(out.params,
			Param{"access_token", issued.AccessToken}, Param{"scope", permit.Scope.without(refreshScopes).String()},
			Param{"expires_in", strconv.FormatInt(int64(issued.ExpiresIn.Seconds()), 10)}, Param{"token_type", SchemeBearer})
	}
	if r.Types.IDToken {
		out.params = append(out.params, Param{"id_token", issued.IDToken})
	}
	return out, nil
}

// begin opens a login transaction and leads to the login page.
func (l *Logins) begin(ctx context.Context, t tenancy.Tenant, c *Client, r Request, b Browser) (Answer, error) {
	if _, err := l.policy.Connection(ctx, t, c, r.Connection); err != nil {
		return l.refuseUnseen(ctx, t, c, &r, b, err)
	}
	return l.open(ctx, t, c, NextLogin, Transaction{Request: r}, b)
}

// open stores a transaction of this browser and leads to its page.
func (l *Logins) open(ctx context.Context, t tenancy.Tenant, c *Client, page Next, tx Transaction, b Browser) (Answer, error) {
	answer := Answer{Next: page, State: newState(c)}
	secret := b.Secret
	if secret == "" {
		secret = newSecret()
		answer.Browser = secret
	}
	tx.State, tx.Browser, tx.Began = HashOf(answer.State), HashOf(secret), l.now()
	tx.Expires = tx.Began.Add(transactionTTL)
	if err := l.store.SaveTransaction(ctx, t.ID, tx); err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// refuseUnseen refuses a request before anybody saw a page of this host. A client that must not use it to send people elsewhere gets
// its answer by way of a page, where there is one to show (RFC 9700 §4.11.2).
func (l *Logins) refuseUnseen(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, b Browser, cause error) (Answer, error) {
	a, err := l.refuse(ctx, t, c, r, b, cause)
	if err != nil || !c.OpenRedirectProtection || r.prompts(promptNone) || r.Mode == ModeWebMessage {
		return a, err
	}
	return Answer{}, cause
}

// refuse answers a failure at the callback and writes it down.
func (l *Logins) refuse(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, b Browser, cause error) (Answer, error) {
	cause = c.worded(cause)
	a, err := r.refuse(cause)
	if err != nil {
		return Answer{}, err
	}
	if r.Device != "" { // there is no callback; the person reads it here, and the device hears nothing until its code is over
		err = cause
	}
	f := factOf(t, l.now(), LoginFailed, "f")
	if r.prompts(promptNone) {
		f.Name, f.Type = SilentLoginFailed, "fsa"
	}
	reason := fault.Of(cause)
	f.ClientID, f.ClientName, f.Origin, f.Audience, f.Scope = c.ID, c.Name, b.Origin, r.Audience, r.Scope
	f.Description = reason.Message
	f.Details = map[string]any{"error": map[string]any{"message": reason.Message, "oauthError": reason.Code}}
	if err := l.store.RecordFact(ctx, f); err != nil {
		return Answer{}, err
	}
	return a, err
}

func (l *Logins) reuseFact(t tenancy.Tenant, c *Client, r *Request, s Session, u *User, b Browser) Fact {
	f := factOf(t, l.now(), LoginSucceeded, "s")
	if r.prompts(promptNone) {
		f.Name, f.Type = SilentLoginSucceeded, "ssa"
	}
	f.ClientID, f.ClientName, f.Origin, f.Connection = c.ID, c.Name, b.Origin, s.Connection
	f.UserID, f.UserName, f.SessionID, f.Audience, f.Scope = u.ID, u.Handle(), s.ID, r.Audience, r.Scope
	f.Details = map[string]any{"session_id": s.ID, "completedAt": f.Time.UnixMilli(), "prompts": []any{}, "stats": map[string]any{"loginsCount": u.LoginsCount}}
	return f
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
