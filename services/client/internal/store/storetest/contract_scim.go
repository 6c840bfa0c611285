package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/client"
)

func newEnterprise(tb testing.TB, name string) client.Connection {
	tb.Helper()
	c, err := client.NewConnection(client.Settings{"name": name, "strategy": "okta"}, morning)
	require.NoError(tb, err)
	return c
}

// configured stores a connection with a SCIM configuration and gives that.
func configured(t *testing.T, s Subject, name string) client.SCIM {
	t.Helper()
	con := newEnterprise(t, name)
	require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, con))
	scim, err := con.NewSCIM("userName", []client.SCIMMapping{{Auth0: "email", SCIM: `emails[type eq "work"].value`}, {Auth0: "name", SCIM: "displayName"}}, morning)
	require.NoError(t, err)
	require.NoError(t, s.Store.CreateSCIM(t.Context(), Owner, scim))
	return scim
}

func newSCIMToken(tb testing.TB, life time.Duration) client.SCIMToken {
	tb.Helper()
	token, err := client.NewSCIMToken([]string{"get:users", "delete:users"}, life, morning)
	require.NoError(tb, err)
	return token
}

func runSCIM(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("a_configuration_is_found_whole_changed_and_deleted", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		scim := configured(t, s, "corp")
		got, err := s.Store.FindSCIM(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Equal(t, scim, got)
		requireFault(t, s.Store.CreateSCIM(ctx, Owner, scim), client.ErrSCIMExists)

		change := client.SCIM{ConnectionID: scim.ConnectionID, UserIDAttribute: "id", Mapping: []client.SCIMMapping{}, Updated: morning.Add(time.Hour)}
		got, err = s.Store.UpdateSCIM(ctx, Owner, change)
		require.NoError(t, err)
		want := scim
		want.UserIDAttribute, want.Mapping, want.Updated = "id", []client.SCIMMapping{}, change.Updated
		assert.Equal(t, want, got)
		got, err = s.Store.FindSCIM(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Equal(t, want, got)

		require.NoError(t, s.Store.CreateSCIMToken(ctx, Owner, scim.ConnectionID, newSCIMToken(t, 0), 2))
		require.NoError(t, s.Store.DeleteSCIM(ctx, Owner, scim.ConnectionID))
		requireFault(t, s.Store.DeleteSCIM(ctx, Owner, scim.ConnectionID), client.ErrNoSCIM)
		require.NoError(t, s.Store.CreateSCIM(ctx, Owner, scim))
		tokens, err := s.Store.ListSCIMTokens(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Empty(t, tokens, "the tokens went along")
		told(t, s, 0, "connection.created", "scim_configuration.created", "scim_configuration.updated", "scim_token.created",
			"scim_configuration.deleted", "scim_configuration.created")
	})
	t.Run("what_is_missing_is_named", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		con := newEnterprise(t, "corp")
		require.NoError(t, s.Store.CreateConnection(ctx, Owner, con))
		for id, want := range map[string]error{con.ID: client.ErrNoSCIM, "con_0000000000000000": client.ErrNoConnection} {
			_, err := s.Store.FindSCIM(ctx, Owner, id)
			require.ErrorIs(t, err, want)
			_, err = s.Store.UpdateSCIM(ctx, Owner, client.SCIM{ConnectionID: id, UserIDAttribute: "x", Updated: morning})
			require.ErrorIs(t, err, want)
			_, err = s.Store.ListSCIMTokens(ctx, Owner, id)
			require.ErrorIs(t, err, want)
			require.ErrorIs(t, s.Store.CreateSCIMToken(ctx, Owner, id, newSCIMToken(t, 0), 2), want)
			requireFault(t, s.Store.DeleteSCIM(ctx, Owner, id), client.ErrNoSCIM)
			requireFault(t, s.Store.DeleteSCIMToken(ctx, Owner, id, "tok_x"), client.ErrNoSCIMToken)
		}
		requireFault(t, s.Store.CreateSCIM(ctx, Owner, client.SCIM{ConnectionID: "con_0000000000000000", Created: morning, Updated: morning}), client.ErrNoConnection)
		told(t, s, 0, "connection.created")
	})
	t.Run("a_deleted_connection_takes_it_along", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		scim := configured(t, s, "corp")
		require.NoError(t, s.Store.CreateSCIMToken(t.Context(), Owner, scim.ConnectionID, newSCIMToken(t, 0), 2))
		require.NoError(t, s.Store.DeleteConnection(t.Context(), Owner, scim.ConnectionID))
		_, err := s.Store.FindSCIM(t.Context(), Owner, scim.ConnectionID)
		requireFault(t, err, client.ErrNoConnection)
		part, err := s.Store.ListSCIM(t.Context(), Owner, client.Page{Limit: 5, Total: true})
		require.NoError(t, err)
		assert.Equal(t, client.Part[client.SCIM]{Items: []client.SCIM{}}, part)
	})
	t.Run("tokens_are_kept_without_their_secrets", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		scim, other := configured(t, s, "corp"), configured(t, s, "other")
		first, second := newSCIMToken(t, 0), newSCIMToken(t, time.Hour)
		for _, token := range []client.SCIMToken{first, second} {
			require.NoError(t, s.Store.CreateSCIMToken(ctx, Owner, scim.ConnectionID, token, 2))
		}
		requireFault(t, s.Store.CreateSCIMToken(ctx, Owner, scim.ConnectionID, newSCIMToken(t, 0), 2), client.ErrSCIMTokens)
		first.Secret, second.Secret = "", ""
		got, err := s.Store.ListSCIMTokens(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Equal(t, []client.SCIMToken{first, second}, got)

		requireFault(t, s.Store.DeleteSCIMToken(ctx, Owner, other.ConnectionID, first.ID), client.ErrNoSCIMToken)
		require.NoError(t, s.Store.DeleteSCIMToken(ctx, Owner, scim.ConnectionID, first.ID))
		requireFault(t, s.Store.DeleteSCIMToken(ctx, Owner, scim.ConnectionID, first.ID), client.ErrNoSCIMToken)
		got, err = s.Store.ListSCIMTokens(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Equal(t, []client.SCIMToken{second}, got)
		require.NoError(t, s.Store.CreateSCIMToken(ctx, Owner, scim.ConnectionID, newSCIMToken(t, 0), 2), "there is room again")
		told(t, s, 4, "scim_token.created", "scim_token.created", "scim_token.deleted", "scim_token.created")
	})
	t.Run("of_many_tokens_at_once_two_are_made", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		scim := configured(t, s, "corp")
		var wg sync.WaitGroup
		var made atomic.Int64
		for range 6 {
			token := newSCIMToken(t, 0)
			wg.Go(func() {
				err := s.Store.CreateSCIMToken(t.Context(), Owner, scim.ConnectionID, token, 2)
				if err == nil {
					made.Add(1)
				} else {
					assert.True(t, client.Is(err, client.ErrSCIMTokens), "%v", err)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 2, made.Load())
	})
	t.Run("lists_go_on_from_a_mark", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		one, two := configured(t, s, "one"), configured(t, s, "two")
		part, err := s.Store.ListSCIM(t.Context(), Owner, client.Page{Limit: 1, Total: true})
		require.NoError(t, err)
		assert.Equal(t, []client.SCIM{one}, part.Items)
		assert.Equal(t, 2, part.Total)
		require.NotEmpty(t, part.Next)
		part, err = s.Store.ListSCIM(t.Context(), Owner, client.Page{Limit: 1, After: part.Next})
		require.NoError(t, err)
		assert.Equal(t, []client.SCIM{two}, part.Items)
		assert.Empty(t, part.Next)
	})
	t.Run("a_stranger_finds_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		scim := configured(t, s, "corp")
		token := newSCIMToken(t, 0)
		require.NoError(t, s.Store.CreateSCIMToken(ctx, Owner, scim.ConnectionID, token, 2))
		before := len(s.Facts())
		_, err := s.Store.FindSCIM(ctx, Stranger, scim.ConnectionID)
		requireFault(t, err, client.ErrNoConnection)
		requireFault(t, s.Store.CreateSCIM(ctx, Stranger, scim), client.ErrNoConnection)
		_, err = s.Store.UpdateSCIM(ctx, Stranger, scim)
		requireFault(t, err, client.ErrNoConnection)
		requireFault(t, s.Store.DeleteSCIM(ctx, Stranger, scim.ConnectionID), client.ErrNoSCIM)
		_, err = s.Store.ListSCIMTokens(ctx, Stranger, scim.ConnectionID)
		requireFault(t, err, client.ErrNoConnection)
		requireFault(t, s.Store.CreateSCIMToken(ctx, Stranger, scim.ConnectionID, newSCIMToken(t, 0), 2), client.ErrNoConnection)
		requireFault(t, s.Store.DeleteSCIMToken(ctx, Stranger, scim.ConnectionID, token.ID), client.ErrNoSCIMToken)
		part, err := s.Store.ListSCIM(ctx, Stranger, client.Page{Limit: 5, Total: true})
		require.NoError(t, err)
		assert.Zero(t, len(part.Items)+part.Total)
		require.NoError(t, s.Store.RemoveTenant(ctx, Stranger))
		assert.Len(t, s.Facts(), before)
		got, err := s.Store.FindSCIM(ctx, Owner, scim.ConnectionID)
		require.NoError(t, err)
		assert.Equal(t, scim, got)
		require.NoError(t, s.Store.RemoveTenant(ctx, Owner))
		part, err = s.Store.ListSCIM(ctx, Owner, client.Page{Limit: 5})
		require.NoError(t, err)
		assert.Empty(t, part.Items)
	})
}
