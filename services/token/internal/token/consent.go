package token

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Consent is what a user agreed that a client may do at an API; the wire calls it a grant.
type Consent struct {
	ID       string
	UserID   string
	ClientID string
	Audience string // of the API, or of /userinfo where none was asked for
	Scope    Scope
	Given    time.Time // when it was last widened
}

// newConsentID gives the public name of a consent; it opens nothing.
func newConsentID() string { return "grt_" + randomWord(24) }

// ConsentFilter narrows a list; empty fields say nothing.
type ConsentFilter struct{ UserID, ClientID, Audience string }

// ConsentStore keeps what users agreed to, each consent visible to its own tenant only.
type ConsentStore interface {
	// FindConsent gives what the user agreed to; nothing is fault.NotFound.
	FindConsent(ctx context.Context, tenant tenancy.ID, userID, clientID, audience string) (Consent, error)
	// GiveConsent notes in the transaction that the user of the session was asked and agreed and, where consent is not nil, adds its
	// scopes to what the user agreed to before, in one step. A transaction that is gone, or is another session's by now, is
	// fault.NotFound and changes nothing.
	GiveConsent(ctx context.Context, tenant tenancy.ID, state Hash, sessionID string, consent *Consent) error
	// ListConsents gives a part of them in the order of their IDs, and how many there are.
	ListConsents(ctx context.Context, tenant tenancy.ID, filter ConsentFilter, offset, limit int) ([]Consent, int, error)
	// WithdrawConsents removes what the filter names, by id where one is given, with what was issued by it (refresh and opaque tokens,
	// and codes and device codes that nobody redeemed yet), and leaves the caller's audit line, in one step. It gives how many went; none is no error.
	WithdrawConsents(ctx context.Context, tenant tenancy.ID, id string, filter ConsentFilter, now time.Time) (int, error)
}

// errUnasked lets an interactive request go to the consent page.
var errUnasked = errors.New("the user has not agreed yet")

func consentRequired() error {
	return fault.Denied(oauth.ConsentRequired, "Consent required").Because(errUnasked)
}

// consentAudience is the audience under which a consent for rs is kept; nil is /userinfo.
func consentAudience(t tenancy.Tenant, rs *ResourceServer) string {
	if rs == nil {
		return t.UserinfoAudience()
	}
	return rs.Identifier
}

// agreed finds out whether the user agreed to what the client is about to get. First parties need to ask for their APIs, unless these
// say that they need not; whether they asked is known of the login (ask.Agreed). A third party always needs what the store knows,
// whatever the login says: what a user withdraws is over, at every grant.
func (p *Policy) agreed(ctx context.Context, t tenancy.Tenant, ask Ask, rs *ResourceServer, scope Scope) error {
	if rs.asksAlways() && (!ask.Agreed || ask.Unasked) {
		return consentRequired()
	}
	first := ask.Client.FirstParty
	if first && (ask.Agreed || rs == nil || rs.SkipConsent && !ask.Unverifiable) {
		return nil
	}
	if first && ask.Unverifiable { // nothing is remembered for a callback that anybody on the machine may answer at
		return consentRequired()
	}
	c, err := p.consents.FindConsent(ctx, t.ID, ask.User.ID, ask.Client.ID, consentAudience(t, rs))
	if fault.Is(err, fault.KindNotFound) {
		return consentRequired()
	}
	if err != nil {
		return err
	}
	if len(scope.without(c.Scope)) > 0 {
		return consentRequired()
	}
	return nil
}

// policyStandard is the consent policy by which what a user agreed to is remembered.
const policyStandard = "standard"

// asksAlways says whether users are asked each time, whatever they agreed to before and whoever the client is: the API's consent policy is
// that each transaction is agreed to. What further factor such an API wants of the user is what actions and the tenant ask for.
func (rs *ResourceServer) asksAlways() bool {
	return rs != nil && rs.ConsentPolicy != "" && rs.ConsentPolicy != policyStandard
}

// unasked says that no page has asked the user for what the exchange is about: the grant has none, or a refresh token opens an API that
// it was not given for.
func unasked(kind oauth.GrantType, a Authorization) bool {
	if a.Renewal != nil {
		return a.Audience != a.Renewal.Family.Audience
	}
	return slices.Contains([]oauth.GrantType{oauth.GrantPassword, oauth.GrantPasswordRealm, oauth.GrantTokenExchange}, kind)
}

// unverifiable says whether what the transaction ends in proves nobody. A device has no callback: it has its code.
func (tx *Transaction) unverifiable() bool {
	return tx.Request.Device == "" && unverifiable(tx.Request.RedirectURI)
}

// unverifiable reports a callback that proves nobody: another program of the same machine may answer there (RFC 8252 §8.6).
func unverifiable(uri string) bool {
	u, err := url.Parse(uri)
	return err != nil || u.Scheme != "https" && u.Scheme != "http" || oauth.OnThisMachine(u.Hostname())
}
