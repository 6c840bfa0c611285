package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// online is a family that lives as long as its session.
func (w *world) online(id, raw, session string) token.RefreshToken {
	r := w.family(id, raw)
	r.Rotating, r.Online, r.SessionID, r.Scope = false, true, session, token.Scope{"openid", "online_access"}
	r.IdleUntil, r.Until = time.Time{}, time.Time{}
	return r
}

// Families that live as long as their session: what ends it, ends them, and using them keeps it alive.
func tryOnline(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	there := func(tenant tenancy.ID, id string) bool {
		_, err := w.FindRefreshToken(ctx, tenant, id, w.now)
		if err != nil {
			notFoundHere(t, err)
		}
		return err == nil
	}
	s := w.logIn(t, w.session("sid-1"), "client")
	r := w.online("rt_online", "one", s.ID)
	w.give(t, r)
	got, err := w.FindRefreshToken(ctx, w.a, r.ID, w.now)
	require.NoError(t, err)
	require.Equal(t, r, got, "a family comes back as it was")
	require.False(t, there(w.b, r.ID))
	got, err = w.FindRefreshToken(ctx, w.a, r.ID, w.now.Add(1e6*time.Hour))
	require.NoError(t, err, "it has no ends of its own")
	require.True(t, got.Online)

	homeless := w.online("rt_homeless", "homeless", "sid-other")
	err = w.SaveTokens(ctx, w.a, token.Settlement{Refresh: &homeless, Fact: w.fact("sepft")})
	require.True(t, fault.Is(err, fault.KindConflict), "%v", err)
	code := w.save(t)
	err = w.RedeemCode(ctx, w.a, token.Redemption{Code: code.Code, Now: w.now, Refresh: &homeless, Fact: w.fact("seacft")})
	require.True(t, fault.Is(err, fault.KindConflict), "%v", err)
	found, err := w.FindCode(ctx, w.a, code.Code, w.now)
	require.NoError(t, err)
	require.False(t, found.Redeemed, "and nothing has changed")
	late := w.online("rt_late", "late", s.ID)
	late.Created = s.IdleUntil
	err = w.SaveTokens(ctx, w.a, token.Settlement{Refresh: &late, Fact: w.fact("sepft")})
	require.True(t, fault.Is(err, fault.KindConflict), "%v", err)

	use := w.from(r.ID, "one", "")
	use.IdleUntil = time.Time{}
	use.Session = &token.SessionUse{SessionID: s.ID, ClientID: "second", Now: use.Now, IdleUntil: w.now.Add(90 * time.Minute), Origin: use.Origin}
	notFoundHere(t, w.RotateRefreshToken(ctx, w.b, use))
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, use))
	used, err := w.FindSessionByID(ctx, w.a, s.ID, w.now)
	require.NoError(t, err)
	require.Equal(t, use.Now, used.LastUsed)
	require.Equal(t, w.now.Add(90*time.Minute), used.IdleUntil)
	require.Equal(t, s.Until, used.Until, "the absolute end stays")
	require.Equal(t, []string{"client", "second"}, used.Clients)
	wrong := use
	wrong.Presented = token.HashOf("another")
	wrong.Session = &token.SessionUse{SessionID: s.ID, ClientID: "third", Now: use.Now, IdleUntil: w.now.Add(time.Hour)}
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, wrong))
	used, err = w.FindSessionByID(ctx, w.a, s.ID, w.now)
	require.NoError(t, err)
	require.Equal(t, []string{"client", "second"}, used.Clients, "one step: neither happened")

	// Administrators see the session, not these.
	list, n, err := w.ListRefreshTokens(ctx, w.a, token.RefreshFilter{}, token.Page{Limit: 10}, w.now)
	require.NoError(t, err)
	require.Empty(t, list)
	require.Zero(t, n)
	_, err = w.UpdateRefreshToken(ctx, w.a, r.ID, map[string]string{"k": "v"}, w.now)
	notFoundHere(t, err)
	n, err = w.EndRefreshTokens(ctx, w.a, token.RefreshFilter{UserID: r.UserID}, w.now)
	require.NoError(t, err)
	require.Zero(t, n)

	// Nor do they count among the others, which the oldest of go, or change with them.
	offline := w.family("rt_offline", "offline")
	w.give(t, offline)
	for i := range token.MaxRefreshTokens + 1 {
		more := w.online(fmt.Sprintf("rt_more_%d", i), fmt.Sprint("more", i), s.ID)
		more.Created, more.Prunes = w.now.Add(time.Duration(i)*time.Millisecond), true
		w.give(t, more)
	}
	require.True(t, there(w.a, offline.ID))
	require.False(t, there(w.a, "rt_more_0"), "two hundred of them a user and client")
	migration := w.from(offline.ID, "offline", "next")
	migration.Rotating, migration.Migrates = true, true
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, migration))
	require.True(t, there(w.a, "rt_more_200"))

	require.NoError(t, w.EndSession(ctx, w.a, token.SessionEnd{SessionID: s.ID, By: token.ByLogout, Now: w.now}, w.fact("slo")))
	require.False(t, there(w.a, "rt_more_200"), "they end with it")
	require.True(t, there(w.a, offline.ID))
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, use))

	second := w.logIn(t, w.session("sid-2"), "client")
	w.give(t, w.online("rt_second", "second", second.ID))
	_, err = w.Sweep(ctx, deadFrom(second))
	require.NoError(t, err)
	require.False(t, there(w.a, "rt_second"), "also where it runs out")
}
