package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// LoginPage is what the login page shows.
type LoginPage struct {
	TenantName string
	PictureURL string
	ClientName string
	Logo       Logo   // the client's
	Identifier string // as typed before, or hinted at
	// IdentifierMissing and PasswordMissing mark fields left empty; Wrong says that the two did not match.
	IdentifierMissing, PasswordMissing, Wrong bool
}

// errStale is a login transaction that is over, unknown, or another browser's. Which of these it is stays untold: a state that was
// planted in, or stolen from, another browser must not be worth probing.
func errStale() *fault.Error {
	return fault.Invalid(oauth.InvalidRequest, "This login page is no longer valid. Go back to the application and log in again.").Because(errNotThisBrowser)
}

var errNotThisBrowser = errors.New("no login of this browser has that state")

// Stale reports a login page that is no longer good.
func Stale(err error) bool { return errors.Is(err, errNotThisBrowser) }

// Page gives the login page of a transaction. A stale one is fault.Invalid.
func (l *Logins) Page(ctx context.Context, t tenancy.Tenant, state string, b Browser) (LoginPage, error) {
	tx, err := l.transaction(ctx, t, state, b)
	if err != nil {
		return LoginPage{}, err
	}
	page, _, err := l.page(ctx, t, tx)
	page.Identifier = tx.Request.LoginHint
	return page, err
}

// Typed is what somebody typed into the login page.
type Typed struct {
	State      string
	Identifier string
	Password   string
}

// Submit checks what was typed. Either the answer leads on, or the page is shown again and says what is wrong, in the same words
// for a wrong password and an unknown user.
func (l *Logins) Submit(ctx context.Context, t tenancy.Tenant, in Typed, b Browser) (Answer, *LoginPage, error) {
	tx, err := l.transaction(ctx, t, in.State, b)
	if err != nil {
		return Answer{}, nil, err
	}
	page, c, err := l.page(ctx, t, tx)
	if err != nil {
		return Answer{}, nil, err
	}
	page.Identifier = strings.TrimSpace(in.Identifier)
	page.IdentifierMissing, page.PasswordMissing = page.Identifier == "", in.Password == ""
	if page.IdentifierMissing || page.PasswordMissing {
		return Answer{}, &page, nil
	}
	con, err := l.policy.Connection(ctx, t, c, tx.Request.Connection)
	if err != nil {
		a, err := l.refuse(ctx, t, c, &tx.Request, b, err)
		return a, nil, err
	}
	outcome, u, err := l.users.VerifyPassword(ctx, t.ID, con.Name, page.Identifier, in.Password)
	if err != nil {
		return Answer{}, nil, err
	}
	switch outcome {
	case PasswordOK:
	case PasswordBlocked:
		u.Blocked = true // the policy point says no, in the wire's words
	case PasswordWrong, PasswordUnknownUser:
		if err := l.store.RecordFact(ctx, l.failedFact(t, c, con, u, outcome, page.Identifier, b)); err != nil {
			return Answer{}, nil, err
		}
		page.Wrong = true
		return Answer{}, &page, nil
	default:
		return Answer{}, nil, fault.Internal(fmt.Errorf("password outcome %d", outcome))
	}
	a, err := l.enter(ctx, t, c, tx, in.State, con, u, b)
	return a, nil, err
}

// enter opens the session of a user whose password was right.
func (l *Logins) enter(ctx context.Context, t tenancy.Tenant, c *Client, tx Transaction, state string, con Connection, u *User, b Browser) (Answer, error) {
	r := &tx.Request
	if !r.meant(u.ID) {
		return l.refuse(ctx, t, c, r, b, errNotMeant())
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, err
	}
	if _, err := l.policy.Check(ctx, t, l.ask(c, &tx, Session{Connection: con, Ephemeral: settings.Ephemeral}, u).asked()); err != nil {
		return l.refuse(ctx, t, c, r, b, err)
	}
	now := l.now()
	if valid := u.LoginsValidFrom; valid.After(now) { // the neighbour's clock is ahead: a login is not over as it begins
		now = valid
	}
	if u.LoginsCount, err = l.users.RecordLogin(ctx, t.ID, u.ID, b.Origin.IP); err != nil {
		return Answer{}, err
	}
	before, had, err := l.session(ctx, t, b)
	if err != nil {
		return Answer{}, err
	}
	absolute, idle := settings.Lifetimes(settings.Ephemeral)
	secret := newSecret() // never the one the browser came with (session fixation)
	s := Session{
		ID: newSessionID(), Secret: HashOf(secret), UserID: u.ID, Connection: con, AuthTime: now, LastUsed: now, IdleUntil: now.Add(idle),
		Until: now.Add(absolute), Host: t.Host, TenantName: t.Name, Created: now, Ephemeral: settings.Ephemeral, First: b.Origin.clipped(), Last: b.Origin.clipped(),
	}
	var replaces string
	switch {
	case had && before.UserID == u.ID && before.Connection.ID == con.ID: // clients know it by its ID, and hear of its end by it
		s.ID, s.Created = before.ID, before.Created
	case had:
		replaces = before.ID
	}
	o := Opening{Session: s, Replaces: replaces, State: tx.State, Fact: l.enteredFact(t, c, r, s, u, tx.Began, b)}
	if err := l.store.OpenSession(ctx, t.ID, o); err != nil {
		if fault.Is(err, fault.KindNotFound) {
			return Answer{}, errStale()
		}
		return Answer{}, err
	}
	answer := Answer{Next: NextResume, State: state, Session: secret}
	if !s.Ephemeral {
		answer.SessionUntil = s.Until
	}
	return answer, nil
}

// Resume gives what a transaction asked for, once its login is done and its user was asked what there is to ask. It is given once.
func (l *Logins) Resume(ctx context.Context, t tenancy.Tenant, state string, b Browser) (Answer, error) {
	tx, s, err := l.entered(ctx, t, state, b)
	if err != nil {
		return Answer{}, err
	}
	r := &tx.Request
	c, err := l.config.FindClient(ctx, t.ID, r.ClientID)
	if err != nil {
		return Answer{}, err
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, err
	}
	u, err := l.users.FindUser(ctx, t.ID, s.UserID)
	if err != nil {
		return Answer{}, err
	}
	permit, err := l.policy.Check(ctx, t, l.ask(c, &tx, s, u))
	if l.mustAsk(c, settings, &tx, err) {
		return Answer{Next: NextConsent, State: state}, nil
	}
	if err != nil {
		return l.refuse(ctx, t, c, r, b, err)
	}
	user, device := r.device()
	var handed handed
	if !device {
		if handed, err = l.hand(ctx, t, c, r, s, u, permit); err != nil {
			return Answer{}, err
		}
	}
	done := Completion{State: tx.State, SessionID: s.ID, ClientID: c.ID, Hears: c.Backchannel.URL != "", Now: l.now(), Given: handed.given}
	if tx.Reused {
		if u.LoginsCount, err = l.users.RecordLogin(ctx, t.ID, u.ID, b.Origin.IP); err != nil {
			return Answer{}, err
		}
		_, idle := settings.Lifetimes(s.Ephemeral)
		f := l.reuseFact(t, c, r, s, u, b)
		done.IdleUntil, done.Origin, done.Fact = earlier(done.Now.Add(idle), s.Until), b.Origin.clipped(), &f
	}
	if device {
		return l.approve(ctx, t, user, done, l.authorization(c, r, s, u, permit))
	}
	err = l.store.CompleteTransaction(ctx, t.ID, done)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, errStale()
	}
	if err != nil {
		return Answer{}, err
	}
	return r.callback(handed.params...), nil
}

// transaction finds the login of a state, for the browser that began it alone.
func (l *Logins) transaction(ctx context.Context, t tenancy.Tenant, state string, b Browser) (Transaction, error) {
	if state == "" || b.Secret == "" {
		return Transaction{}, errStale()
	}
	tx, err := l.store.FindTransaction(ctx, t.ID, HashOf(state), l.now())
	if fault.Is(err, fault.KindNotFound) {
		return Transaction{}, errStale()
	}
	if err != nil {
		return Transaction{}, err
	}
	if !tx.Browser.Equal(HashOf(b.Secret)) {
		return Transaction{}, errStale()
	}
	return tx, nil
}

func (l *Logins) page(ctx context.Context, t tenancy.Tenant, tx Transaction) (LoginPage, *Client, error) {
	c, err := l.config.FindClient(ctx, t.ID, tx.Request.ClientID)
	if err != nil {
		return LoginPage{}, nil, err
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return LoginPage{}, nil, err
	}
	name := settings.FriendlyName
	if name == "" {
		name = t.Name
	}
	return LoginPage{TenantName: name, PictureURL: settings.PictureURL, ClientName: c.Name, Logo: c.Logo()}, c, nil
}

func (l *Logins) failedFact(t tenancy.Tenant, c *Client, con Connection, u *User, outcome PasswordOutcome, typed string, b Browser) Fact {
	f := factOf(t, l.now(), LoginFailed, "fp")
	f.Description = "Wrong email or password."
	if outcome == PasswordUnknownUser {
		f.Type = "fu"
	}
	f.ClientID, f.ClientName, f.Origin, f.Connection, f.UserName = c.ID, c.Name, b.Origin, con, typed
	if u != nil {
		f.UserID = u.ID
	}
	f.Details = map[string]any{"error": map[string]any{"message": f.Description}}
	return f
}

func (l *Logins) enteredFact(t tenancy.Tenant, c *Client, r *Request, s Session, u *User, began time.Time, b Browser) Fact {
	f := factOf(t, l.now(), LoginSucceeded, "s")
	f.ClientID, f.ClientName, f.Origin, f.Connection = c.ID, c.Name, b.Origin, s.Connection
	f.UserID, f.UserName, f.SessionID, f.Audience, f.Scope = u.ID, u.Handle(), s.ID, r.Audience, r.Scope
	elapsed := f.Time.Sub(began).Milliseconds()
	f.Details = map[string]any{
		"prompts": []any{map[string]any{
			"name": "prompt-authenticate", "initiatedAt": began.UnixMilli(), "completedAt": f.Time.UnixMilli(), "elapsedTime": elapsed,
			"connection": s.Connection.Name, "connection_id": s.Connection.ID, "strategy": s.Connection.Strategy,
		}},
		"initiatedAt": began.UnixMilli(), "completedAt": f.Time.UnixMilli(), "elapsedTime": elapsed,
		"session_id": s.ID, "stats": map[string]any{"loginsCount": u.LoginsCount},
	}
	return f
}
