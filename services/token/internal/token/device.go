package token

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	// DeviceCodeTTL is how long a device waits for somebody, as long as on the wire.
	DeviceCodeTTL = 15 * time.Minute
	// deviceGrace is how much longer its row stays, so that a device that asks late is told why.
	deviceGrace = 5 * time.Minute
	// deviceInterval is how long a device waits between two polls (RFC 8628 §3.2); one that does not wait gets more.
	deviceInterval = 5 * time.Second
)

// DeviceStatus is what became of a device's request.
type DeviceStatus string

// The statuses.
const (
	DevicePending  DeviceStatus = "pending"
	DeviceApproved DeviceStatus = "approved"
	DeviceDenied   DeviceStatus = "denied"
)

// DeviceCode is a device that waits for somebody to log it in elsewhere (RFC 8628).
type DeviceCode struct {
	Device   Hash // of the device code
	User     Hash // of the user code
	ClientID string
	Audience string
	Scope    Scope
	Status   DeviceStatus
	Interval time.Duration
	Issued   time.Time
	Until    time.Time // good until then
	Expires  time.Time // remembered until then
	// Authorization is what was approved.
	Authorization Authorization
	// Hasty says of a poll that it came too soon after the one before.
	Hasty bool
}

// DeviceApproval is a device that somebody logged in.
type DeviceApproval struct {
	User          Hash
	Authorization Authorization
	// Completion ends the login transaction that led here.
	Completion Completion
}

// DeviceStore keeps device codes, each visible to its own tenant only.
type DeviceStore interface {
	// SaveDeviceCode stores a new one; a user code that another has is fault.Conflict.
	SaveDeviceCode(ctx context.Context, tenant tenancy.ID, c DeviceCode) error
	// FindDeviceCode gives a pending one by its user code; any other, and what is good no more, is fault.NotFound.
	FindDeviceCode(ctx context.Context, tenant tenancy.ID, user Hash, now time.Time) (DeviceCode, error)
	// PollDeviceCode notes a poll and gives the code by the device's; one that comes too soon makes the interval five seconds longer
	// (RFC 8628 §3.5). Unknown, and no longer remembered, is fault.NotFound.
	PollDeviceCode(ctx context.Context, tenant tenancy.ID, device Hash, now time.Time) (DeviceCode, error)
	// ApproveDevice makes a pending code approved, ends the login transaction and writes its fact, in one step. A code that is not
	// pending any more, and a transaction that is gone, is fault.NotFound and changes nothing.
	ApproveDevice(ctx context.Context, tenant tenancy.ID, a DeviceApproval) error
	// DenyDevice makes a pending code denied, ends the transaction and writes the fact, in one step; fault.NotFound as above.
	DenyDevice(ctx context.Context, tenant tenancy.ID, user, state Hash, now time.Time, fact Fact) error
	// RedeemDeviceCode removes an approved code, stores what was issued for it and writes the fact, in one step. Of two concurrent
	// calls one wins; the other, like one for a code that is good no more, is fault.NotFound.
	RedeemDeviceCode(ctx context.Context, tenant tenancy.ID, device Hash, now time.Time, s Settlement) error
	// DropDeviceCode forgets a code that is over and not approved; one that is gone is no error.
	DropDeviceCode(ctx context.Context, tenant tenancy.ID, device Hash) error
}

// Limiter holds back who tries too often.
type Limiter interface {
	// Take spends a try of key; fault.TooMany when none is left for now.
	Take(key string) error
}

// DeviceRequest is a request to /oauth/device/code (RFC 8628 §3.1).
type DeviceRequest struct {
	Params Params
	Basic  *Basic
	Origin Origin
}

// DeviceGiven is what the device is given (RFC 8628 §3.2).
type DeviceGiven struct {
	DeviceCode, UserCode string
	Life, Interval       time.Duration
}

// DeviceAuthorizer is the device authorization endpoint.
type DeviceAuthorizer struct {
	Auth    *Authenticator
	Config  Configuration
	Policy  *Policy
	Store   DeviceStore
	Record  Recorder
	Limiter Limiter // by address
	Now     func() time.Time
}

// userCodeTries is how often a user code is drawn anew when another device has it.
const userCodeTries = 5

// Authorize gives a device its codes. Refusals leave a fact.
func (d *DeviceAuthorizer) Authorize(ctx context.Context, t tenancy.Tenant, req DeviceRequest) (DeviceGiven, *Client, error) {
	if err := d.Limiter.Take(string(t.ID) + " " + req.Origin.network()); err != nil {
		return DeviceGiven{}, nil, err
	}
	now := d.Now()
	c, id, err := d.Auth.Authenticate(ctx, t, req.Params, req.Basic, now)
	if err == nil {
		var given DeviceGiven
		if given, err = d.give(ctx, t, c, req.Params, now); err == nil {
			return given, c, nil
		}
	}
	reason := fault.Of(err)
	switch reason.Kind {
	case fault.KindInternal, fault.KindUnavailable, fault.KindTooMany:
		return DeviceGiven{}, c, err
	case fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
	}
	f := factOf(t, now, DeviceRefused, "fdeaz")
	f.ClientID, f.Origin, f.Description, f.Audience, f.Scope = id, req.Origin, reason.Message, req.Params["audience"], ParseScope(req.Params["scope"])
	if c != nil {
		f.ClientID, f.ClientName = c.ID, c.Name
	}
	f.Details = map[string]any{"error": map[string]any{"message": reason.Message, "oauthError": reason.Code}}
	if lost := d.Record.Record(ctx, f); lost != nil {
		return DeviceGiven{}, c, lost
	}
	return DeviceGiven{}, c, err
}

func (d *DeviceAuthorizer) give(ctx context.Context, t tenancy.Tenant, c *Client, p Params, now time.Time) (DeviceGiven, error) {
	if p["organization"] != "" {
		return DeviceGiven{}, noOrganizations()
	}
	if len(p["scope"]) > maxParam { // it is kept, and anybody who knows a public client may ask
		return DeviceGiven{}, fault.Invalid(oauth.InvalidRequest, "Parameter too long: scope")
	}
	settings, err := d.Config.FindSettings(ctx, t.ID)
	if err != nil {
		return DeviceGiven{}, err
	}
	r := Request{Audience: p["audience"], Scope: ParseScope(p["scope"])}
	r.resolveAudience(t, settings)
	if _, err := d.Policy.Check(ctx, t, Ask{Client: c, Grant: oauth.GrantDeviceCode, Audience: r.Audience, Scope: r.Scope, Later: true}); err != nil {
		return DeviceGiven{}, err
	}
	given := DeviceGiven{DeviceCode: newSecret(), Life: DeviceCodeTTL, Interval: deviceInterval}
	for range userCodeTries {
		given.UserCode = settings.UserCodes.draw()
		err = d.Store.SaveDeviceCode(ctx, t.ID, DeviceCode{
			Device: HashOf(given.DeviceCode), User: userCodeHash(given.UserCode), ClientID: c.ID, Audience: r.Audience, Scope: r.Scope,
			Status: DevicePending, Interval: deviceInterval, Issued: now, Until: now.Add(DeviceCodeTTL), Expires: now.Add(DeviceCodeTTL + deviceGrace),
		})
		if !fault.Is(err, fault.KindConflict) {
			return given, err
		}
	}
	return DeviceGiven{}, fault.Internal(errors.New("no user code is free"))
}

// base20 has no vowels, so that no code is a word, and nothing that looks like something else (RFC 8628 §6.1).
const base20 = "BCDFGHJKLMNPQRSTVWXZ"

const (
	// A code is as long as the tenant's mask, within what can be typed and cannot be guessed.
	defaultMask  = "****-****"
	digitMask    = "***-***-***"
	minLetters   = 8
	minDigits    = 9
	maxUserCode  = 20
	charsetDigit = "digits"
)

// letters gives what the tenant's codes are made of, and the mask that holds as many of them as it takes.
func (u UserCodes) letters() (letters, mask string) {
	letters, least, usual := base20, minLetters, defaultMask
	if u.Charset == charsetDigit {
		letters, least, usual = "0123456789", minDigits, digitMask
	}
	stars := strings.Count(u.Mask, "*")
	if stars < least || stars > maxUserCode || len(u.Mask) > 2*maxUserCode || strings.Trim(u.Mask, "*- ") != "" {
		return letters, usual
	}
	return letters, u.Mask
}

// draw makes a user code by the tenant's mask.
func (u UserCodes) draw() string {
	letters, mask := u.letters()
	b := make([]byte, strings.Count(mask, "*"))
	for i := range b {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(letters)))) // never fails (crypto/rand)
		b[i] = letters[n.Int64()]
	}
	return u.format(string(b))
}

// format writes a user code as devices show it. One that was drawn by another mask stays as it is.
func (u UserCodes) format(code string) string {
	_, mask := u.letters()
	if strings.Count(mask, "*") != len(code) {
		return code
	}
	var b strings.Builder
	for _, r := range mask {
		if r == '*' {
			b.WriteByte(code[0])
			code = code[1:]
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// userCodeOf gives what counts of a user code however it was typed: case, spaces and separators do not.
func userCodeOf(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, typed)
}

// userCodeHash is the hash of a user code.
func userCodeHash(typed string) Hash { return HashOf("user code " + userCodeOf(typed)) }
