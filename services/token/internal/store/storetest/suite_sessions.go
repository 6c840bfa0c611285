package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// logIn opens a session of a as logins do, for a client each.
func (w *world) logIn(t *testing.T, s token.Session, clients ...string) token.Session {
	t.Helper()
	ctx := t.Context()
	tx := w.transaction("state of " + s.ID)
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	for _, client := range clients {
		require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
			SessionID: s.ID, ClientID: client, Now: s.LastUsed, IdleUntil: s.IdleUntil, Origin: s.Last, Fact: new(w.fact("ssa")),
		}))
	}
	s.Clients = clients
	return s
}

// claim takes all that is due at now.
func (w *world) claim(t *testing.T, now time.Time) []token.LogoutMessage {
	t.Helper()
	list, err := w.ClaimLogoutMessages(t.Context(), token.Claim{Now: now, Until: now.Add(time.Minute), Limit: 100, Share: 100})
	require.NoError(t, err)
	slices.SortFunc(list, func(a, b token.LogoutMessage) int {
		return slices.Compare([]string{a.SessionID, a.ClientID}, []string{b.SessionID, b.ClientID})
	})
	return list
}

// told gives session and client of each message, and checks that each has a name of its own.
func told(t *testing.T, list []token.LogoutMessage) (out []string) {
	t.Helper()
	names := map[string]bool{}
	for _, m := range list {
		require.NotEmpty(t, m.ID)
		require.False(t, names[m.ID], "two messages of one name")
		names[m.ID] = true
		out = append(out, m.SessionID+" "+m.ClientID)
	}
	return out
}

func tryParticipants(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	s := w.logIn(t, w.session("sid-1"))
	got, err := w.FindSessionByID(ctx, w.a, "sid-1", w.now)
	require.NoError(t, err)
	require.Equal(t, s, got, "a session comes back as it was, and let nobody in yet")

	tx := w.transaction("second state")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: w.session("sid-1"), State: tx.State, Fact: w.fact("s")}))
	notFoundHere(t, w.CompleteTransaction(ctx, w.b, w.completion(tx, "by a stranger")))
	require.NoError(t, w.CompleteTransaction(ctx, w.a, w.completion(tx, "code")))
	for _, client := range []string{"second", "client", "second"} {
		from := token.Origin{IP: "198.51.100.9", UserAgent: "another"}
		use := token.SessionUse{SessionID: "sid-1", ClientID: client, Now: w.now.Add(time.Minute), IdleUntil: w.now.Add(2 * time.Hour), Origin: from, Fact: new(w.fact("ssa"))}
		notFoundHere(t, w.ContinueSession(ctx, w.b, use))
		require.NoError(t, w.ContinueSession(ctx, w.a, use))
	}
	got, err = w.FindSessionByID(ctx, w.a, "sid-1", w.now)
	require.NoError(t, err)
	require.Equal(t, []string{"client", "second"}, got.Clients, "each client once")
	require.Equal(t, token.Origin{IP: "198.51.100.9", UserAgent: "another"}, got.Last)
	require.Equal(t, token.Origin{IP: "203.0.113.7", UserAgent: "ua"}, got.First, "where it was opened stays")

	_, err = w.FindSessionByID(ctx, w.b, "sid-1", w.now)
	notFoundHere(t, err)
	_, err = w.FindSessionByID(ctx, w.a, "sid-1", got.IdleUntil)
	notFoundHere(t, err)
}

// A login of the same user in the same browser goes on with the session: new secret, old name, and what administrators and clients
// know it by.
func tryReopening(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	w.logIn(t, w.session("sid-1"), "client")
	_, err := w.UpdateSession(ctx, w.a, "sid-1", map[string]string{"k": "v"}, w.now)
	require.NoError(t, err)

	again, tx := w.session("sid-1"), w.transaction("another state")
	again.Secret, again.AuthTime, again.LastUsed = token.HashOf("new cookie"), w.now.Add(time.Minute), w.now.Add(time.Minute)
	again.Ephemeral, again.Last = true, token.Origin{IP: "198.51.100.9", UserAgent: "another"}
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: again, State: tx.State, Fact: w.fact("s")}))
	_, err = w.FindSession(ctx, w.a, token.HashOf("cookie of sid-1"), w.now)
	notFoundHere(t, err) // session fixation: who knew the cookie from before has nothing
	got, err := w.FindSession(ctx, w.a, again.Secret, w.now)
	require.NoError(t, err)
	require.Equal(t, w.now, got.Created)
	require.Equal(t, again.AuthTime, got.AuthTime)
	require.True(t, got.Ephemeral)
	got, err = w.FindSessionByID(ctx, w.a, "sid-1", w.now)
	require.NoError(t, err)
	require.Equal(t, []string{"client"}, got.Clients)
	require.Equal(t, map[string]string{"k": "v"}, got.Metadata)
	require.Equal(t, token.Origin{IP: "203.0.113.7", UserAgent: "ua"}, got.First)
	require.Empty(t, w.claim(t, w.now), "nothing ended")
}

func tryReplacing(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	w.logIn(t, w.session("sid-1"), "client")
	tx := w.transaction("another state")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	other := w.session("sid-2")
	other.UserID = "auth0|2"
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: other, Replaces: "sid-1", State: tx.State, Fact: w.fact("s")}))
	require.Equal(t, []string{"sid-1 client"}, told(t, w.claim(t, w.now)), "whose session another user's login ended hears of it")
	_, err := w.FindSessionByID(ctx, w.a, "sid-1", w.now)
	notFoundHere(t, err)
	got, err := w.FindSessionByID(ctx, w.a, "sid-2", w.now)
	require.NoError(t, err)
	require.Empty(t, got.Clients, "clients of one session are not those of another")
}

func trySessionAdmin(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	want := []token.Session{}
	for _, id := range []string{"sid-a", "sid-b", "sid-c"} {
		want = append(want, w.logIn(t, w.session(id), "client"))
	}
	of := w.session("sid-0")
	of.UserID = "auth0|2"
	w.logIn(t, of)
	list, err := w.ListSessions(ctx, w.a, "auth0|1", token.Page{Limit: 2}, w.now)
	require.NoError(t, err)
	require.Equal(t, want[:2], list)
	list, err = w.ListSessions(ctx, w.a, "auth0|1", token.Page{Limit: 2, After: "sid-b"}, w.now)
	require.NoError(t, err)
	require.Equal(t, want[2:], list)
	list, err = w.ListSessions(ctx, w.b, "auth0|1", token.Page{Limit: 2}, w.now)
	require.NoError(t, err)
	require.Empty(t, list, "a stranger sees none")
	list, err = w.ListSessions(ctx, w.a, "auth0|1", token.Page{Limit: 9}, w.session("").IdleUntil)
	require.NoError(t, err)
	require.Empty(t, list, "what is over is not there")

	before := w.facts(w.a)
	_, err = w.UpdateSession(ctx, w.b, "sid-a", map[string]string{"k": "stranger"}, w.now)
	notFoundHere(t, err)
	_, err = w.UpdateSession(ctx, w.a, "sid-a", map[string]string{"k": "late"}, want[0].IdleUntil)
	notFoundHere(t, err)
	changed, err := w.UpdateSession(ctx, w.a, "sid-a", map[string]string{"k": "v"}, w.now.Add(time.Minute))
	require.NoError(t, err)
	want[0].Metadata, want[0].Updated = map[string]string{"k": "v"}, w.now.Add(time.Minute)
	require.Equal(t, want[0], changed)
	changed, err = w.UpdateSession(ctx, w.a, "sid-a", nil, w.now.Add(time.Minute))
	require.NoError(t, err)
	require.Nil(t, changed.Metadata, "taken away")

	n, err := w.EndSessions(ctx, w.b, w.end("sid-a"), true)
	require.NoError(t, err)
	require.Zero(t, n, "a stranger ends nothing")
	n, err = w.EndSessions(ctx, w.a, w.end("sid-a"), true)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = w.EndSessions(ctx, w.a, w.end("sid-a"), true)
	require.NoError(t, err, "one that is gone is fine")
	require.Zero(t, n)
	_, err = w.EndSessions(ctx, w.a, token.SessionEnd{By: token.ByRevocation, Now: w.now}, true)
	require.Error(t, err, "an ending that names nobody ends nobody")
	n, err = w.EndSessions(ctx, w.a, token.SessionEnd{UserID: "auth0|1", By: token.ByRevocation, Now: w.now}, false)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = w.FindSessionByID(ctx, w.a, "sid-0", w.now)
	require.NoError(t, err, "another user's goes on")
	require.Equal(t, []string{"session.updated", "session.updated", "session.ended", "session.ended", "session.ended"}, w.facts(w.a)[len(before):])
	require.Empty(t, w.facts(w.b))
}

// Only sessions from before a time end, when what their user logs in with changed then.
func tryEndsBefore(t *testing.T, w *world) {
	t.Helper()
	older, newer := w.session("sid-old"), w.session("sid-new")
	older.AuthTime, newer.AuthTime = w.now.Add(-time.Second), w.now
	w.logIn(t, older, "client")
	w.logIn(t, newer, "client")
	n, err := w.EndSessions(t.Context(), w.a, token.SessionEnd{UserID: "auth0|1", OpenedBefore: w.now, By: token.ByPassword, Now: w.now}, false)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	list := w.claim(t, w.now)
	require.Equal(t, []string{"sid-old client"}, told(t, list))
	require.Equal(t, token.ByPassword, list[0].By)
	_, err = w.FindSessionByID(t.Context(), w.a, "sid-new", w.now)
	require.NoError(t, err)
}

// A revoked session takes along the refresh tokens that came of it, and no others.
func tryEndsWithRefreshTokens(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []string{"sid-1", "sid-2"} {
		w.logIn(t, w.session(id), "client")
		r := w.family("rt_of_"+id, "raw of "+id)
		r.SessionID = id
		w.give(t, r)
	}
	left := func() (ids []string) {
		list, _, err := w.ListRefreshTokens(ctx, w.a, token.RefreshFilter{}, token.Page{Limit: 9}, w.now)
		require.NoError(t, err)
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		return ids
	}
	_, err := w.EndSessions(ctx, w.a, w.end("sid-1"), false)
	require.NoError(t, err)
	require.Equal(t, []string{"rt_of_sid-1", "rt_of_sid-2"}, left(), "the end of a session is not the end of what it gave")
	_, err = w.EndSessions(ctx, w.a, w.end("sid-2"), true)
	require.NoError(t, err)
	require.Equal(t, []string{"rt_of_sid-1"}, left())
}

func tryLogoutMessages(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	s := w.logIn(t, w.session("sid-1"), "client", "second")
	_, err := w.UpdateSession(ctx, w.a, "sid-1", map[string]string{"k": "v"}, w.now)
	require.NoError(t, err)
	require.NoError(t, w.EndSession(ctx, w.a, w.end("sid-1"), w.fact("slo")))

	until := w.now.Add(30 * time.Second)
	list := w.claim(t, w.now)
	require.Equal(t, []string{"sid-1 client", "sid-1 second"}, told(t, list))
	require.Equal(t, token.LogoutMessage{
		Tenant: w.a, TenantName: "acme", ID: list[0].ID, ClientID: "client", SessionID: "sid-1", UserID: s.UserID, Host: s.Host,
		Metadata: map[string]string{"k": "v"}, By: token.ByLogout, Ended: w.now, Attempts: 1, Expires: w.end("").Until(),
	}, list[0])
	require.Empty(t, w.claim(t, until), "what one has in hand no other takes")
	again := w.claim(t, w.now.Add(time.Minute)) // whoever took them is dead
	require.Equal(t, []string{"sid-1 client", "sid-1 second"}, told(t, again), "nothing is lost")
	require.Equal(t, 2, again[0].Attempts)
	require.Equal(t, list[0].ID, again[0].ID, "a client knows it for the same message")

	stranger, other := again[0], again[1]
	stranger.Tenant = w.b
	notFoundHere(t, w.SettleLogoutMessage(ctx, stranger, nil))
	fact := w.fact("oidc_backchannel_logout_failed")
	notFoundHere(t, w.PostponeLogoutMessage(ctx, stranger, w.now, &fact))
	require.NotContains(t, w.facts(w.a), fact.Type, "what changed nothing leaves no fact")

	require.NoError(t, w.PostponeLogoutMessage(ctx, again[0], w.now.Add(time.Hour), &fact))
	require.NoError(t, w.PostponeLogoutMessage(ctx, other, w.now.Add(time.Hour), nil), "a fact is left where there is something to tell")
	done := w.fact("oidc_backchannel_logout_succeeded")
	require.NoError(t, w.SettleLogoutMessage(ctx, other, &done))
	notFoundHere(t, w.SettleLogoutMessage(ctx, other, &done))
	notFoundHere(t, w.PostponeLogoutMessage(ctx, other, w.now, nil))
	require.Empty(t, w.claim(t, w.now.Add(59*time.Minute)))
	require.Equal(t, []string{"sid-1 client"}, told(t, w.claim(t, w.now.Add(time.Hour))))
	require.Empty(t, w.claim(t, again[0].Expires), "given up")
	require.Equal(t, []string{fact.Type, done.Type}, w.facts(w.a)[len(w.facts(w.a))-2:])
	require.Empty(t, w.facts(w.b))

	require.NoError(t, w.RemoveTenant(ctx, w.b))
	require.NoError(t, w.PostponeLogoutMessage(ctx, again[0], w.now, nil), "a stranger's removal removes nothing")
	require.NoError(t, w.RemoveTenant(ctx, w.a))
	require.Empty(t, w.claim(t, w.now), "a tenant's messages go with it")
}

// Workers share messages: each is taken by one. Of no tenant are more taken than its share.
func tryClaims(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	const messages = 20
	var clients []string
	for i := range messages {
		clients = append(clients, "client-"+string(rune('a'+i)))
	}
	w.logIn(t, w.session("sid-1"), clients...)
	require.NoError(t, w.EndSession(ctx, w.a, w.end("sid-1"), w.fact("slo")))
	strange := *w
	strange.a, strange.b = w.b, w.a
	strange.logIn(t, w.session("sid-2"), "client")
	_, err := w.EndSessions(ctx, w.b, w.end("sid-2"), false)
	require.NoError(t, err)

	var mu sync.Mutex
	var all sync.WaitGroup
	taken := map[string]int{}
	list, err := w.ClaimLogoutMessages(ctx, token.Claim{Now: w.now, Until: w.now.Add(time.Minute), Limit: 16, Share: 3, Busy: []tenancy.ID{w.a}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, w.b, list[0].Tenant, "nothing of who is busy")
	taken[list[0].ID]++
	for range 8 {
		all.Go(func() {
			list, err := w.ClaimLogoutMessages(ctx, token.Claim{Now: w.now, Until: w.now.Add(time.Minute), Limit: 16, Share: 3})
			if !assert.NoError(t, err) { //nolint:testifylint // require may not end a goroutine
				return
			}
			mu.Lock()
			defer mu.Unlock()
			of := map[tenancy.ID]int{}
			for _, m := range list {
				taken[m.ID]++
				of[m.Tenant]++
			}
			assert.LessOrEqual(t, of[w.a], 3, "a busy tenant leaves room for others")
		})
	}
	all.Wait()
	for _, m := range w.claim(t, w.now) {
		taken[m.ID]++
	}
	require.Len(t, taken, messages+1, "nothing is lost")
	for name, times := range taken {
		require.Equal(t, 1, times, name)
	}
}

// A session that runs out is told of to the clients that wanted to hear when they last took part, and goes with all that is its.
func tryExpiry(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	s := w.logIn(t, w.session("sid-1"))
	for _, use := range []struct {
		client string
		hears  bool
	}{{"deaf", false}, {"hears", true}, {"no more", true}, {"no more", false}, {"now", false}, {"now", true}} {
		require.NoError(t, w.ContinueSession(ctx, w.a, token.SessionUse{
			SessionID: s.ID, ClientID: use.client, Hears: use.hears, Now: w.now, IdleUntil: s.IdleUntil, Fact: new(w.fact("ssa")),
		}))
	}
	w.logIn(t, w.session("sid-of-nobody"))
	_, err := w.Sweep(ctx, deadFrom(s).Add(-time.Second))
	require.NoError(t, err)
	require.Empty(t, w.claim(t, deadFrom(s)))
	for n := 1; n > 0; {
		n, err = w.Sweep(ctx, deadFrom(s))
		require.NoError(t, err)
	}
	list := w.claim(t, deadFrom(s))
	require.Equal(t, []string{"sid-1 hears", "sid-1 now"}, told(t, list))
	require.Equal(t, token.ByExpiry, list[0].By)
	require.Equal(t, "acme", list[0].TenantName)
	require.Equal(t, deadFrom(s).Add(24*time.Hour), list[0].Expires)
	_, err = w.FindSessionByID(ctx, w.a, "sid-1", w.now)
	notFoundHere(t, err)

	n, err := w.Sweep(ctx, list[0].Expires)
	require.NoError(t, err)
	require.Equal(t, 2, n, "messages that nobody took are given up")
}

// While a session ends, clients take part in it: each is either told, or was not let in.
func tryEndsUnderway(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for round := range 5 {
		s := w.session("sid-" + string(rune('a'+round)))
		w.logIn(t, s, "first")
		var mu sync.Mutex
		var all sync.WaitGroup
		in := []string{s.ID + " first"}
		for i := range 6 {
			client := "client-" + string(rune('a'+i))
			all.Go(func() {
				use := token.SessionUse{SessionID: s.ID, ClientID: client, Now: w.now, IdleUntil: s.IdleUntil, Fact: new(w.fact("ssa"))}
				err := w.ContinueSession(ctx, w.a, use)
				if fault.Is(err, fault.KindNotFound) {
					return
				}
				if !assert.NoError(t, err) { //nolint:testifylint // as above
					return
				}
				mu.Lock()
				defer mu.Unlock()
				in = append(in, s.ID+" "+client)
			})
			if i == 2 {
				all.Go(func() { assert.NoError(t, w.EndSession(ctx, w.a, w.end(s.ID), w.fact("slo"))) })
			}
		}
		all.Wait()
		slices.Sort(in)
		require.Equal(t, in, told(t, w.claim(t, w.now)))
		for _, m := range w.claim(t, w.now.Add(time.Minute)) {
			require.NoError(t, w.SettleLogoutMessage(ctx, m, nil))
		}
	}
}
