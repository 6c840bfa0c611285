package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// handOn exchanges the family's token for one that hands its session on.
func (w *world) handOn(t *testing.T, family, presented, raw string, ends bool) token.Transfer {
	t.Helper()
	r := w.from(family, presented, "")
	r.Transfer = &token.Transfer{Token: token.HashOf(raw), Family: family, IP: "192.0.2.7", Ends: ends, Issued: w.now, Expires: w.now.Add(time.Minute)}
	require.NoError(t, w.RotateRefreshToken(t.Context(), w.a, r))
	return *r.Transfer
}

// plain is a family that does not rotate.
func (w *world) plain(t *testing.T, id, raw string) token.RefreshToken {
	t.Helper()
	r := w.family(id, raw)
	r.Rotating = false
	w.give(t, r)
	return r
}

// handedOn is a session that the transfer opens.
func (w *world) handedOn(id string, tr token.Transfer) token.Opening {
	s := w.session(id)
	s.LastUsed, s.From = w.now, token.Handover{Family: tr.Family, Ends: tr.Ends}
	return token.Opening{Session: s, Fact: w.fact("s")}
}

// child is a family that came of a session which was handed on.
func (w *world) child(id, session string, tr token.Transfer, online bool) token.RefreshToken {
	r := w.family(id, id)
	r.SessionID, r.From, r.Online, r.ClientID = session, token.Handover{Family: tr.Family, Ends: tr.Ends}, online, "web"
	return r
}

// Sessions that apps hand on: each once, to its own tenant, and for no longer than the family that stands behind it.
func tryTransfers(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	r := w.plain(t, "rt_app", "app")
	tr := w.handOn(t, r.ID, "app", "transfer", true)
	got, err := w.FindTransfer(ctx, w.a, tr.Token, w.now)
	require.NoError(t, err)
	want := tr
	want.UserID, want.Connection, want.AuthTime = r.UserID, r.Connection, r.AuthTime
	require.Equal(t, want, got)
	nothing := func(raw string, now time.Time) {
		t.Helper()
		_, err := w.FindTransfer(ctx, w.a, token.HashOf(raw), now)
		notFoundHere(t, err)
	}
	_, err = w.FindTransfer(ctx, w.b, tr.Token, w.now)
	notFoundHere(t, err)
	nothing("transfer", tr.Expires)
	nothing("unknown", w.now)

	o := w.handedOn("sid-web", tr)
	before := w.logIn(t, w.session("sid-before"), "client")
	o.Replaces = before.ID
	notFoundHere(t, w.TakeOver(ctx, w.b, tr.Token, o))
	late := o
	late.Session.LastUsed = tr.Expires
	notFoundHere(t, w.TakeOver(ctx, w.a, tr.Token, late))
	_, err = w.FindSessionByID(ctx, w.a, before.ID, w.now)
	require.NoError(t, err, "a step that fails changes nothing")

	told := len(w.facts(w.a))
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if w.TakeOver(ctx, w.a, tr.Token, o) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "it is good for one use")
	require.Len(t, w.facts(w.a), told+1)
	nothing("transfer", w.now)
	opened, err := w.FindSession(ctx, w.a, o.Session.Secret, w.now)
	require.NoError(t, err)
	require.Equal(t, o.Session.From, opened.From)
	_, err = w.FindSessionByID(ctx, w.a, before.ID, w.now)
	notFoundHere(t, err)

	// What came of it goes with the family, and nothing else does.
	there := func(id string) bool {
		_, err := w.FindRefreshToken(ctx, w.a, id, w.now)
		if err != nil {
			notFoundHere(t, err)
		}
		return err == nil
	}
	use := token.SessionUse{SessionID: "sid-web", ClientID: "web", Now: w.now, IdleUntil: opened.IdleUntil}
	told = len(w.facts(w.a))
	require.NoError(t, w.ContinueSession(ctx, w.a, use))
	require.Len(t, w.facts(w.a), told, "what was told of when it was taken over is not told again")
	for _, child := range []token.RefreshToken{
		w.child("rt_web", "sid-web", tr, true), w.child("rt_web_offline", "sid-web", tr, false), w.child("rt_web_over", "sid-over", tr, false), // its session has ended
	} {
		w.give(t, child)
		found, err := w.FindRefreshToken(ctx, w.a, child.ID, w.now)
		require.NoError(t, err)
		require.Equal(t, child, found)
	}
	code := w.code("of the web")
	code.SessionID, code.From = "sid-web", o.Session.From
	use.Given.Code = &code
	require.NoError(t, w.ContinueSession(ctx, w.a, use))
	kept, err := w.FindCode(ctx, w.a, code.Code, w.now)
	require.NoError(t, err)
	require.Equal(t, code.From, kept.From)

	loose := w.handOn(t, r.ID, "app", "loose", false)
	stays := w.handedOn("sid-stays", loose)
	require.NoError(t, w.TakeOver(ctx, w.a, loose.Token, stays))
	w.give(t, w.child("rt_stays", "sid-stays", loose, false))
	w.handOn(t, r.ID, "app", "under way", true)
	w.claim(t, w.now)
	require.NoError(t, w.RevokeRefreshToken(ctx, w.a, token.Revocation{ID: r.ID, Fact: w.fact("srrt")}))
	for id, left := range map[string]bool{"rt_web": false, "rt_web_offline": false, "rt_web_over": false, "rt_stays": true} {
		require.Equal(t, left, there(id), id)
	}
	_, err = w.FindSessionByID(ctx, w.a, "sid-web", w.now)
	notFoundHere(t, err)
	_, err = w.FindSessionByID(ctx, w.a, "sid-stays", w.now)
	require.NoError(t, err)
	_, err = w.FindCode(ctx, w.a, code.Code, w.now)
	notFoundHere(t, err)
	messages := w.claim(t, w.now)
	require.Len(t, messages, 1, "its clients hear of it")
	require.Equal(t, token.ByRevocation, messages[0].By)
	nothing("under way", w.now)
	notFoundHere(t, w.TakeOver(ctx, w.a, token.HashOf("under way"), w.handedOn("sid-late", loose)))
	tryTransferEnds(t, w)
}

// Whatever ends a family for good takes along what came of it; and a login makes a session the browser's own.
func tryTransferEnds(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for name, end := range map[string]func(r token.RefreshToken, code token.Authorization) error{
		"id": func(r token.RefreshToken, _ token.Authorization) error {
			_, err := w.EndRefreshTokens(ctx, w.a, token.RefreshFilter{IDs: []string{r.ID}}, w.now)
			return err
		},
		"user": func(r token.RefreshToken, _ token.Authorization) error {
			_, err := w.EndRefreshTokens(ctx, w.a, token.RefreshFilter{UserID: r.UserID}, w.now)
			return err
		},
		"session": func(r token.RefreshToken, _ token.Authorization) error {
			_, err := w.EndSessions(ctx, w.a, token.SessionEnd{SessionID: r.SessionID, By: token.ByRevocation, Now: w.now}, true)
			return err
		},
		"code": func(_ token.RefreshToken, code token.Authorization) error {
			return w.RevokeCode(ctx, w.a, code.Code, w.now)
		},
	} {
		r := w.family("rt_"+name, name)
		r.Rotating, r.UserID, r.SessionID = false, "auth0|"+name, "sid of "+name
		code := w.code("code of " + name)
		login := w.logIn(t, w.session("login of "+name), "client")
		require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
			SessionID: login.ID, ClientID: "client", Now: w.now, IdleUntil: login.IdleUntil, Given: token.Given{Code: &code},
		}))
		require.NoError(t, w.RedeemCode(ctx, w.a, token.Redemption{Code: code.Code, Now: w.now, Refresh: &r, Fact: w.fact("seacft")}))
		tr := w.handOn(t, r.ID, name, "transfer of "+name, true)
		o := w.handedOn("sid-"+name, tr)
		require.NoError(t, w.TakeOver(ctx, w.a, tr.Token, o))
		own := w.handOn(t, r.ID, name, "second of "+name, true)
		second := w.handedOn("second-"+name, own)
		require.NoError(t, w.TakeOver(ctx, w.a, own.Token, second))
		again := w.transaction("again " + name)
		require.NoError(t, w.SaveTransaction(ctx, w.a, again))
		second.Session.From, second.State = token.Handover{}, again.State
		require.NoError(t, w.OpenSession(ctx, w.a, second))

		require.NoError(t, end(r, code), name)
		_, err := w.FindSessionByID(ctx, w.a, o.Session.ID, w.now)
		notFoundHere(t, err)
		_, err = w.FindSessionByID(ctx, w.a, second.Session.ID, w.now)
		require.NoError(t, err, "%s: the user has logged in there since", name)
	}
}
