package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// givenTo is what a login of a user at a client gave, of each kind one: a code and a device code that nobody redeemed yet, an opaque token,
// and a family with one of its own.
type givenTo struct {
	code         token.Authorization
	device       token.DeviceCode
	alone, along token.AccessToken
	family       token.RefreshToken
}

// logInto lets a user of a into a client, by a session that is there, for an API.
func (w *world) logInto(t *testing.T, session, user, client, audience string) givenTo {
	t.Helper()
	ctx := t.Context()
	name := fmt.Sprint(session, user, client, audience)
	g := givenTo{code: w.code("code " + name), device: w.deviceCode(name), alone: *w.opaque("alone "+name, ""), along: *w.opaque("along "+name, "rt_"+name), family: w.family("rt_"+name, name)}
	g.code.SessionID, g.code.UserID, g.code.ClientID, g.code.Audience = session, user, client, audience
	g.code.Scope = token.Scope{"openid", "offline_access"}
	g.family.SessionID, g.family.UserID, g.family.ClientID, g.family.Audience = session, user, client, audience
	g.device.ClientID, g.device.Audience = client, audience
	for _, opaque := range []*token.AccessToken{&g.alone, &g.along} {
		opaque.SessionID, opaque.UserID, opaque.ClientID = session, user, client
	}
	require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
		SessionID: session, ClientID: client, Now: w.now, IdleUntil: w.now.Add(time.Hour), Given: token.Given{Code: &g.code, Token: &g.alone}, Fact: new(w.fact("ssa")),
	}))
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Refresh: &g.family, Opaque: &g.along, Fact: w.fact("sepft")}))
	require.NoError(t, w.SaveDeviceCode(ctx, w.a, g.device))
	tx, approved := w.transaction("device "+name), g.code
	tx.SessionID = session
	approved.Code, approved.Issued, approved.Expires = token.Hash{}, time.Time{}, time.Time{}
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.ApproveDevice(ctx, w.a, token.DeviceApproval{User: g.device.User, Authorization: approved, Completion: token.Completion{
		State: tx.State, SessionID: session, ClientID: client, Now: w.now,
	}}))
	return g
}

// left says what of it is good yet.
func (w *world) left(t *testing.T, g givenTo) (kinds []string) {
	t.Helper()
	for _, try := range []struct {
		kind string
		find func(tenancy.ID) error
	}{
		{"code", func(id tenancy.ID) error { _, err := w.FindCode(t.Context(), id, g.code.Code, w.now); return err }},
		{"device", func(id tenancy.ID) error {
			_, err := w.PollDeviceCode(t.Context(), id, g.device.Device, w.now)
			return err
		}},
		{"alone", func(id tenancy.ID) error {
			_, err := w.FindAccessToken(t.Context(), id, g.alone.Hash, w.now)
			return err
		}},
		{"along", func(id tenancy.ID) error {
			_, err := w.FindAccessToken(t.Context(), id, g.along.Hash, w.now)
			return err
		}},
		{"family", func(id tenancy.ID) error {
			_, err := w.FindRefreshToken(t.Context(), id, g.family.ID, w.now)
			return err
		}},
	} {
		err := try.find(w.a)
		if err == nil {
			kinds = append(kinds, try.kind)
			continue
		}
		notFoundHere(t, err)
	}
	return kinds
}

var everything = []string{"code", "device", "alone", "along", "family"}

func tryRevokedSessions(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"sid-1", "sid-2", "sid-3"} {
		w.logIn(t, w.session(id))
	}
	one, two := w.logInto(t, "sid-1", "auth0|1", "client", ""), w.logInto(t, "sid-2", "auth0|1", "client", "")
	three := w.logInto(t, "sid-3", "auth0|1", "client", "")
	_, err := w.EndSessions(ctx, w.b, w.end("sid-1"), true)
	require.NoError(t, err)
	require.Equal(t, everything, w.left(t, one), "a stranger revokes nothing")
	_, err = w.EndSessions(ctx, w.a, w.end("sid-1"), true)
	require.NoError(t, err)
	require.Empty(t, w.left(t, one), "what nobody redeemed yet, and opaque tokens that came alone, go with the rest")
	require.Equal(t, everything, w.left(t, two), "another session's stays")

	require.NoError(t, w.EndSession(ctx, w.a, w.end("sid-2"), w.fact("slo")))
	require.Equal(t, everything, w.left(t, two), "a logout takes nothing back")
	_, err = w.EndSessions(ctx, w.a, w.end("sid-2"), true)
	require.NoError(t, err)
	require.Empty(t, w.left(t, two), "a session may be revoked that was logged out")

	_, err = w.EndSessions(ctx, w.a, token.SessionEnd{UserID: "auth0|1", By: token.ByRevocation, Now: w.now}, true)
	require.NoError(t, err)
	require.Empty(t, w.left(t, three))

	n, err := w.Sweep(ctx, w.now.Add(token.OpaqueLifetime))
	require.NoError(t, err)
	require.Positive(t, n)
	require.Empty(t, w.left(t, one))
	require.NoError(t, w.RemoveTenant(ctx, w.a))
}

func tryWithdrawnConsents(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	const api, userinfo = "https://api.example", "https://acme.example/userinfo"
	w.logIn(t, w.session("sid-1"))
	tx := w.transaction("asked")
	tx.SessionID = "sid-1"
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	agree := func(id, audience string) {
		t.Helper()
		c := w.consent(id, "auth0|1", "client", "openid")
		c.Audience = audience
		require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", c))
	}
	withdraw := func(id string) {
		t.Helper()
		n, err := w.WithdrawConsents(ctx, w.a, id, token.ConsentFilter{}, w.now)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
	none, some := w.logInto(t, "sid-1", "auth0|1", "client", ""), w.logInto(t, "sid-1", "auth0|1", "client", api)
	other, second := w.logInto(t, "sid-1", "auth0|2", "client", ""), w.logInto(t, "sid-1", "auth0|1", "second", "")
	agree("grt_api", api)
	withdraw("grt_api")
	require.Equal(t, []string{"alone"}, w.left(t, some), "what opens /userinfo alone is no API's")
	require.Equal(t, everything, w.left(t, none))
	agree("grt_userinfo", userinfo)
	_, err := w.WithdrawConsents(ctx, w.b, "grt_userinfo", token.ConsentFilter{}, w.now)
	require.NoError(t, err)
	require.Equal(t, everything, w.left(t, none), "a stranger withdraws nothing")
	underway, young := w.code("under way"), w.opaque("young", "")
	underway.Audience, young.Issued = "", w.now.Add(time.Millisecond)
	require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
		SessionID: "sid-1", ClientID: "client", Now: w.now, IdleUntil: w.now.Add(time.Hour), Given: token.Given{Code: &underway}, Fact: new(w.fact("ssa")),
	}))
	require.NoError(t, w.RedeemCode(ctx, w.a, token.Redemption{Code: underway.Code, Now: young.Issued, Token: young, Fact: w.fact("seacft")}))
	withdraw("grt_userinfo")
	_, err = w.FindAccessToken(ctx, w.a, young.Hash, young.Issued)
	notFoundHere(t, err) // its code was redeemed while the withdrawal waited for it
	require.Empty(t, w.left(t, none))
	require.Equal(t, everything, w.left(t, other), "another user's stays")
	require.Equal(t, everything, w.left(t, second), "another client's, too")

	agree("grt_again", userinfo)
	w.now = w.now.Add(time.Second)
	again := *w.opaque("again", "")
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: &again, Fact: w.fact("sepft")}))
	_, err = w.FindAccessToken(ctx, w.a, again.Hash, w.now)
	require.NoError(t, err, "who agrees once more is believed")
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Refresh: &none.family, Fact: w.fact("sepft")}))
	require.NoError(t, w.RevokeRefreshToken(ctx, w.a, token.Revocation{
		ID: none.family.ID, Consent: &token.ConsentFilter{UserID: "auth0|1", ClientID: "client", Audience: userinfo}, Fact: w.fact("srrt"),
	}))
	_, err = w.FindAccessToken(ctx, w.a, again.Hash, w.now)
	notFoundHere(t, err)
}

func tryEndedFamilies(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	w.logIn(t, w.session("sid-1"))
	end := func(tenant tenancy.ID, f token.RefreshFilter) {
		t.Helper()
		_, err := w.EndRefreshTokens(ctx, tenant, f, w.now)
		require.NoError(t, err)
	}
	api, none := w.logInto(t, "sid-1", "auth0|1", "client", "https://api.example"), w.logInto(t, "sid-1", "auth0|1", "client", "")
	other := w.logInto(t, "sid-1", "auth0|2", "client", "")
	short := w.code("gives no refresh token")
	require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
		SessionID: "sid-1", ClientID: "client", Now: w.now, IdleUntil: w.now.Add(time.Hour), Given: token.Given{Code: &short}, Fact: new(w.fact("ssa")),
	}))
	end(w.b, token.RefreshFilter{UserID: "auth0|1"})
	end(w.a, token.RefreshFilter{IDs: []string{api.family.ID}})
	require.Equal(t, []string{"code", "device", "alone"}, w.left(t, api), "who names families means no others")
	end(w.a, token.RefreshFilter{UserID: "auth0|1", ClientID: "client", Audience: "https://api.example"})
	require.Equal(t, []string{"alone"}, w.left(t, api))
	require.Equal(t, everything, w.left(t, none))
	end(w.a, token.RefreshFilter{UserID: "auth0|1"})
	require.Equal(t, []string{"alone"}, w.left(t, none), "no code gives another refresh token")
	require.Equal(t, everything, w.left(t, other))
	_, err := w.FindCode(ctx, w.a, short.Code, w.now)
	require.NoError(t, err, "a login that gives none is not what was meant")
	end(w.a, token.RefreshFilter{ClientID: "client"})
	require.Equal(t, []string{"alone"}, w.left(t, other))
}

// A code that is redeemed just when its session is revoked gives either nothing, or what is revoked with it.
func tryRevokedUnderway(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for i := range 50 {
		session := fmt.Sprint("sid-", i)
		w.logIn(t, w.session(session))
		g := w.logInto(t, session, "auth0|1", "client", "")
		family, opaque := w.family("rt_late_"+session, "late"+session), w.opaque("late"+session, "rt_late_"+session)
		family.SessionID, opaque.SessionID = session, session
		var all sync.WaitGroup
		all.Go(func() {
			err := w.RedeemCode(ctx, w.a, token.Redemption{Code: g.code.Code, Now: w.now, Refresh: &family, Token: opaque, Fact: w.fact("seacft")})
			if !fault.Is(err, fault.KindNotFound) {
				assert.NoError(t, err)
			}
		})
		all.Go(func() {
			_, err := w.EndSessions(ctx, w.a, w.end(session), true)
			assert.NoError(t, err)
		})
		all.Wait()
		_, err := w.FindRefreshToken(ctx, w.a, family.ID, w.now)
		notFoundHere(t, err)
		_, err = w.FindAccessToken(ctx, w.a, opaque.Hash, w.now)
		notFoundHere(t, err)
	}
}
