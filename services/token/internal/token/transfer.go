package token

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// An app on its user's device hands their session on to a web page that it opens: it has a session transfer token for its refresh token,
// and the page's /authorize takes that for a login (the wire's native-to-web single sign-on).

// TransferPolicy is what a client does with sessions that are handed on; the zero value: nothing.
type TransferPolicy struct {
	// Gives says that the client, an app, may hand sessions on; Cascades, that what comes of it ends when the refresh token is revoked
	// that it was handed on by.
	Gives, Cascades bool
	// Takes is by what the client, the one that is opened, takes sessions over (TransferCookie, TransferQuery), and Binding, how the two
	// must have the device in common.
	Takes   []string
	Binding string
	// Refresh says that a session which was taken over gives refresh tokens; Online, that these end with it.
	Refresh, Online bool
}

// How a session transfer token comes to /authorize.
const (
	TransferCookie = "cookie"
	TransferQuery  = "query"
)

// ParamTransfer is the parameter of /authorize that brings a session transfer token, where it is no cookie.
const ParamTransfer = "session_transfer_token"

// transferLife is how long a session transfer token is good, once.
const transferLife = time.Minute

// Transfer is a session that is handed on.
type Transfer struct {
	Token   Hash
	Family  string // whose refresh token was shown; the token is good as long as it
	IP      string // from where
	Ends    bool   // what comes of it ends when the family is revoked
	Issued  time.Time
	Expires time.Time
	// What follows is the family's.
	UserID     string
	Connection Connection
	AuthTime   time.Time
}

// Handover is where a session came from; the zero value: from a login in its own browser.
type Handover struct {
	Family string // that handed it on
	Ends   bool   // it ends when the family is revoked, with what came of it
}

// Handed says that there was one.
func (h Handover) Handed() bool { return h.Family != "" }

// TransferStore keeps sessions that are being handed on, each visible to its own tenant only. They are stored beside the exchange that
// gave them: RefreshStore.RotateRefreshToken.
type TransferStore interface {
	// FindTransfer gives what a session transfer token stands for. One that was used, has expired at now, is unknown or another tenant's,
	// or whose family is over or gone, is fault.NotFound.
	FindTransfer(ctx context.Context, tenant tenancy.ID, token Hash, now time.Time) (Transfer, error)
	// TakeOver uses the token up, stores the session, ends the one it replaces and writes the fact, in one step. Of two concurrent calls
	// one wins; the other is fault.NotFound, like one for which FindTransfer gives nothing any more, and changes nothing.
	TakeOver(ctx context.Context, tenant tenancy.ID, token Hash, opening Opening) error
}

// transferAudience is by what a client asks for a session transfer token at the host of the request, whatever port it came by.
func transferAudience(t tenancy.Tenant, audience string) bool {
	host, urn := strings.CutPrefix(audience, "urn:")
	host, transfer := strings.CutSuffix(host, ":session_transfer")
	host, _, _ = strings.Cut(host, ":")
	return urn && transfer && host == t.Hostname()
}

// handingOn gives the parameters of a token exchange (RFC 8693) of a refresh token for a session transfer token as those of what it is, the
// exchange of a refresh token; all others are as they were.
func (p Params) handingOn(t tenancy.Tenant) Params {
	wanted := p["requested_token_type"]
	switch {
	case p["grant_type"] != string(oauth.GrantTokenExchange), p["subject_token_type"] != oauth.TokenTypeRefresh, !transferAudience(t, p["audience"]),
		wanted != "" && wanted != oauth.TokenTypeTransfer, p["actor_token"] != "" || p["actor_token_type"] != "":
		return p
	}
	as := maps.Clone(p)
	as["grant_type"], as["refresh_token"] = string(oauth.GrantRefreshToken), p["subject_token"]
	return as
}

// transfer is what the exchange of a refresh token hands on.
func (r *RefreshToken) transfer(x Exchange) *Transfer {
	return &Transfer{
		Family: r.ID, IP: x.Origin.IP, Ends: x.Client.Transfer.Cascades, Issued: x.Now, Expires: x.Now.Add(transferLife),
		UserID: r.UserID, Connection: r.Connection, AuthTime: r.AuthTime,
	}
}

// transfer is what the exchange hands on; nil: nothing.
func (a Authorization) transfer() *Transfer {
	if a.Renewal == nil {
		return nil
	}
	return a.Renewal.Rotation.Transfer
}

// handsOn decides whether the client may hand the session on. One that was handed on itself stays where it is, and one that a browser
// holds is in a browser already.
func (a Ask) handsOn() error {
	switch {
	case !a.Transfer:
		return nil
	case !a.Client.Transfer.Gives || a.Client.Strict:
		return fault.Denied(oauth.UnauthorizedClient, "The client may not create session transfer tokens.")
	case a.Handed || a.Online:
		return fault.Denied(oauth.AccessDenied, "A session of a browser cannot be transferred.")
	}
	return nil
}

// brought is the session transfer token of the request; empty: there is none that the client takes.
func (c *Client) brought(b Browser, query []string) string {
	switch {
	case len(query) == 1 && slices.Contains(c.Transfer.Takes, TransferQuery):
		return query[0]
	case slices.Contains(c.Transfer.Takes, TransferCookie):
		return b.Transfer
	}
	return ""
}

// The ways to bind the taker of a session to the device of the giver.
const (
	bindNone = "none"
	bindIP   = "ip"
)

// sameDevice says whether a session that was handed on from one address may be taken over from another. Whose network an address belongs
// to is not known here: a client that goes by that (asn) takes none over.
func (p TransferPolicy) sameDevice(given, taken string) bool {
	switch p.Binding {
	case bindNone:
		return true
	case bindIP:
		return given != "" && Origin{IP: given}.network() == Origin{IP: taken}.network()
	}
	return false
}

// base is the session that a request is answered from.
type base struct {
	Session

	secret string // set: it was taken over for this very request, and the browser is to have it
}

// carry gives the browser the session that was taken over for it, whatever the answer is.
func (s base) carry(a Answer) Answer {
	if s.secret != "" {
		a.Session = s.secret
		if !s.Ephemeral {
			a.SessionUntil = s.Until
		}
	}
	return a
}

// base finds the session of the browser or, before that, one that is handed on to it by the token brought. ok is false when there is none.
func (l *Logins) base(ctx context.Context, v visit, brought string) (found base, ok bool, err error) {
	s, ok, err := l.session(ctx, v.tenant, v.browser)
	if err != nil || brought == "" {
		return base{Session: s}, ok, err
	}
	opened, taken, err := l.takeOver(ctx, v, HashOf(brought), s, ok)
	if err != nil || taken {
		return opened, taken, err
	}
	return base{Session: s}, ok, nil
}

// takeOver opens the session that the token hands on, in the place of the browser's own where it had one. A token that is good for
// nothing, or not here, is as if it had not been brought; so is one that gives the browser nobody new.
func (l *Logins) takeOver(ctx context.Context, v visit, token Hash, before Session, had bool) (opened base, taken bool, err error) {
	now, t := l.now(), v.tenant
	tr, err := l.transfers.FindTransfer(ctx, t.ID, token, now)
	if fault.Is(err, fault.KindNotFound) {
		return base{}, false, nil
	}
	if err != nil {
		return base{}, false, err
	}
	if !v.client.Transfer.sameDevice(tr.IP, v.browser.Origin.IP) || !v.accepts(tr.UserID, tr.Connection, tr.AuthTime, now) {
		return base{}, false, nil
	}
	if had && before.UserID == tr.UserID && v.serves(before, now) {
		return base{}, false, nil
	}
	u, err := l.users.FindUser(ctx, t.ID, tr.UserID)
	if fault.Is(err, fault.KindNotFound) {
		return base{}, false, nil
	}
	if err != nil {
		return base{}, false, err
	}
	absolute, idle := v.settings.Lifetimes(v.settings.Ephemeral)
	opened = base{secret: newSecret()}
	opened.Session = Session{
		ID: newSessionID(), Secret: HashOf(opened.secret), UserID: u.ID, Connection: tr.Connection, AuthTime: tr.AuthTime, LastUsed: now,
		IdleUntil: now.Add(idle), Until: now.Add(absolute), Host: t.Host, TenantName: t.Name, Created: now, Ephemeral: v.settings.Ephemeral,
		First: v.browser.Origin.clipped(), Last: v.browser.Origin.clipped(), From: Handover{Family: tr.Family, Ends: tr.Ends},
	}
	_, err = l.policy.Check(ctx, t, l.ask(v.client, &Transaction{Request: *v.request}, opened.Session, u).asked())
	if isLoginNeeded(err) {
		return base{}, false, nil
	}
	if err != nil {
		return base{}, false, err
	}
	if u.LoginsCount, err = l.users.RecordLogin(ctx, t.ID, u.ID, v.browser.Origin.IP); err != nil {
		return base{}, false, err
	}
	o := Opening{Session: opened.Session, Fact: l.reuseFact(t, v.client, v.request, opened.Session, u, v.browser)}
	o.Fact.Details["triggered_by_session_transfer_token"] = true
	if had {
		o.Replaces = before.ID
	}
	err = l.transfers.TakeOver(ctx, t.ID, token, o)
	if fault.Is(err, fault.KindNotFound) { // somebody else was faster, or it was revoked meanwhile
		return base{}, false, nil
	}
	return opened, err == nil, err
}
