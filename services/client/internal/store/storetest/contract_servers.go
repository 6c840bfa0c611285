package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

func runServers(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("is_found_by_id_and_identifier", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		r := newServer(t, "https://api.example/")
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, r))
		for _, key := range []string{r.ID, r.Identifier} {
			got, err := s.Store.FindResourceServer(t.Context(), Owner, key)
			require.NoError(t, err)
			assert.Equal(t, r.SigningSecret, got.SigningSecret)
			assert.Equal(t, r.Scopes(), got.Scopes())
		}
		_, err := s.Store.FindResourceServer(t.Context(), Owner, "https://api.example")
		requireFault(t, err, client.ErrNoResourceServer)
		told(t, s, 0, "resource_server.created")
	})
	t.Run("an_identifier_that_is_anothers_id_hides_nobody", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		victim := newServer(t, "https://victim")
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, victim))
		thief := newServer(t, victim.ID)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, thief))
		got, err := s.Store.FindResourceServer(t.Context(), Owner, "https://victim")
		require.NoError(t, err)
		assert.Equal(t, victim.ID, got.ID)
	})
	t.Run("a_taken_identifier_is_a_conflict", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		err := s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api"))
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Stranger, newServer(t, "https://api")))
	})
	t.Run("update_and_delete", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c, r := NewClient(t, nil), newServer(t, "https://api")
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, r))
		g := newGrant(t, c.ID, "https://api")
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		was, err := s.Store.FindResourceServer(t.Context(), Owner, r.ID)
		require.NoError(t, err)
		is, err := was.Patched(client.Settings{"name": "New", "token_lifetime": float64(60)}, morning)
		require.NoError(t, err)
		n := len(s.Facts())
		require.NoError(t, s.Store.UpdateResourceServer(t.Context(), Owner, is))
		requireFault(t, s.Store.UpdateResourceServer(t.Context(), Owner, is), client.ErrChanged)
		require.NoError(t, s.Store.DeleteResourceServer(t.Context(), Owner, r.ID))
		told(t, s, n, "resource_server.updated", "resource_server.deleted", "client_grant.deleted")
		requireFault(t, s.Store.DeleteResourceServer(t.Context(), Owner, r.ID), client.ErrNoResourceServer)
		_, err = s.Store.FindGrant(t.Context(), Owner, g.ID)
		requireFault(t, err, client.ErrNoGrant)
	})
	t.Run("list_narrows_to_identifiers", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		for _, id := range []string{"a", "b", "c"} {
			require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, id)))
		}
		part, err := s.Store.ListResourceServers(t.Context(), Owner, []string{"c", "a"}, client.Page{Limit: 10, Total: true})
		require.NoError(t, err)
		assert.Equal(t, 2, part.Total)
		assert.Equal(t, "a", part.Items[0].Identifier)
	})
}
