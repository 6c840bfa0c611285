package token

import (
	"context"
	"errors"
	"net/url"
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
	Config  Configuration
	Policy  *Policy
	Users   Users
	Store   LoginStore
	Now     clock.Now
	CodeTTL time.Duration // zero means DefaultCodeTTL
}

// Logins takes authorization requests and leads the browser to a code: by a login, or by the session it has.
type Logins struct {
	config  Configuration
	policy  *Policy
	users   Users
	store   LoginStore
	now     clock.Now
	codeTTL time.Duration
}

// NewLogins makes logins.
func NewLogins(d LoginDeps) *Logins {
	if d.CodeTTL <= 0 {
		d.CodeTTL = DefaultCodeTTL
	}
	return &Logins{config: d.Config, policy: d.Policy, users: d.Users, store: d.Store, now: d.Now, codeTTL: d.CodeTTL}
}

// Browser is what a request shows of the browser it comes from.
type Browser struct {
	Session string // the session cookie; may be empty, and stale
	Secret  string // the cookie that ties login transactions to this browser
	Origin  Origin
}

// Authorize answers an authorization request (RFC 6749 §4.1.1). An error is for the error page: who asks, or where the answer may
// go, is not proved, or an engine is away. All other failures are answers to the callback.
func (l *Logins) Authorize(ctx context.Context, t tenancy.Tenant, params url.Values, b Browser) (Answer, error) {
	c, r, err := l.findRedirect(ctx, t, params)
	if err != nil {
		return Answer{}, err
	}
	if err := r.read(c, params); err != nil {
		return l.refuse(ctx, t, c, &r, b, err)
	}
	if err := l.resolveAudience(ctx, t, &r); err != nil {
		return Answer{}, err
	}
	ask := Ask{Client: c, Grant: oauth.GrantAuthorizationCode, Audience: r.Audience, Scope: r.Scope}
	if _, err := l.policy.Check(ctx, t, ask); err != nil {
		return l.refuse(ctx, t, c, &r, b, err)
	}
	if r.prompts(promptConsent) { // there is no page to ask on yet, and pretending that somebody agreed is worse than refusing
		return l.refuse(ctx, t, c, &r, b, fault.Denied(oauth.ConsentRequired, "Consent required"))
	}
	a, done, err := l.bySession(ctx, t, c, &r, b)
	switch {
	case err == nil && done:
		return a, nil
	case (errors.Is(err, errConnectionOff) || errors.Is(err, errLoginOver)) && !r.prompts(promptNone):
	case err != nil:
		return l.refuse(ctx, t, c, &r, b, err)
	}
	if r.prompts(promptNone) {
		return l.refuse(ctx, t, c, &r, b, fault.Denied(oauth.LoginRequired, "Login required"))
	}
	return l.begin(ctx, t, c, r, b)
}

// resolveAudience settles which API is asked for: the tenant's default where the request names none.
func (l *Logins) resolveAudience(ctx context.Context, t tenancy.Tenant, r *Request) error {
	if r.Audience == "" {
		settings, err := l.config.FindSettings(ctx, t.ID)
		if err != nil {
			return err
		}
		r.Audience = settings.DefaultAudience
	}
	if r.Audience == t.UserinfoAudience() {
		r.Audience = ""
	}
	return nil
}

// bySession answers from the browser's session, where there is one that this request may use. done is false when the user must
// be asked.
func (l *Logins) bySession(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, b Browser) (a Answer, done bool, err error) {
	s, ok, err := l.session(ctx, t, b)
	if err != nil || !ok {
		return Answer{}, false, err
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, false, err
	}
	now := l.now()
	absolute, idle := settings.Lifetimes()
	if s.outlived(now, absolute, idle) {
		return Answer{}, false, nil
	}
	if c.SSODisabled || r.prompts(promptLogin) || r.prompts(promptSelect) || r.MaxAge >= 0 && now.Sub(s.AuthTime) > r.MaxAge {
		return Answer{}, false, nil
	}
	if r.Connection != "" && r.Connection != s.Connection.Name {
		return Answer{}, false, nil
	}
	u, err := l.users.FindUser(ctx, t.ID, s.UserID)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, false, nil // the user is gone; so is what the session was worth
	}
	if err != nil {
		return Answer{}, false, err
	}
	code, authorization, err := l.permit(ctx, t, c, r, s, u)
	if err != nil {
		return Answer{}, false, err
	}
	if !r.prompts(promptNone) {
		if u, err = l.users.RecordLogin(ctx, t.ID, u.ID, b.Origin.IP); err != nil {
			return Answer{}, false, err
		}
	}
	err = l.store.ContinueSession(ctx, t.ID, SessionUse{
		SessionID: s.ID, Now: now, ClientID: c.ID, IdleUntil: earlier(now.Add(idle), s.Until), Given: Given{Code: &authorization},
		Fact: l.reuseFact(t, c, r, s, u, b),
	})
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, false, nil // ended between our look and our use
	}
	if err != nil {
		return Answer{}, false, err
	}
	return r.callback(Param{"code", code}), true, nil
}

// session finds the session of the browser's cookie; ok is false when there is none.
func (l *Logins) session(ctx context.Context, t tenancy.Tenant, b Browser) (s Session, ok bool, err error) {
	if b.Session == "" {
		return Session{}, false, nil
	}
	s, err = l.store.FindSession(ctx, t.ID, HashOf(b.Session), l.now())
	if fault.Is(err, fault.KindNotFound) {
		return Session{}, false, nil
	}
	return s, err == nil, err
}

// permit passes the policy point and makes the code that the store is then given. Every code is made here.
func (l *Logins) permit(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, s Session, u *User) (string, Authorization, error) {
	permit, err := l.policy.Check(ctx, t, Ask{
		Client: c, Grant: oauth.GrantAuthorizationCode, User: u, Connection: s.Connection.Name, AuthTime: s.AuthTime,
		Audience: r.Audience, Scope: r.Scope,
	})
	if err != nil {
		return "", Authorization{}, err
	}
	code, now := newSecret(), l.now()
	return code, Authorization{
		ClientID: c.ID, UserID: u.ID, Audience: r.Audience, Scope: permit.Scope,
		Connection: s.Connection, SessionID: s.ID, Nonce: r.Nonce, AuthTime: s.AuthTime, WantAuthTime: r.wantsAuthTime(),
		Code: HashOf(code), RedirectURI: r.RedirectURI, RedirectSent: r.RedirectSent,
		Challenge: r.Challenge, ChallengeMethod: r.ChallengeMethod, Issued: now, Expires: now.Add(l.codeTTL),
	}, nil
}

// begin opens a login transaction and leads to the login page.
func (l *Logins) begin(ctx context.Context, t tenancy.Tenant, c *Client, r Request, b Browser) (Answer, error) {
	if _, err := l.policy.Connection(ctx, t, c, r.Connection); err != nil {
		return l.refuse(ctx, t, c, &r, b, err)
	}
	answer := Answer{Next: NextLogin, State: newSecret()}
	secret := b.Secret
	if secret == "" {
		secret = newSecret()
		answer.Browser = secret
	}
	now := l.now()
	err := l.store.SaveTransaction(ctx, t.ID, Transaction{
		State: HashOf(answer.State), Browser: HashOf(secret), Request: r, Began: now, Expires: now.Add(transactionTTL),
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// refuse answers a failure at the callback and writes it down.
func (l *Logins) refuse(ctx context.Context, t tenancy.Tenant, c *Client, r *Request, b Browser, cause error) (Answer, error) {
	a, err := r.refuse(cause)
	if err != nil {
		return Answer{}, err
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
	return a, nil
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
