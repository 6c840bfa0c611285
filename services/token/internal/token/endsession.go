package token

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// HintReader reads ID tokens that come back as hints.
type HintReader interface {
	// ReadHint gives what an ID token of the tenant says, also one that has expired (RP-Initiated Logout §2): signed by a key of the
	// tenant that is not revoked, or by HS256 with the secret of the client it is for, which secret gives. Any other is fault.Invalid.
	ReadHint(ctx context.Context, t tenancy.Tenant, raw string, secret func(ctx context.Context, clientID string) ([]byte, error)) (Hint, error)
}

// Hint is what an ID token that came back says.
type Hint struct {
	Subject  string
	ClientID string // aud, as the token has it
	Session  string // sid; may be empty
}

// EndRequest is a request to end the browser's session (RP-Initiated Logout §2).
type EndRequest struct {
	IDTokenHint string
	LogoutHint  string // a sid
	ClientID    string
	ReturnTo    string // post_logout_redirect_uri
	State       string
	// Confirmed is the proof that the person at this browser said so, from the page that asked.
	Confirmed string
}

// EndAnswer is what comes of it: a page that asks, or a way on.
type EndAnswer struct {
	// Ask, when set, is what the confirmation page shows; nothing was ended.
	Ask *EndPage
	To  string // where the browser goes; empty: to the page that says it is logged out
}

// EndPage is what the confirmation page of a logout shows, and sends on.
type EndPage struct {
	TenantName, UserName      string
	ClientID, ReturnTo, State string
	Proof                     string
}

// EndSession ends the session of the browser, whoever's client it was opened for. Where it cannot be told that the client means this
// very session, the person is asked first, unless the tenant wants nobody asked. A URL that is not in the list, of the client if one is
// known, else of the tenant, is fault.Invalid and changes nothing.
func (l *Logins) EndSession(ctx context.Context, t tenancy.Tenant, in EndRequest, b Browser) (EndAnswer, error) {
	f := l.logoutFact(t, in.ReturnTo, in.ClientID, b)
	answer, err := l.endSession(ctx, t, in, &f, b)
	return answer, l.logoutRefused(ctx, f, err)
}

func (l *Logins) endSession(ctx context.Context, t tenancy.Tenant, in EndRequest, f *Fact, b Browser) (EndAnswer, error) {
	if err := in.bounded(); err != nil {
		return EndAnswer{}, err
	}
	hint, err := l.hint(ctx, t, in)
	if err != nil {
		return EndAnswer{}, err
	}
	in.ClientID = cmp.Or(in.ClientID, hint.ClientID)
	c, list, err := l.logoutList(ctx, t, in.ClientID, f)
	if err != nil {
		return EndAnswer{}, err
	}
	if c != nil && hint.ClientID != "" && hint.ClientID != c.ID && hint.ClientID != c.Identifier() { // RP-Initiated Logout §2
		return EndAnswer{}, fault.Invalid(oauth.InvalidRequest, "client_id is not the audience of the id_token_hint")
	}
	if in.ReturnTo != "" && !endAllowed(list, in.ReturnTo) {
		return EndAnswer{}, fault.Invalid(oauth.InvalidRequest, "The post_logout_redirect_uri is not in the list of allowed logout URLs")
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return EndAnswer{}, err
	}
	s, ok, err := l.session(ctx, t, b)
	if err != nil {
		return EndAnswer{}, err
	}
	if ok && settings.LogoutPrompt && !in.means(s, hint) && !hmac.Equal([]byte(in.Confirmed), []byte(proofOf(b))) {
		page := EndPage{TenantName: cmp.Or(settings.FriendlyName, t.Name), ClientID: in.ClientID, ReturnTo: in.ReturnTo, State: in.State, Proof: proofOf(b)}
		if u, err := l.users.FindUser(ctx, t.ID, s.UserID); err == nil {
			page.UserName = u.Handle() // the question can be asked without the name
		}
		return EndAnswer{Ask: &page}, nil
	}
	if err := l.end(ctx, t, *f, b); err != nil {
		return EndAnswer{}, err
	}
	return EndAnswer{To: withState(in.ReturnTo, in.State)}, nil
}

// bounded refuses what is longer than anything that belongs here; the reader of hints has a bound of its own.
func (in EndRequest) bounded() error {
	for _, sent := range []struct{ name, value string }{
		{"logout_hint", in.LogoutHint}, {"client_id", in.ClientID}, {"post_logout_redirect_uri", in.ReturnTo}, {"state", in.State},
	} {
		if len(sent.value) > maxParam {
			return fault.Invalid(oauth.InvalidRequest, "Parameter too long: "+sent.name)
		}
	}
	return nil
}

// means says whether the client named this very session: at least one hint does, and none names another.
func (in EndRequest) means(s Session, hint Hint) bool {
	named := hint.Session == s.ID || in.LogoutHint == s.ID
	return named && (hint.Session == "" || hint.Session == s.ID) && (in.LogoutHint == "" || in.LogoutHint == s.ID)
}

// hint reads the ID token that came back; none is no error.
func (l *Logins) hint(ctx context.Context, t tenancy.Tenant, in EndRequest) (Hint, error) {
	if in.IDTokenHint == "" {
		return Hint{}, nil
	}
	return l.readHint(ctx, t, in.IDTokenHint)
}

// readHint reads an ID token that came back.
func (l *Logins) readHint(ctx context.Context, t tenancy.Tenant, raw string) (Hint, error) {
	return l.hints.ReadHint(ctx, t, raw, func(ctx context.Context, id string) ([]byte, error) {
		c, err := l.config.FindClient(ctx, t.ID, id)
		if err != nil {
			return nil, err
		}
		return c.macKey()
	})
}

// endAllowed compares as text, query and all (RP-Initiated Logout §3).
func endAllowed(list []string, uri string) bool {
	return plainURL(uri) && !isPattern(uri) && slices.Contains(list, uri)
}

// withState hands the client its state back (RP-Initiated Logout §3).
func withState(uri, state string) string {
	if uri == "" || state == "" {
		return uri
	}
	return Callback{URI: uri, Mode: ModeQuery, Params: []Param{{"state", state}}}.URL()
}

// proofOf is what only a page that this browser was shown can send back: its session's secret does not leave the cookie, and no other
// site can compute this (CSRF).
func proofOf(b Browser) string {
	mac := hmac.New(sha256.New, []byte(b.Session))
	mac.Write([]byte("logout"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
