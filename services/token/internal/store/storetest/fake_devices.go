package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// ListRefreshTokens implements token.RefreshAdmin.
func (f *Fake) ListRefreshTokens(_ context.Context, tenant tenancy.ID, filter token.RefreshFilter, p token.Page, now time.Time) (list []token.RefreshToken, total int, err error) {
	err = f.do(func() error {
		for key, r := range f.refresh {
			if key.tenant == tenant && !r.Online && !r.Over(now) && meant(r, filter) {
				list = append(list, r)
			}
		}
		slices.SortFunc(list, func(a, b token.RefreshToken) int { return cmp.Compare(a.ID, b.ID) })
		total = len(list)
		list = slices.DeleteFunc(list, func(r token.RefreshToken) bool { return r.ID <= p.After })
		list = list[min(p.Offset, len(list)):]
		list = list[:min(p.Limit, len(list))]
		return nil
	})
	return list, total, err
}

func meant(r token.RefreshToken, f token.RefreshFilter) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, r.ID)) && is(f.UserID, r.UserID) && is(f.ClientID, r.ClientID) && is(f.Audience, r.Audience) &&
		is(f.SessionID, r.SessionID) && (f.Rotating == nil || *f.Rotating == r.Rotating)
}

// UpdateRefreshToken implements token.RefreshAdmin.
func (f *Fake) UpdateRefreshToken(_ context.Context, tenant tenancy.ID, id string, metadata map[string]string, now time.Time) (r token.RefreshToken, err error) {
	err = f.do(func() error {
		found, ok := f.refresh[sid{tenant, id}]
		if !ok || found.Online || found.Over(now) {
			return notFound()
		}
		found.Metadata = maps.Clone(metadata)
		f.refresh[sid{tenant, id}] = found
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: now, Name: token.RefreshTokenUpdated, Family: id})
		r = found
		return nil
	})
	return r, err
}

// EndRefreshTokens implements token.RefreshAdmin.
func (f *Fake) EndRefreshTokens(_ context.Context, tenant tenancy.ID, filter token.RefreshFilter, now time.Time) (n int, err error) {
	err = f.do(func() error {
		if len(filter.IDs) == 0 && filter.UserID+filter.ClientID+filter.Audience+filter.SessionID == "" {
			return fault.Internal(nil)
		}
		if len(filter.IDs) == 0 {
			f.dropOffline(tenant, filter)
		}
		for key, r := range f.refresh {
			if key.tenant == tenant && !r.Online && meant(r, filter) {
				f.revokeFamily(tenant, r.ID, now)
				n++
			}
		}
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: now, Name: token.RefreshTokenRevoked})
		return nil
	})
	return n, err
}

// AddDeviceKey implements token.DeviceKeyStore.
func (f *Fake) AddDeviceKey(_ context.Context, tenant tenancy.ID, k token.DeviceKey) error {
	return f.do(func() error {
		var own []token.DeviceKey
		for key, have := range f.devices {
			if key.tenant != tenant || have.UserID != k.UserID {
				continue
			}
			if have.ClientID == k.ClientID && have.DeviceID == k.DeviceID {
				return fault.Conflict("", "There is one already")
			}
			own = append(own, have)
		}
		f.devices[sid{tenant, k.ID}] = k
		slices.SortFunc(own, func(a, b token.DeviceKey) int { return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID)) })
		for _, old := range own[min(len(own), token.MaxDeviceKeys-1):] {
			delete(f.devices, sid{tenant, old.ID})
		}
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: k.Created, Name: token.DeviceKeyCreated})
		return nil
	})
}

// ListDeviceKeys implements token.DeviceKeyStore.
func (f *Fake) ListDeviceKeys(_ context.Context, tenant tenancy.ID, userID, clientID string, p token.Page) (list []token.DeviceKey, total int, err error) {
	err = f.do(func() error {
		for key, k := range f.devices {
			if key.tenant == tenant && (userID == "" || k.UserID == userID) && (clientID == "" || k.ClientID == clientID) {
				list = append(list, k)
			}
		}
		slices.SortFunc(list, func(a, b token.DeviceKey) int { return cmp.Compare(a.ID, b.ID) })
		total = len(list)
		list = list[min(p.Offset, len(list)):]
		list = list[:min(p.Limit, len(list))]
		return nil
	})
	return list, total, err
}

// DeleteDeviceKey implements token.DeviceKeyStore.
func (f *Fake) DeleteDeviceKey(_ context.Context, tenant tenancy.ID, id, userID string, now time.Time) error {
	return f.do(func() error {
		k, ok := f.devices[sid{tenant, id}]
		if !ok || userID != "" && k.UserID != userID {
			return notFound()
		}
		delete(f.devices, sid{tenant, id})
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: now, Name: token.DeviceKeyDeleted})
		return nil
	})
}
