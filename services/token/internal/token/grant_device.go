package token

import (
	"context"
	"errors"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Device is the grant of a device that somebody logged in elsewhere (RFC 8628 §3.4).
type Device struct {
	Store  DeviceStore
	Record Recorder // of refused exchanges
}

// Type implements Grant.
func (*Device) Type() oauth.GrantType { return oauth.GrantDeviceCode }

// Facts implements Grant.
func (*Device) Facts() (issued, refused string) { return "sede", "fede" }

// errDevice says the same of a code that is unknown, used, another client's and another tenant's.
func errDevice() *fault.Error {
	return fault.Denied(oauth.InvalidGrant, "Invalid or expired device code.")
}

// errWaiting marks what a device is told while it waits: nothing was refused, and there is nothing to write down.
var errWaiting = errors.New("nobody has decided yet")

// Over implements Ending.
func (*Device) Over() *fault.Error { return errDevice() }

// Authorize implements Grant. Beside noting the poll it changes nothing; an approved code is used up by Settle.
func (g *Device) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	raw := x.Params["device_code"]
	if raw == "" {
		return Authorization{}, missing("device_code")
	}
	device := HashOf(raw)
	c, err := g.Store.PollDeviceCode(ctx, x.Tenant.ID, device, x.Now)
	if fault.Is(err, fault.KindNotFound) || err == nil && c.ClientID != x.Client.ID {
		return Authorization{}, errDevice()
	}
	if err != nil {
		return Authorization{}, err
	}
	a := c.Authorization
	a.ClientID, a.Code = c.ClientID, device
	switch {
	case !x.Now.Before(c.Until): // told once; the next poll finds nothing (RFC 8628 §3.5)
		if err := g.Store.DropDeviceCode(ctx, x.Tenant.ID, device); err != nil {
			return a, err
		}
		return a, fault.Denied("expired_token", "The device code has expired.")
	case c.Status == DeviceApproved:
		a.Audience = c.Audience
		return a, nil
	case c.Status == DeviceDenied:
		if err := g.Store.DropDeviceCode(ctx, x.Tenant.ID, device); err != nil {
			return a, err
		}
		return a, fault.Denied(oauth.AccessDenied, "User cancelled the confirmation prompt.")
	case c.Hasty:
		return a, fault.New(fault.KindTooMany, "slow_down", "You are polling faster than the specified interval.")
	}
	return a, fault.Denied("authorization_pending", "User has yet to authorize device code.").Because(errWaiting)
}

// Settle implements Grant.
func (g *Device) Settle(ctx context.Context, x Exchange, s Settlement) error {
	err := g.Store.RedeemDeviceCode(ctx, x.Tenant.ID, s.Authorization.Code, x.Now, s)
	if fault.Is(err, fault.KindNotFound) { // another poll of the same device won
		return errDevice().Because(err)
	}
	return err
}

// Refuse implements Grant.
func (g *Device) Refuse(ctx context.Context, f Fact) error { return g.Record.Record(ctx, f) }
