package token

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Activation is what the page shows where a user code is typed.
type Activation struct {
	TenantName string
	Typed      string
	Missing    bool // nothing was typed
	Wrong      bool // no device waits under that code
}

// ActivationPage gives the page where a user code is typed; typed may be filled in already (RFC 8628 §3.3.1). It is never taken at its
// word: the person sends it, and is asked about it (§5.4).
func (l *Logins) ActivationPage(ctx context.Context, t tenancy.Tenant, typed string) (Activation, error) {
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Activation{}, err
	}
	name := settings.FriendlyName
	if name == "" {
		name = t.Name
	}
	return Activation{TenantName: name, Typed: typed}, nil
}

// Activate begins the login of the device with that user code. Either the answer leads on, or the page is shown again and says what is
// wrong. Whoever tries codes is held back by address, and all of a tenant together (RFC 8628 §5.1).
func (l *Logins) Activate(ctx context.Context, t tenancy.Tenant, typed string, b Browser) (Answer, *Activation, error) {
	page, err := l.ActivationPage(ctx, t, strings.TrimSpace(typed))
	if err != nil {
		return Answer{}, nil, err
	}
	if page.Typed == "" {
		page.Missing = true
		return Answer{}, &page, nil
	}
	for _, try := range []struct {
		of  Limiter
		key string
	}{{l.guesses, string(t.ID) + " " + b.Origin.network()}, {l.guessesAll, string(t.ID)}} {
		if err := try.of.Take(try.key); err != nil {
			return Answer{}, nil, err
		}
	}
	user := userCodeHash(typed)
	code, err := l.devices.FindDeviceCode(ctx, t.ID, user, l.now())
	if fault.Is(err, fault.KindNotFound) {
		f := factOf(t, l.now(), DeviceRefused, "fdeac")
		f.Origin, f.Description = b.Origin, "No device waits under this code"
		if err := l.store.RecordFact(ctx, f); err != nil {
			return Answer{}, nil, err
		}
		page.Wrong = true
		return Answer{}, &page, nil
	}
	if err != nil {
		return Answer{}, nil, err
	}
	c, err := l.config.FindClient(ctx, t.ID, code.ClientID)
	if err != nil {
		return Answer{}, nil, err
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return Answer{}, nil, err
	}
	r := Request{
		ClientID: c.ID, Audience: code.Audience, Scope: code.Scope, MaxAge: -1, Mode: ModeQuery, Types: ResponseType{Code: true},
		Device: hex.EncodeToString(user[:]), UserCode: settings.UserCodes.format(userCodeOf(typed)),
	}
	v := visit{tenant: t, client: c, request: &r, settings: settings, browser: b}
	own, ok, err := l.base(ctx, v, "")
	if err != nil {
		return Answer{}, nil, err
	}
	a, err := l.answer(ctx, v, own, ok)
	return a, nil, err
}

// device gives the user code's hash of a transaction that logs a device in; ok is false for any other.
func (r *Request) device() (user Hash, ok bool) {
	b, err := hex.DecodeString(r.Device)
	if err != nil || len(b) != len(user) {
		return Hash{}, false
	}
	copy(user[:], b)
	return user, true
}

// grant is the grant type that the request is for.
func (r *Request) grant() oauth.GrantType {
	if r.Device != "" {
		return oauth.GrantDeviceCode
	}
	return r.Types.Grant()
}

// approve ends a transaction that logs a device in: the device has it from here.
func (l *Logins) approve(ctx context.Context, t tenancy.Tenant, user Hash, done Completion, a Authorization) (Answer, error) {
	err := l.devices.ApproveDevice(ctx, t.ID, DeviceApproval{User: user, Authorization: a, Completion: done})
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, errStale()
	}
	return Answer{Next: NextActivated}, err
}

// deny ends a transaction whose device is not to be logged in.
func (l *Logins) deny(ctx context.Context, t tenancy.Tenant, c *Client, user Hash, tx *Transaction, b Browser) (Answer, error) {
	f := factOf(t, l.now(), DeviceRefused, "fdecc")
	f.ClientID, f.ClientName, f.Origin, f.Description = c.ID, c.Name, b.Origin, "User cancelled the confirmation prompt."
	err := l.devices.DenyDevice(ctx, t.ID, user, tx.State, l.now(), f)
	if fault.Is(err, fault.KindNotFound) {
		return Answer{}, errStale()
	}
	return Answer{Next: NextDenied}, err
}
