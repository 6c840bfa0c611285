package storetest

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

var _ token.DeviceStore = (*Fake)(nil)

// waitingDevice is a device code and when it was last polled.
type waitingDevice struct {
	token.DeviceCode

	polled time.Time
}

// SaveDeviceCode implements token.DeviceStore.
func (f *Fake) SaveDeviceCode(_ context.Context, tenant tenancy.ID, c token.DeviceCode) error {
	return f.do(func() error {
		for key, have := range f.waiting {
			if key.tenant == tenant && have.User.Equal(c.User) {
				return fault.Conflict("", "The user code is taken")
			}
		}
		f.waiting[id{tenant, c.Device}] = &waitingDevice{DeviceCode: c}
		return nil
	})
}

// pending finds what waits under a user code.
func (f *Fake) pending(tenant tenancy.ID, user token.Hash, now time.Time) *waitingDevice {
	for key, c := range f.waiting {
		if key.tenant == tenant && c.User.Equal(user) && c.Status == token.DevicePending && c.Until.After(now) {
			return c
		}
	}
	return nil
}

// FindDeviceCode implements token.DeviceStore.
func (f *Fake) FindDeviceCode(_ context.Context, tenant tenancy.ID, user token.Hash, now time.Time) (c token.DeviceCode, err error) {
	err = f.do(func() error {
		found := f.pending(tenant, user, now)
		if found == nil {
			return notFound()
		}
		c = found.DeviceCode
		return nil
	})
	return c, err
}

// PollDeviceCode implements token.DeviceStore.
func (f *Fake) PollDeviceCode(_ context.Context, tenant tenancy.ID, device token.Hash, now time.Time) (c token.DeviceCode, err error) {
	err = f.do(func() error {
		found := f.waiting[id{tenant, device}]
		if found == nil || !found.Expires.After(now) {
			return notFound()
		}
		hasty := !found.polled.IsZero() && found.polled.Add(found.Interval).After(now)
		found.polled = now
		if hasty {
			found.Interval += 5 * time.Second
		}
		c = found.DeviceCode
		c.Hasty = hasty
		return nil
	})
	return c, err
}

// ApproveDevice implements token.DeviceStore.
func (f *Fake) ApproveDevice(_ context.Context, tenant tenancy.ID, a token.DeviceApproval) error {
	return f.do(func() error {
		found := f.pending(tenant, a.User, a.Completion.Now)
		if found == nil {
			return notFound()
		}
		if err := f.complete(tenant, a.Completion); err != nil {
			return err
		}
		found.Status = token.DeviceApproved
		found.Authorization = a.Authorization
		found.Authorization.Issued, found.Authorization.Expires = time.Time{}, time.Time{} // a code's own
		return nil
	})
}

// DenyDevice implements token.DeviceStore.
func (f *Fake) DenyDevice(_ context.Context, tenant tenancy.ID, user, state token.Hash, now time.Time, fact token.Fact) error {
	return f.do(func() error {
		found := f.pending(tenant, user, now)
		if _, ok := f.transactions[id{tenant, state}]; !ok || found == nil {
			return notFound()
		}
		delete(f.transactions, id{tenant, state})
		found.Status = token.DeviceDenied
		f.facts = append(f.facts, fact)
		return nil
	})
}

// RedeemDeviceCode implements token.DeviceStore.
func (f *Fake) RedeemDeviceCode(_ context.Context, tenant tenancy.ID, device token.Hash, now time.Time, s token.Settlement) error {
	return f.do(func() error {
		found := f.waiting[id{tenant, device}]
		if found == nil || found.Status != token.DeviceApproved || !found.Until.After(now) {
			return notFound()
		}
		delete(f.waiting, id{tenant, device})
		if s.Opaque != nil {
			f.tokens[id{tenant, s.Opaque.Hash}] = *s.Opaque
		}
		if s.Refresh != nil {
			f.addRefreshToken(tenant, s.Refresh)
		}
		f.facts = append(f.facts, s.Fact)
		return nil
	})
}

// DropDeviceCode implements token.DeviceStore.
func (f *Fake) DropDeviceCode(_ context.Context, tenant tenancy.ID, device token.Hash) error {
	return f.do(func() error {
		if found := f.waiting[id{tenant, device}]; found != nil && found.Status != token.DeviceApproved {
			delete(f.waiting, id{tenant, device})
		}
		return nil
	})
}
