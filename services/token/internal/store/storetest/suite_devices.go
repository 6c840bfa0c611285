package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

func tryRefreshAdmin(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for i, id := range []string{"rt_a", "rt_b", "rt_c", "rt_d"} {
		r := w.family(id, id)
		r.Rotating = i%2 == 0
		switch id {
		case "rt_c":
			r.ClientID, r.SessionID = "other", "sid-2"
		case "rt_d":
			r.UserID, r.Audience = "auth0|2", "https://else.example"
		}
		w.give(t, r)
	}
	list := func(f token.RefreshFilter, p token.Page) (ids []string, total int) {
		got, total, err := w.ListRefreshTokens(ctx, w.a, f, p, w.now)
		require.NoError(t, err)
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		return ids, total
	}
	yes := true
	for _, c := range []struct {
		filter token.RefreshFilter
		page   token.Page
		want   []string
		total  int
	}{
		{token.RefreshFilter{}, token.Page{Limit: 10}, []string{"rt_a", "rt_b", "rt_c", "rt_d"}, 4},
		{token.RefreshFilter{}, token.Page{Limit: 2, After: "rt_a"}, []string{"rt_b", "rt_c"}, 4},
		{token.RefreshFilter{}, token.Page{Limit: 2, Offset: 3}, []string{"rt_d"}, 4},
		{token.RefreshFilter{UserID: "auth0|1"}, token.Page{Limit: 10}, []string{"rt_a", "rt_b", "rt_c"}, 3},
		{token.RefreshFilter{UserID: "auth0|1", ClientID: "client"}, token.Page{Limit: 1}, []string{"rt_a"}, 2},
		{token.RefreshFilter{Rotating: &yes}, token.Page{Limit: 10}, []string{"rt_a", "rt_c"}, 2},
		{token.RefreshFilter{UserID: "nobody"}, token.Page{Limit: 10}, nil, 0},
	} {
		ids, total := list(c.filter, c.page)
		require.Equal(t, c.want, ids, "%+v", c)
		require.Equal(t, c.total, total, "%+v", c)
	}
	got, total, err := w.ListRefreshTokens(ctx, w.b, token.RefreshFilter{}, token.Page{Limit: 10}, w.now)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Zero(t, total)
	got, _, err = w.ListRefreshTokens(ctx, w.a, token.RefreshFilter{}, token.Page{Limit: 10}, w.now.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, got, "what is over is not there")

	_, err = w.UpdateRefreshToken(ctx, w.b, "rt_a", map[string]string{"a": "b"}, w.now)
	notFoundHere(t, err)
	_, err = w.UpdateRefreshToken(ctx, w.a, "rt_a", map[string]string{"a": "b"}, w.now.Add(time.Hour))
	notFoundHere(t, err)
	r, err := w.UpdateRefreshToken(ctx, w.a, "rt_a", map[string]string{"a": "b"}, w.now)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b"}, r.Metadata)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, w.from("rt_a", "rt_a", "next")))
	r, err = w.FindRefreshToken(ctx, w.a, "rt_a", w.now)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b"}, r.Metadata, "an exchange leaves it alone")
	r, err = w.UpdateRefreshToken(ctx, w.a, "rt_a", nil, w.now)
	require.NoError(t, err)
	require.Nil(t, r.Metadata)

	end := func(f token.RefreshFilter, want int) {
		t.Helper()
		n, err := w.EndRefreshTokens(ctx, w.a, f, w.now)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err = w.EndRefreshTokens(ctx, w.a, token.RefreshFilter{}, w.now)
	testkit.RequireFault(t, err, fault.KindInternal)
	n, err := w.EndRefreshTokens(ctx, w.b, token.RefreshFilter{IDs: []string{"rt_a"}, UserID: "auth0|1"}, w.now)
	require.NoError(t, err)
	require.Zero(t, n, "a stranger ends nothing")
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: w.opaque("of c", "rt_c"), Fact: w.fact("sepft")}))
	end(token.RefreshFilter{SessionID: "sid-2"}, 1)
	_, err = w.FindAccessToken(ctx, w.a, token.HashOf("of c"), w.now)
	notFoundHere(t, err)
	end(token.RefreshFilter{UserID: "auth0|1", ClientID: "client", Audience: "https://else.example"}, 0)
	end(token.RefreshFilter{IDs: []string{"rt_b", "rt_unknown"}}, 1)
	end(token.RefreshFilter{UserID: "auth0|1", ClientID: "client"}, 1)
	end(token.RefreshFilter{ClientID: "client"}, 1)
	_, total = list(token.RefreshFilter{}, token.Page{Limit: 1})
	require.Zero(t, total)

	w.give(t, w.family("rt_consented", "consented"))
	userinfo := w.family("rt_userinfo", "userinfo")
	userinfo.Audience = ""
	w.give(t, userinfo)
	tx := w.transaction("state")
	tx.SessionID = "sid-1"
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	for _, c := range []token.Consent{{ID: "grt_api", Audience: "https://api.example"}, {ID: "grt_userinfo", Audience: "https://a.example/userinfo"}} {
		c.UserID, c.ClientID, c.Given = "auth0|1", "client", w.now
		require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", &c))
	}
	_, err = w.WithdrawConsents(ctx, w.a, "grt_api", token.ConsentFilter{}, w.now)
	require.NoError(t, err)
	ids, _ := list(token.RefreshFilter{}, token.Page{Limit: 10})
	require.Equal(t, []string{"rt_userinfo"}, ids, "what a withdrawn consent gave goes with it")
	require.NoError(t, w.RevokeRefreshToken(ctx, w.a, token.Revocation{
		ID: "rt_userinfo", Consent: &token.ConsentFilter{UserID: "auth0|1", ClientID: "client", Audience: "https://a.example/userinfo"}, Fact: w.fact("srrt"),
	}))
	left, _, err := w.ListConsents(ctx, w.a, token.ConsentFilter{}, 0, 10)
	require.NoError(t, err)
	require.Empty(t, left, "and a consent with its token, where that is wanted")
}

func tryDeviceKeys(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	key := func(id, user, device string) token.DeviceKey {
		return token.DeviceKey{ID: id, UserID: user, ClientID: "client", DeviceID: device, DeviceName: "Phone", PublicKey: "AAAA", Created: w.now}
	}
	require.NoError(t, w.AddDeviceKey(ctx, w.a, key("dcr_1", "auth0|1", "d1")))
	require.NoError(t, w.AddDeviceKey(ctx, w.a, key("dcr_2", "auth0|2", "d1")))
	testkit.RequireFault(t, w.AddDeviceKey(ctx, w.a, key("dcr_3", "auth0|1", "d1")), fault.KindConflict)
	list, total, err := w.ListDeviceKeys(ctx, w.a, "auth0|1", "", token.Page{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []token.DeviceKey{key("dcr_1", "auth0|1", "d1")}, list)
	require.Equal(t, 1, total)
	list, total, err = w.ListDeviceKeys(ctx, w.a, "", "client", token.Page{Offset: 1, Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, 2, total)
	_, total, err = w.ListDeviceKeys(ctx, w.b, "", "", token.Page{Limit: 10})
	require.NoError(t, err)
	require.Zero(t, total)

	notFoundHere(t, w.DeleteDeviceKey(ctx, w.b, "dcr_1", "", w.now))
	notFoundHere(t, w.DeleteDeviceKey(ctx, w.a, "dcr_1", "auth0|2", w.now))
	require.NoError(t, w.DeleteDeviceKey(ctx, w.a, "dcr_1", "auth0|1", w.now))
	notFoundHere(t, w.DeleteDeviceKey(ctx, w.a, "dcr_1", "", w.now))

	for i := range token.MaxDeviceKeys + 1 {
		k := key(fmt.Sprintf("dcr_many_%03d", i), "auth0|3", fmt.Sprint("d", i))
		k.Created = w.now.Add(time.Duration(i) * time.Second)
		require.NoError(t, w.AddDeviceKey(ctx, w.a, k))
	}
	list, total, err = w.ListDeviceKeys(ctx, w.a, "auth0|3", "", token.Page{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, token.MaxDeviceKeys, total, "the oldest go beyond the limit")
	require.Equal(t, "dcr_many_001", list[0].ID)
	require.NoError(t, w.RemoveTenant(ctx, w.a))
	_, total, err = w.ListDeviceKeys(ctx, w.a, "", "", token.Page{Limit: 10})
	require.NoError(t, err)
	require.Zero(t, total)
}
