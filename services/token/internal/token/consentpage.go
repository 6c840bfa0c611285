package token

import (
	"context"
	"errors"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// ConsentPage is what the consent page shows.
type ConsentPage struct {
	TenantName string
	ClientName string
	Logo       Logo // the client's
	UserName   string
	// Audience is the name of the API that is asked for; empty: none.
	Audience string
	Items    []ConsentItem // nothing: only whether to go on is asked
	// UserCode is what the device shows, where one is logged in.
	UserCode string
	// Callback is where the browser goes on to, shown where it proves nobody.
	Callback string
}

// ConsentItem is one thing that the client wants to do.
type ConsentItem struct {
	Scope string
	Text  string // for people
}

// Consent gives the consent page of a transaction whose user is logged in. Where there is nothing left to ask, since what is asked for
// may not be had any more, the answer leads back to the client and there is no page. A stale transaction is fault.Invalid.
func (l *Logins) Consent(ctx context.Context, t tenancy.Tenant, state string, b Browser) (Answer, *ConsentPage, error) {
	tx, s, err := l.entered(ctx, t, state, b)
	if err != nil {
		return Answer{}, nil, err
	}
	login, c, err := l.page(ctx, t, tx)
	if err != nil {
		return Answer{}, nil, err
	}
	u, err := l.users.FindUser(ctx, t.ID, s.UserID)
	if err != nil {
		return Answer{}, nil, err
	}
	page := ConsentPage{TenantName: login.TenantName, ClientName: c.Name, Logo: login.Logo, UserName: u.Handle(), UserCode: tx.Request.UserCode}
	if tx.Request.Device == "" && unverifiable(tx.Request.RedirectURI) {
		page.Callback = tx.Request.RedirectURI
	}
	permit, err := l.policy.Check(ctx, t, l.ask(c, &tx, s, u).asked())
	if err != nil {
		refuse := l.refuse
		if tx.Reused { // nobody has seen a page yet
			refuse = l.refuseUnseen
		}
		a, err := refuse(ctx, t, c, &tx.Request, b, err)
		return a, nil, err
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, nil, err
	}
	if rs := permit.ResourceServer; rs != nil {
		page.Audience = rs.Name
	}
	if permit.ResourceServer != nil || !c.FirstParty {
		page.Items = consentItems(permit, settings.ScopeDescriptions)
	}
	return Answer{}, &page, nil
}

// Answered is what somebody answered on the consent page.
type Answered struct {
	State  string
	Agreed bool
}

// Decide takes the answer of the consent page. What is agreed to is what the page showed: the request's scopes as they may be granted.
func (l *Logins) Decide(ctx context.Context, t tenancy.Tenant, in Answered, b Browser) (Answer, error) {
	tx, s, err := l.entered(ctx, t, in.State, b)
	if err != nil {
		return Answer{}, err
	}
	c, err := l.config.FindClient(ctx, t.ID, tx.Request.ClientID)
	if err != nil {
		return Answer{}, err
	}
	user, device := tx.Request.device()
	if !in.Agreed && device {
		return l.deny(ctx, t, c, user, &tx, b)
	}
	if !in.Agreed {
		err := l.store.AbandonTransaction(ctx, t.ID, tx.State)
		if fault.Is(err, fault.KindNotFound) {
			return Answer{}, errStale()
		}
		if err != nil {
			return Answer{}, err
		}
		return l.refuse(ctx, t, c, &tx.Request, b, fault.Denied(oauth.AccessDenied, "User did not authorize the request"))
	}
	u, err := l.users.FindUser(ctx, t.ID, s.UserID)
	if err != nil {
		return Answer{}, err
	}
	permit, err := l.policy.Check(ctx, t, l.ask(c, &tx, s, u).asked())
	if err != nil {
		return l.refuse(ctx, t, c, &tx.Request, b, err)
	}
	var consent *Consent
	if remembered := !c.FirstParty || permit.ResourceServer != nil && !tx.unverifiable() && !permit.ResourceServer.asksAlways(); remembered {
		consent = &Consent{
			ID: newConsentID(), UserID: u.ID, ClientID: c.ID, Audience: consentAudience(t, permit.ResourceServer), Scope: permit.Scope, Given: l.now(),
		}
	}
	err = l.consents.GiveConsent(ctx, t.ID, tx.State, s.ID, consent)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, errStale()
	}
	return Answer{Next: NextResume, State: in.State}, err
}

// entered finds the transaction of a state whose user logged in by this browser's session.
func (l *Logins) entered(ctx context.Context, t tenancy.Tenant, state string, b Browser) (Transaction, Session, error) {
	tx, err := l.transaction(ctx, t, state, b)
	if err != nil {
		return Transaction{}, Session{}, err
	}
	s, ok, err := l.session(ctx, t, b)
	if err != nil {
		return Transaction{}, Session{}, err
	}
	if !ok || tx.SessionID == "" || s.ID != tx.SessionID {
		return Transaction{}, Session{}, errStale()
	}
	return tx, s, nil
}

// mustAsk says whether the user has to be asked before the transaction goes on, by the policy's answer and by what the client and the
// callback are like. About what the policy refuses nobody is asked.
func (l *Logins) mustAsk(c *Client, settings *Settings, tx *Transaction, err error) bool {
	if tx.Agreed || err != nil && !errors.Is(err, errUnasked) {
		return false
	}
	if tx.Request.Device != "" { // always: somebody else may have sent them here (RFC 8628 §5.4)
		return true
	}
	return errors.Is(err, errUnasked) || tx.Request.prompts(promptConsent) || tx.Reused && confirms(c, settings, &tx.Request)
}

// confirms says whether a login that nobody took part in must be confirmed, since any program of the machine could have begun it and
// answer at the callback (RFC 8252 §8.6).
func confirms(c *Client, settings *Settings, r *Request) bool {
	if c.SkipConfirmation != nil {
		return !*c.SkipConfirmation && unverifiable(r.RedirectURI)
	}
	return !settings.SkipConfirmation && unverifiable(r.RedirectURI)
}

// plain is what the scopes of users mean, for people.
var plain = []ConsentItem{
	{oauth.ScopeProfile, "Profile: access to your profile"},
	{oauth.ScopeEmail, "Email: access to your email address"},
	{oauth.ScopePhone, "Phone: access to your phone number"},
	{oauth.ScopeAddress, "Address: access to your address"},
	{oauth.ScopeOfflineAccess, "Offline access: stay signed in while you are away"},
	{oauth.ScopeOnlineAccess, "Online access: stay signed in as long as you are signed in here"},
}

// consentItems lists what is asked for: what concerns the user first, then the API's scopes as they are named or, where the tenant
// wants it, described.
func consentItems(p Permit, described bool) []ConsentItem {
	var items []ConsentItem
	for _, item := range plain {
		if p.Scope.Has(item.Scope) {
			items = append(items, item)
		}
	}
	for _, word := range p.Scope {
		if p.ResourceServer == nil || word == oauth.ScopeOpenID || plainly(word) {
			continue
		}
		text := word
		if described && p.ResourceServer.Descriptions[word] != "" {
			text = p.ResourceServer.Descriptions[word]
		}
		items = append(items, ConsentItem{Scope: word, Text: text})
	}
	return items
}

func plainly(word string) bool {
	for _, item := range plain {
		if item.Scope == word {
			return true
		}
	}
	return false
}
