package storetest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

func (w *world) family(id, raw string) token.RefreshToken {
	return token.RefreshToken{
		ID: id, Key: token.TagKey{1, 2, 3}, Counter: 1, Current: []token.Hash{token.HashOf(raw)}, Rotating: true, ClientID: "client", UserID: "auth0|1",
		SessionID: "sid-1", Audience: "https://api.example", Scope: token.Scope{"openid", "offline_access", "read:x"},
		Connection: token.Connection{ID: "con_1", Name: "db", Strategy: "auth0"}, AuthTime: w.now, WantAuthTime: true, Created: w.now,
		Claims:    token.ClaimsRequest{IDToken: []string{"email"}, Userinfo: []string{"phone_number"}},
		IdleUntil: w.now.Add(time.Hour), Until: w.now.Add(24 * time.Hour), First: token.Origin{IP: "192.0.2.1", UserAgent: "first"},
		Last: token.Origin{IP: "192.0.2.1", UserAgent: "first"},
	}
}

func (w *world) give(t *testing.T, r token.RefreshToken) {
	t.Helper()
	require.NoError(t, w.SaveTokens(t.Context(), w.a, token.Settlement{Refresh: &r, Fact: w.fact("sepft")}))
}

// from is an exchange of raw for next; an empty next keeps raw.
func (w *world) from(id, raw, next string) token.Rotation {
	r := token.Rotation{
		ID: id, Presented: token.HashOf(raw), Rotating: next != "", Now: w.now.Add(time.Minute), IdleUntil: w.now.Add(2 * time.Hour),
		Origin: token.Origin{IP: "192.0.2.2", UserAgent: "last"}, Fact: w.fact("sertft"),
	}
	if next != "" {
		r.Next = token.HashOf(next)
	}
	return r
}

func (w *world) opaque(raw, family string) *token.AccessToken {
	return &token.AccessToken{
		Hash: token.HashOf(raw), ClientID: "client", UserID: "auth0|1", Scope: token.Scope{"openid"}, Family: family, Issued: w.now, Expires: w.now.Add(time.Hour),
	}
}

func tryRefreshTokens(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	r := w.family("rt_one", "one")
	w.give(t, r)
	got, err := w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err)
	require.Equal(t, r, got, "a family comes back as it was")
	_, err = w.FindRefreshToken(ctx, w.b, "rt_one", w.now)
	notFoundHere(t, err)
	_, err = w.FindRefreshToken(ctx, w.a, "rt_two", w.now)
	notFoundHere(t, err)
	_, err = w.FindRefreshToken(ctx, w.a, "rt_one", r.IdleUntil)
	notFoundHere(t, err)

	endless := token.RefreshToken{ID: "rt_endless", Counter: 1, Current: []token.Hash{token.HashOf("endless")}, ClientID: "client", UserID: "auth0|2", AuthTime: w.now, Created: w.now}
	w.give(t, endless)
	got, err = w.FindRefreshToken(ctx, w.a, "rt_endless", w.now.Add(1e6*time.Hour))
	require.NoError(t, err)
	require.Equal(t, endless, got, "what has no end does not end")

	code := w.save(t)
	given := w.family("rt_of_code", "of code")
	require.NoError(t, w.RedeemCode(ctx, w.a, token.Redemption{
		Code: code.Code, Now: w.now, Refresh: &given, Token: w.opaque("with it", given.ID), Fact: w.fact("seacft"),
	}))
	rotation := w.from(given.ID, "of code", "second of code")
	rotation.Token = w.opaque("by refresh", given.ID)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, rotation))
	found, err := w.FindAccessToken(ctx, w.a, token.HashOf("by refresh"), w.now)
	require.NoError(t, err)
	require.Equal(t, *rotation.Token, found)
	require.NoError(t, w.RevokeCode(ctx, w.b, code.Code, w.now))
	_, err = w.FindRefreshToken(ctx, w.a, given.ID, w.now)
	require.NoError(t, err, "a stranger's revocation revokes nothing")
	require.NoError(t, w.RevokeCode(ctx, w.a, code.Code, w.now))
	_, err = w.FindRefreshToken(ctx, w.a, given.ID, w.now)
	notFoundHere(t, err)
	for _, raw := range []string{"with it", "by refresh"} {
		_, err = w.FindAccessToken(ctx, w.a, token.HashOf(raw), w.now)
		notFoundHere(t, err)
	}
	_, err = w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err, "another family goes on")
}

func tryBinding(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	r := w.family("rt_bound", "bound")
	r.Thumbprint = thumbprint
	w.give(t, r)
	got, err := w.FindRefreshToken(ctx, w.a, r.ID, w.now)
	require.NoError(t, err)
	require.Equal(t, r, got)

	free := w.family("rt_free", "one")
	w.give(t, free)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, w.from(free.ID, "one", "two")))
	found := func() string {
		got, err := w.FindRefreshToken(ctx, w.a, free.ID, w.now)
		require.NoError(t, err)
		return got.Thumbprint
	}
	require.Empty(t, found())
	bind := w.from(free.ID, "two", "three")
	bind.Thumbprint = thumbprint
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, bind))
	require.Equal(t, thumbprint, found(), "a family that was free may be bound")
	other := w.from(free.ID, "three", "four")
	other.Thumbprint = strings.Repeat("A", 43)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, other))
	require.Equal(t, thumbprint, found(), "and stays bound to the first key")
	late := w.from(free.ID, "three", "five")
	late.Since, late.Thumbprint = w.now.Add(-time.Hour), strings.Repeat("B", 43)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, late))
	require.Equal(t, thumbprint, found())
}

func tryRotation(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	r := w.family("rt_one", "one")
	w.give(t, r)
	notFoundHere(t, w.RotateRefreshToken(ctx, w.b, w.from("rt_one", "one", "two")))
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, w.from("rt_other", "one", "two")))
	late := w.from("rt_one", "one", "two")
	late.Now = r.IdleUntil
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, late))
	stays := w.from("rt_one", "one", "")
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, stays)) // a rotating token does not stay

	var wg sync.WaitGroup
	var won, lost atomic.Int64
	for i := range 20 {
		wg.Go(func() {
			switch err := w.RotateRefreshToken(ctx, w.a, w.from("rt_one", "one", fmt.Sprint("two-", i))); {
			case err == nil:
				won.Add(1)
			case fault.Is(err, fault.KindConflict):
				lost.Add(1)
			default:
				t.Errorf("the loser got %v, want a conflict", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "of concurrent exchanges one wins")
	require.EqualValues(t, 19, lost.Load())

	got, err := w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Counter)
	require.Equal(t, r.Current, got.Previous)
	require.Len(t, got.Current, 1)
	now := w.now.Add(time.Minute)
	require.Equal(t, []time.Time{now, now, w.now.Add(2 * time.Hour), r.Until}, []time.Time{got.Rotated, got.LastExchanged, got.IdleUntil, got.Until})
	require.Equal(t, []token.Origin{r.First, {IP: "192.0.2.2", UserAgent: "last"}}, []token.Origin{got.First, got.Last})
	require.Equal(t, r.Scope, got.Scope, "the family's scope stays (RFC 6749 §6)")
	require.Equal(t, []string{"sepft", "sertft"}, w.facts(w.a), "a lost exchange leaves no fact of its own")

	plain := w.family("rt_plain", "plain")
	plain.Rotating = false
	w.give(t, plain)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, w.from("rt_plain", "plain", "")))
	notFoundHere(t, w.RotateRefreshToken(ctx, w.a, w.from("rt_plain", "other", "")))
	got, err = w.FindRefreshToken(ctx, w.a, "rt_plain", w.now)
	require.NoError(t, err)
	require.Equal(t, plain.Current, got.Current, "a token that does not rotate stays")
	require.EqualValues(t, 1, got.Counter)
	require.Equal(t, now, got.LastExchanged)
	require.Equal(t, w.now.Add(2*time.Hour), got.IdleUntil)
}

func tryLeeway(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	w.give(t, w.family("rt_one", "one"))
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, w.from("rt_one", "one", "two")))
	again := w.from("rt_one", "one", "two again")
	testkit.RequireFault(t, w.RotateRefreshToken(ctx, w.a, again), fault.KindConflict)
	again.Now = again.Now.Add(30 * time.Second)
	again.Since = w.now.Add(time.Minute)
	testkit.RequireFault(t, w.RotateRefreshToken(ctx, w.a, again), fault.KindConflict) // the leeway is over to the instant
	again.Since = again.Since.Add(-time.Second)
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, again))

	got, err := w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Counter, "one more of the same generation")
	require.ElementsMatch(t, []token.Hash{token.HashOf("two"), token.HashOf("two again")}, got.Current)
	require.Equal(t, w.now.Add(time.Minute), got.Rotated, "the leeway does not begin anew")

	for i := range token.MaxSiblings {
		again.Next = token.HashOf(fmt.Sprint("more-", i))
		require.NoError(t, w.RotateRefreshToken(ctx, w.a, again))
	}
	got, err = w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err)
	require.Len(t, got.Current, token.MaxSiblings, "of too many the oldest go")
	require.NotContains(t, got.Current, token.HashOf("two"))
	require.Contains(t, got.Current, again.Next)

	third := w.from("rt_one", "more-3", "three")
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, third))
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, withSince(w.from("rt_one", "more-4", "three too"), w.now)), "its sibling is of the generation before now")
	testkit.RequireFault(t, w.RotateRefreshToken(ctx, w.a, withSince(w.from("rt_one", "one", "x"), w.now)), fault.KindConflict) // two generations back
}

func withSince(r token.Rotation, since time.Time) token.Rotation {
	r.Since = since
	return r
}

func tryMigration(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"rt_one", "rt_two", "rt_three", "rt_else", "rt_other"} {
		r := w.family(id, id)
		r.Rotating = id == "rt_three"
		switch id {
		case "rt_else":
			r.Audience = "https://else.example"
		case "rt_other":
			r.ClientID = "other"
		}
		w.give(t, r)
	}
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: w.opaque("of two", "rt_two"), Fact: w.fact("sepft")}))
	r := w.from("rt_one", "rt_one", "v1.next")
	r.Migrates = true
	require.NoError(t, w.RotateRefreshToken(ctx, w.a, r))
	got, err := w.FindRefreshToken(ctx, w.a, "rt_one", w.now)
	require.NoError(t, err)
	require.True(t, got.Rotating)
	_, err = w.FindRefreshToken(ctx, w.a, "rt_two", w.now)
	notFoundHere(t, err)
	_, err = w.FindAccessToken(ctx, w.a, token.HashOf("of two"), w.now)
	notFoundHere(t, err)
	for _, id := range []string{"rt_three", "rt_else", "rt_other"} {
		_, err = w.FindRefreshToken(ctx, w.a, id, w.now)
		require.NoError(t, err, "%s was new already, or is no sibling", id)
	}
}

func tryRefreshEnds(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	w.give(t, w.family("rt_one", "one"))
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: w.opaque("by one", "rt_one"), Fact: w.fact("sepft")}))
	notFoundHere(t, w.RevokeRefreshToken(ctx, w.b, token.Revocation{ID: "rt_one", Fact: w.fact("srrt")}))
	require.NoError(t, w.RevokeAccessToken(ctx, w.b, token.HashOf("by one")))
	_, err := w.FindAccessToken(ctx, w.a, token.HashOf("by one"), w.now)
	require.NoError(t, err, "a stranger revokes nothing")
	require.NoError(t, w.RevokeRefreshToken(ctx, w.a, token.Revocation{ID: "rt_one", Fact: w.fact("srrt")}))
	notFoundHere(t, w.RevokeRefreshToken(ctx, w.a, token.Revocation{ID: "rt_one", Fact: w.fact("srrt")}))
	_, err = w.FindAccessToken(ctx, w.a, token.HashOf("by one"), w.now)
	notFoundHere(t, err)
	require.Equal(t, []string{"sepft", "sepft", "srrt"}, w.facts(w.a))

	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: w.opaque("alone", ""), Fact: w.fact("sepft")}))
	require.NoError(t, w.RevokeAccessToken(ctx, w.a, token.HashOf("alone")))
	require.NoError(t, w.RevokeAccessToken(ctx, w.a, token.HashOf("alone")), "a repeat is fine")
	_, err = w.FindAccessToken(ctx, w.a, token.HashOf("alone"), w.now)
	notFoundHere(t, err)

	for i := range token.MaxRefreshTokens + 2 {
		r := w.family(fmt.Sprintf("rt_%03d", i), "x")
		r.Created = w.now.Add(time.Duration(i) * time.Second)
		r.Prunes = i == token.MaxRefreshTokens+1
		if r.Prunes {
			_, err = w.FindRefreshToken(ctx, w.a, "rt_000", w.now)
			require.NoError(t, err, "nothing goes before one prunes")
		}
		w.give(t, r)
	}
	other := w.family("rt_other", "other")
	other.ClientID = "other"
	w.give(t, other)
	for id, there := range map[string]bool{"rt_000": false, "rt_001": false, "rt_002": true, "rt_201": true, "rt_other": true} {
		_, err = w.FindRefreshToken(ctx, w.a, id, w.now)
		require.Equal(t, there, err == nil, "%s: the oldest go beyond the limit", id)
	}

	stranger := w.family("rt_stranger", "stranger")
	require.NoError(t, w.SaveTokens(ctx, w.b, token.Settlement{Refresh: &stranger, Fact: token.Fact{Tenant: w.b, Time: w.now, Name: token.TokenIssued, Type: "sepft"}}))
	require.NoError(t, w.RemoveTenant(ctx, w.a))
	_, err = w.FindRefreshToken(ctx, w.a, "rt_201", w.now)
	notFoundHere(t, err)
	_, err = w.FindRefreshToken(ctx, w.b, "rt_stranger", w.now)
	require.NoError(t, err)

	n, err := w.Sweep(ctx, stranger.IdleUntil)
	require.NoError(t, err)
	require.Zero(t, n, "the whole hour is not over")
	n, err = w.Sweep(ctx, stranger.IdleUntil.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}
