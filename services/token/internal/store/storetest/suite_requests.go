package storetest

import (
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func (w *world) consent(id, user, client string, scope ...string) *token.Consent {
	return &token.Consent{ID: id, UserID: user, ClientID: client, Audience: "https://api", Scope: scope, Given: w.now}
}

func tryConsents(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	tx := w.transaction("state")
	tx.SessionID = "sid-1"
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	first := w.consent("grt_1", "auth0|1", "client", "openid", "read:x")
	notFoundHere(t, w.GiveConsent(ctx, w.b, tx.State, "sid-1", first))
	notFoundHere(t, w.GiveConsent(ctx, w.a, token.HashOf("no such state"), "sid-1", first))
	notFoundHere(t, w.GiveConsent(ctx, w.a, tx.State, "sid-2", first)) // who logged in here meanwhile was not asked
	seen, err := w.FindTransaction(ctx, w.a, tx.State, w.now)
	require.NoError(t, err)
	require.False(t, seen.Agreed)
	_, err = w.FindConsent(ctx, w.a, "auth0|1", "client", "https://api")
	notFoundHere(t, err)

	require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", first))
	got, err := w.FindTransaction(ctx, w.a, tx.State, w.now)
	require.NoError(t, err)
	require.True(t, got.Agreed)
	found, err := w.FindConsent(ctx, w.a, "auth0|1", "client", "https://api")
	require.NoError(t, err)
	require.Equal(t, *first, found)

	later := w.consent("grt_2", "auth0|1", "client", "write:x", "read:x")
	later.Given = w.now.Add(time.Minute)
	require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", later))
	found, err = w.FindConsent(ctx, w.a, "auth0|1", "client", "https://api")
	require.NoError(t, err)
	require.Equal(t, token.Consent{
		ID: "grt_1", UserID: "auth0|1", ClientID: "client", Audience: "https://api", Scope: token.Scope{"openid", "read:x", "write:x"}, Given: later.Given,
	}, found, "what was agreed to before stays, under its name")
	require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", nil), "an answer that is not kept")
	for _, other := range [][3]string{{"auth0|2", "client", "https://api"}, {"auth0|1", "other", "https://api"}, {"auth0|1", "client", "https://other"}} {
		_, err := w.FindConsent(ctx, w.a, other[0], other[1], other[2])
		notFoundHere(t, err)
	}
	_, err = w.FindConsent(ctx, w.b, "auth0|1", "client", "https://api")
	notFoundHere(t, err)

	require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", w.consent("grt_3", "auth0|2", "client")))
	require.NoError(t, w.GiveConsent(ctx, w.a, tx.State, "sid-1", w.consent("grt_4", "auth0|2", "other", "openid")))
	list, total, err := w.ListConsents(ctx, w.a, token.ConsentFilter{}, 1, 1)
	require.NoError(t, err)
	require.Equal(t, 3, total)
	require.Len(t, list, 1)
	require.Equal(t, "grt_3", list[0].ID)
	_, total, err = w.ListConsents(ctx, w.a, token.ConsentFilter{UserID: "auth0|2", ClientID: "other", Audience: "https://api"}, 0, 50)
	require.NoError(t, err)
	require.Equal(t, 1, total)
	list, total, err = w.ListConsents(ctx, w.b, token.ConsentFilter{}, 0, 50)
	require.NoError(t, err)
	require.Zero(t, total)
	require.Empty(t, list)

	before := len(w.facts(w.a))
	n, err := w.WithdrawConsents(ctx, w.b, "", token.ConsentFilter{UserID: "auth0|2"}, w.now)
	require.NoError(t, err)
	require.Zero(t, n, "a stranger withdraws nothing")
	n, err = w.WithdrawConsents(ctx, w.a, "grt_1", token.ConsentFilter{}, w.now)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = w.WithdrawConsents(ctx, w.a, "", token.ConsentFilter{UserID: "auth0|2"}, w.now)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Len(t, w.facts(w.a), before+3, "each is told of")
	n, err = w.WithdrawConsents(ctx, w.a, "grt_1", token.ConsentFilter{}, w.now)
	require.NoError(t, err)
	require.Zero(t, n)
}

func tryPushed(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	p := token.Pushed{
		URI: token.HashOf("uri"), ClientID: "client", Params: url.Values{"scope": {"openid"}, "state": {"ü\""}}, Signed: true, Expires: w.now.Add(time.Minute),
	}
	require.NoError(t, w.SavePushed(ctx, w.a, p))
	_, err := w.UsePushed(ctx, w.b, p.URI, w.now)
	notFoundHere(t, err)
	_, err = w.UsePushed(ctx, w.a, p.URI, p.Expires)
	notFoundHere(t, err)

	var won atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := w.UsePushed(ctx, w.a, p.URI, w.now); err == nil && got.ClientID == p.ClientID {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "it is good for one use")

	p.URI = token.HashOf("another")
	require.NoError(t, w.SavePushed(ctx, w.a, p))
	got, err := w.UsePushed(ctx, w.a, p.URI, w.now)
	require.NoError(t, err)
	require.Equal(t, p, got)
}

func tryCompletions(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	s := w.session("sid-1")
	tx := w.transaction("first")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	reused := w.transaction("second")
	reused.SessionID, reused.Reused = s.ID, true
	require.NoError(t, w.SaveTransaction(ctx, w.a, reused))
	got, err := w.FindTransaction(ctx, w.a, reused.State, w.now)
	require.NoError(t, err)
	require.Equal(t, reused, got)

	fact := w.fact("ssa")
	done := w.completion(reused, "code of the second")
	done.Given.Token = &token.AccessToken{
		Hash: token.HashOf("opaque"), ClientID: "client", UserID: s.UserID, Scope: token.Scope{"openid"}, SessionID: s.ID,
		Claims: []string{"email"}, Code: done.Given.Code.Code, Issued: w.now, Expires: w.now.Add(time.Hour),
	}
	done.IdleUntil, done.Fact = w.now.Add(2*time.Minute), &fact
	require.NoError(t, w.CompleteTransaction(ctx, w.a, done))
	require.Equal(t, []string{"s", "ssa"}, w.facts(w.a))
	touched, err := w.FindSession(ctx, w.a, s.Secret, w.now)
	require.NoError(t, err)
	require.Equal(t, done.IdleUntil, touched.IdleUntil)
	opaque, err := w.FindAccessToken(ctx, w.a, token.HashOf("opaque"), w.now)
	require.NoError(t, err)
	require.Equal(t, *done.Given.Token, opaque)

	require.NoError(t, w.SaveTransaction(ctx, w.a, reused))
	require.NoError(t, w.EndSession(ctx, w.a, w.end(s.ID), w.fact("slo")))
	notFoundHere(t, w.CompleteTransaction(ctx, w.a, done))
	_, err = w.FindTransaction(ctx, w.a, reused.State, w.now)
	require.NoError(t, err, "a step that fails changes nothing")

	notFoundHere(t, w.AbandonTransaction(ctx, w.b, reused.State))
	require.NoError(t, w.AbandonTransaction(ctx, w.a, reused.State))
	notFoundHere(t, w.AbandonTransaction(ctx, w.a, reused.State))
}
