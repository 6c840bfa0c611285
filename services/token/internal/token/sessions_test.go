package token_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// What happens to users ends the sessions that are over by it, and tells their clients why.
func TestSessions_Follow(t *testing.T) {
	t.Parallel()
	const ada = "auth0|ada"
	for name, tt := range map[string]struct {
		happens func(w *telling, users *tokentest.Users)
		by      token.Initiator // empty: nothing ends
	}{
		"a name changed": {func(_ *telling, users *tokentest.Users) {
			users.Edit(acme.ID, ada, func(u *token.User) { u.Name = "Ada" })
		}, ""},
		"deleted": {func(_ *telling, users *tokentest.Users) { users.Remove(acme.ID, ada) }, token.ByDeletion},
		"blocked": {func(_ *telling, users *tokentest.Users) {
			users.Edit(acme.ID, ada, func(u *token.User) { u.Blocked = true })
		}, token.ByDeactivation},
		"a new password":  {func(w *telling, users *tokentest.Users) { users.Edit(acme.ID, ada, changed(w, true)) }, token.ByPassword},
		"a new e-mail":    {func(w *telling, users *tokentest.Users) { users.Edit(acme.ID, ada, changed(w, false)) }, token.ByIdentifier},
		"somebody else's": {func(w *telling, users *tokentest.Users) { users.Edit(acme.ID, "auth0|bob", changed(w, true)) }, ""},
		"made anew": {func(w *telling, users *tokentest.Users) {
			users.Edit(acme.ID, ada, func(u *token.User) { u.CreatedAt, u.LoginsValidFrom = w.clock.Now(), w.clock.Now() })
		}, token.ByDeletion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTelling(t)
			users := tokentest.NewUsers()
			made := w.clock.Now().Add(-time.Hour)
			for _, id := range []string{ada, "auth0|bob"} {
				users.Add(acme.ID, token.User{ID: id, CreatedAt: made, LoginsValidFrom: made}, "")
			}
			sessions := &token.Sessions{Store: w.store, Users: users, Now: w.clock.Now}
			w.session("sid-1", "web")
			w.clock.Advance(time.Minute)
			tt.happens(w, users)
			for range 2 { // events come more than once
				require.NoError(t, sessions.Follow(t.Context(), acme.ID, ada))
			}
			if tt.by == "" {
				require.Len(t, w.store.Sessions(), 1)
				require.Empty(t, w.store.LogoutMessages())
				require.NotContains(t, names(w), token.SessionEnded)
				return
			}
			require.Empty(t, w.store.Sessions())
			require.Len(t, w.store.LogoutMessages(), 1)
			require.Equal(t, tt.by, w.store.LogoutMessages()[0].By)

			w.session("sid-2", "web") // a login after it
			if tt.by == token.ByPassword || tt.by == token.ByIdentifier {
				require.NoError(t, sessions.Follow(t.Context(), acme.ID, ada))
				require.Len(t, w.store.Sessions(), 1, "is not over by it")
			}
		})
	}
}

func changed(w *telling, password bool) func(*token.User) {
	return func(u *token.User) {
		u.LoginsValidFrom = w.clock.Now()
		if password {
			u.PasswordChanged = w.clock.Now()
		}
	}
}

func names(w *telling) (out []token.FactName) {
	for _, f := range w.store.Facts() {
		out = append(out, f.Name)
	}
	return out
}

// Nobody is asked about users without sessions, and nothing ends while nobody can say what happened.
func TestSessions_Follow_the_user_service_away(t *testing.T) {
	t.Parallel()
	w := newTelling(t)
	users := tokentest.NewUsers()
	users.Away(fault.Unavailable("away"))
	sessions := &token.Sessions{Store: w.store, Users: users, Now: w.clock.Now}
	require.NoError(t, sessions.Follow(t.Context(), acme.ID, "auth0|ada"))
	w.session("sid-1", "web")
	require.True(t, fault.Is(sessions.Follow(t.Context(), acme.ID, "auth0|ada"), fault.KindUnavailable))
	require.Len(t, w.store.Sessions(), 1)
}
