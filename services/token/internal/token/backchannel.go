package token

import (
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// LogoutMessage is the end of a session that a client has not heard of yet (OIDC Back-Channel Logout §2.5).
type LogoutMessage struct {
	Tenant     tenancy.ID
	TenantName string
	ID         string // also the jti of its logout token
	ClientID   string
	SessionID  string
	UserID     string
	Host       string            // of the session: whose issuer speaks
	Metadata   map[string]string // of the session
	By         Initiator
	Ended      time.Time
	Attempts   int // with the one under way
	Expires    time.Time
}

// LogoutQueue keeps the messages. It is the one port that looks over all tenants; each message says whose it is.
type LogoutQueue interface {
	// ClaimLogoutMessages takes messages that are due, and keeps them from others until the claim is over: a process that dies with some
	// in hand leaves them due again.
	ClaimLogoutMessages(ctx context.Context, c Claim) ([]LogoutMessage, error)
	// SettleLogoutMessage removes a message and writes the fact, if any, in one step; one that is gone is fault.NotFound.
	SettleLogoutMessage(ctx context.Context, m LogoutMessage, fact *Fact) error
	// PostponeLogoutMessage makes a message due later and writes the fact, if any, in one step; one that is gone is fault.NotFound.
	PostponeLogoutMessage(ctx context.Context, m LogoutMessage, due time.Time, fact *Fact) error
}

// Claim is what somebody takes of the messages that are due at Now, until Until: Limit at most, of no tenant more than Share, and none of
// those in Busy.
type Claim struct {
	Now, Until   time.Time
	Limit, Share int
	Busy         []tenancy.ID
}

// LogoutSender reaches clients.
type LogoutSender interface {
	// SendLogout posts a logout token to a client's URL (§2.5) and gives the status of the answer, 0 where there was none. One that
	// is not of success is an error (§2.8), whose sentence is safe to show.
	SendLogout(ctx context.Context, url, logoutToken string) (status int, err error)
}

// logoutEvent is the one member of a logout token's events claim (§2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

const (
	typeLogout = "logout+jwt"
	// logoutTokenLife is how long a client may take a logout token, as long as on the wire.
	logoutTokenLife = 2 * time.Minute
	// Each client has sendFor to answer, and one that does not is asked again after a growing while.
	sendFor    = 10 * time.Second
	claimFor   = sendFor + 20*time.Second
	firstPause = 5 * time.Second
	lastPause  = time.Hour
)

func (t *Teller) tell(ctx context.Context, m LogoutMessage) error {
	c, err := t.Config.FindClient(ctx, m.Tenant, m.ClientID)
	switch {
	case fault.Is(err, fault.KindNotFound) || err == nil && (c.Strict || !c.Backchannel.hears(m.By)):
		return gone(t.Queue.SettleLogoutMessage(ctx, m, nil))
	case err != nil:
		return t.hold(ctx, m, err)
	}
	ten := tenancy.Tenant{ID: m.Tenant, Host: m.Host}
	raw, err := t.logoutToken(ctx, ten, c, m)
	if err != nil {
		return t.hold(ctx, m, err)
	}
	sending, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	status, err := t.Sender.SendLogout(sending, c.Backchannel.URL, raw)
	if err != nil {
		if ctx.Err() != nil {
			return nil // it was not the client who failed; the message is due again by itself
		}
		return t.later(ctx, m, c, status, err)
	}
	f := t.fact(m, c, LogoutTold, "oidc_backchannel_logout_succeeded", status)
	f.Description = "Successful OIDC Back-Channel Logout request"
	return gone(t.Queue.SettleLogoutMessage(ctx, m, &f))
}

// hears says whether the client wants to be told.
func (b Backchannel) hears(by Initiator) bool {
	if b.URL == "" {
		return false
	}
	// A logout that an application asked for is told of whatever was chosen; where nothing was, it is all that is told.
	return b.All || by == ByLogout || slices.Contains(b.Initiators, string(by))
}

// hold tells again after a while, because of something that is away here: no line in the tenant's log, and no end but the message's own.
func (t *Teller) hold(ctx context.Context, m LogoutMessage, cause error) error {
	if err := gone(t.Queue.PostponeLogoutMessage(ctx, m, t.Now().Add(m.pause()), nil)); err != nil {
		return err
	}
	return cause
}

// pause is how long to wait for the next attempt.
func (m LogoutMessage) pause() time.Duration {
	return min(firstPause<<min(m.Attempts-1, 12), lastPause)
}

// later tells again after a while that grows, and gives up at the message's end.
func (t *Teller) later(ctx context.Context, m LogoutMessage, c *Client, status int, cause error) error {
	f := t.fact(m, c, LogoutUntold, "oidc_backchannel_logout_failed", status)
	f.Description = fault.Of(cause).Message
	f.Details["errors"] = []string{f.Description}
	due := t.Now().Add(m.pause())
	if !due.Before(m.Expires) {
		return gone(t.Queue.SettleLogoutMessage(ctx, m, &f))
	}
	return gone(t.Queue.PostponeLogoutMessage(ctx, m, due, &f))
}

// gone takes a message that is there no more for what it is: the tenant was removed meanwhile.
func gone(err error) error {
	if fault.Is(err, fault.KindNotFound) {
		return nil
	}
	return err
}

// logoutToken makes what the client is told (§2.4). It has no nonce, so that it passes for no ID token, and a type of its own.
func (t *Teller) logoutToken(ctx context.Context, ten tenancy.Tenant, c *Client, m LogoutMessage) (string, error) {
	now := t.Now()
	claims := map[string]any{
		"iss": ten.Issuer(), "sub": m.UserID, "aud": c.Identifier(), "iat": now.Unix(), "exp": now.Add(logoutTokenLife).Unix(),
		"jti": m.ID, "trace_id": m.ID, "sid": m.SessionID, "events": map[string]any{logoutEvent: map[string]any{}},
	}
	if c.Backchannel.Metadata && len(m.Metadata) > 0 {
		claims["session_metadata"] = m.Metadata
	}
	return t.Issuer.sign(ctx, ten.ID, AlgRS256, nil, typeLogout, claims)
}

func (t *Teller) fact(m LogoutMessage, c *Client, name FactName, kind string, status int) Fact {
	f := Fact{Tenant: m.Tenant, TenantName: m.TenantName, Time: t.Now(), Name: name, Type: kind, Hostname: tenancy.Tenant{Host: m.Host}.Hostname()}
	f.ClientID, f.ClientName, f.UserID, f.SessionID = c.ID, c.Name, m.UserID, m.SessionID
	f.Details = map[string]any{
		"initiator": string(m.By), "request": map[string]any{"method": "POST", "backchannel_logout_uri": c.Backchannel.URL},
		"response": map[string]any{"statusCode": status}, "session_id": m.SessionID, "attempt": m.Attempts,
	}
	return f
}
