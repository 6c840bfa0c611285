//go:build integration

package events_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/events"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// What the user service tells ends sessions, of that user in that tenant alone, and is told again while somebody is away.
func TestUserFollower(t *testing.T) {
	t.Parallel()
	stream := testkit.NATS(t)
	store, users, tenants := storetest.NewFake(), tokentest.NewUsers(), testkit.Tenants(2)
	now := time.Now()
	for _, tenant := range tenants {
		for _, id := range []string{"auth0|ada", "auth0|bob"} {
			users.Add(tenant, token.User{ID: id, CreatedAt: now.Add(-time.Hour), LoginsValidFrom: now.Add(-time.Hour)}, "")
			tx := token.Transaction{State: token.HashOf(id), Expires: now.Add(time.Hour)}
			require.NoError(t, store.SaveTransaction(t.Context(), tenant, tx))
			s := token.Session{ID: "sid of " + id, UserID: id, AuthTime: now, IdleUntil: now.Add(time.Hour), Until: now.Add(time.Hour)}
			require.NoError(t, store.OpenSession(t.Context(), tenant, token.Opening{Session: s, State: tx.State}))
		}
	}
	gone := func(tenant int, id string) func() error {
		return func() error {
			_, err := store.FindSessionByID(t.Context(), tenants[tenant], "sid of "+id, now)
			if fault.Is(err, fault.KindNotFound) {
				return nil
			}
			return errors.New("the session goes on")
		}
	}
	tell := func(tenant int, subject, id string) {
		e := logapi.New(now, tenants[tenant], subject)
		e.Object = &logapi.Object{Kind: "user", ID: id}
		payload, err := e.Encode()
		require.NoError(t, err)
		require.NoError(t, stream.Publish(t.Context(), subject, e.ID, payload))
	}
	users.Remove(tenants[0], "auth0|ada")
	users.Edit(tenants[0], "auth0|bob", func(u *token.User) { u.Blocked = true })
	users.Away(fault.Unavailable("away"))
	require.NoError(t, stream.Publish(t.Context(), logapi.UserUpdated, "evt_nonsense", []byte("not an event")))
	tell(0, logapi.UserDeleted, "auth0|ada")
	tell(1, logapi.UserUpdated, "auth0|bob") // to whom nothing happened that ends anything

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	f := &events.UserFollower{
		Conn: stream.Conn, Sessions: &token.Sessions{Store: store, Users: users, Now: time.Now}, Log: slog.New(slog.DiscardHandler),
		Stream: stream.Name, Subjects: []string{stream.Prefix + logapi.UserUpdated, stream.Prefix + logapi.UserDeleted},
	}
	go func() { done <- f.Run(ctx) }()
	calls := store.Calls()
	testkit.Eventually(t, 5*time.Second, func() error {
		if store.Calls() < calls+2 {
			return errors.New("not tried twice")
		}
		return nil
	})
	require.Error(t, gone(0, "auth0|ada")(), "nothing ends while nobody can say what happened")
	users.Away(nil)
	testkit.Eventually(t, 10*time.Second, gone(0, "auth0|ada"))
	tell(0, logapi.UserUpdated, "auth0|bob")
	testkit.Eventually(t, 5*time.Second, gone(0, "auth0|bob"))
	for _, id := range []string{"auth0|ada", "auth0|bob"} {
		require.Error(t, gone(1, id)(), "another tenant's user of the same id")
	}
	stop()
	require.NoError(t, <-done)
}
