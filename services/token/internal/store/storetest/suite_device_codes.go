package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

func (w *world) deviceCode(name string) token.DeviceCode {
	return token.DeviceCode{
		Device: token.HashOf("device " + name), User: token.HashOf("user " + name), ClientID: "client", Audience: "https://api.example",
		Scope: token.Scope{"openid", "read:x"}, Status: token.DevicePending, Interval: 5 * time.Second, Issued: w.now, Until: w.now.Add(15 * time.Minute),
		Expires: w.now.Add(20 * time.Minute),
	}
}

// approval logs a device in by a session that was there before.
func (w *world) approval(t *testing.T, c token.DeviceCode, state string) token.DeviceApproval {
	t.Helper()
	tx := w.transaction(state)
	require.NoError(t, w.SaveTransaction(t.Context(), w.a, tx))
	require.NoError(t, w.OpenSession(t.Context(), w.a, token.Opening{Session: w.session("sid-1"), State: tx.State, Fact: w.fact("s")}))
	a := w.code("of no code")
	a.Code, a.Issued, a.Expires = token.Hash{}, time.Time{}, time.Time{}
	return token.DeviceApproval{User: c.User, Authorization: a, Completion: token.Completion{State: tx.State, SessionID: "sid-1", ClientID: "client", Now: w.now}}
}

func tryDeviceCodes(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	c := w.deviceCode("one")
	require.NoError(t, w.SaveDeviceCode(ctx, w.a, c))
	same := w.deviceCode("other")
	same.User = c.User
	testkit.RequireFault(t, w.SaveDeviceCode(ctx, w.a, same), fault.KindConflict)
	require.NoError(t, w.SaveDeviceCode(ctx, w.b, c), "another tenant's codes are its own")
	require.NoError(t, w.DropDeviceCode(ctx, w.b, c.Device))

	got, err := w.FindDeviceCode(ctx, w.a, c.User, w.now)
	require.NoError(t, err)
	require.Equal(t, c, got)
	_, err = w.FindDeviceCode(ctx, w.b, c.User, w.now)
	notFoundHere(t, err)
	_, err = w.FindDeviceCode(ctx, w.a, c.User, c.Until)
	notFoundHere(t, err)

	poll := func(after time.Duration) token.DeviceCode {
		t.Helper()
		got, err := w.PollDeviceCode(ctx, w.a, c.Device, w.now.Add(after))
		require.NoError(t, err)
		return got
	}
	require.False(t, poll(0).Hasty, "the first may come at any time")
	hasty := poll(4 * time.Second)
	require.True(t, hasty.Hasty)
	require.Equal(t, 10*time.Second, hasty.Interval)
	require.True(t, poll(13*time.Second).Hasty)
	require.False(t, poll(28*time.Second).Hasty)
	_, err = w.PollDeviceCode(ctx, w.b, c.Device, w.now)
	notFoundHere(t, err)
	_, err = w.PollDeviceCode(ctx, w.a, c.Device, c.Expires)
	notFoundHere(t, err)
	require.False(t, poll(16*time.Minute).Hasty, "remembered a while longer than it is good")

	approval := w.approval(t, c, "state")
	notFoundHere(t, w.ApproveDevice(ctx, w.b, approval))
	late := approval
	late.Completion.Now = c.Until
	notFoundHere(t, w.ApproveDevice(ctx, w.a, late))
	_, err = w.FindTransaction(ctx, w.a, approval.Completion.State, w.now)
	require.NoError(t, err, "a step that fails changes nothing")
	settlement := token.Settlement{Opaque: w.opaque("of the device", ""), Fact: w.fact("sede")}
	notFoundHere(t, w.RedeemDeviceCode(ctx, w.a, c.Device, w.now, settlement))
	require.NoError(t, w.ApproveDevice(ctx, w.a, approval))
	notFoundHere(t, w.ApproveDevice(ctx, w.a, w.approval(t, c, "again")))
	_, err = w.FindTransaction(ctx, w.a, approval.Completion.State, w.now)
	notFoundHere(t, err)
	approved := poll(17 * time.Minute)
	require.Equal(t, token.DeviceApproved, approved.Status)
	require.Equal(t, approval.Authorization, approved.Authorization)
	require.NoError(t, w.DropDeviceCode(ctx, w.a, c.Device), "what is approved is not forgotten")

	notFoundHere(t, w.RedeemDeviceCode(ctx, w.b, c.Device, w.now, settlement))
	notFoundHere(t, w.RedeemDeviceCode(ctx, w.a, c.Device, c.Until, settlement))
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if w.RedeemDeviceCode(ctx, w.a, c.Device, w.now, settlement) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load())
	_, err = w.FindAccessToken(ctx, w.a, settlement.Opaque.Hash, w.now)
	require.NoError(t, err)

	denied := w.deviceCode("denied")
	require.NoError(t, w.SaveDeviceCode(ctx, w.a, denied))
	tx := w.transaction("denying")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	notFoundHere(t, w.DenyDevice(ctx, w.b, denied.User, tx.State, w.now, w.fact("fdecc")))
	require.NoError(t, w.DenyDevice(ctx, w.a, denied.User, tx.State, w.now, w.fact("fdecc")))
	notFoundHere(t, w.DenyDevice(ctx, w.a, denied.User, tx.State, w.now, w.fact("fdecc")))
	_, err = w.FindDeviceCode(ctx, w.a, denied.User, w.now)
	notFoundHere(t, err)
	require.NoError(t, w.DropDeviceCode(ctx, w.a, denied.Device))
	require.NoError(t, w.DropDeviceCode(ctx, w.a, denied.Device))
	_, err = w.PollDeviceCode(ctx, w.a, denied.Device, w.now)
	notFoundHere(t, err)
}
