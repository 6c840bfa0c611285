package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

func runConnections(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("keeps_options_and_the_order_of_clients", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		var ids []client.ID
		for range 3 {
			c := NewClient(t, nil)
			require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
			ids = append(ids, c.ID)
		}
		con := newConnection(t, "db", ids[2], ids[0])
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, con))
		for _, find := range []func() (client.Connection, error){
			func() (client.Connection, error) { return s.Store.FindConnection(t.Context(), Owner, con.ID) },
			func() (client.Connection, error) { return s.Store.FindConnectionNamed(t.Context(), Owner, "db") },
		} {
			got, err := find()
			require.NoError(t, err)
			assert.Equal(t, "hush", got.Options.Text("client_secret"))
			assert.Equal(t, []client.ID{ids[2], ids[0]}, got.EnabledClients)
		}
		was, err := s.Store.FindConnection(t.Context(), Owner, con.ID)
		require.NoError(t, err)
		is := was.Switched(map[client.ID]bool{ids[2]: false, ids[1]: true}, morning)
		require.NoError(t, s.Store.UpdateConnection(t.Context(), Owner, is))
		got, err := s.Store.FindConnection(t.Context(), Owner, con.ID)
		require.NoError(t, err)
		assert.Equal(t, []client.ID{ids[0], ids[1]}, got.EnabledClients)
		told(t, s, 3, "connection.created", "connection.updated")
	})
	t.Run("an_absent_client_is_refused_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		requireFault(t, s.Store.CreateConnection(t.Context(), Owner, newConnection(t, "db", client.NewID())), client.ErrNoClient)
		_, err := s.Store.FindConnectionNamed(t.Context(), Owner, "db")
		requireFault(t, err, client.ErrNoConnection)
		assert.Empty(t, s.Facts())
		con := newConnection(t, "db")
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, con))
		was, err := s.Store.FindConnection(t.Context(), Owner, con.ID)
		require.NoError(t, err)
		is := was
		is.EnabledClients = []client.ID{client.NewID()}
		requireFault(t, s.Store.UpdateConnection(t.Context(), Owner, is), client.ErrNoClient)
		require.NoError(t, s.Store.UpdateConnection(t.Context(), Owner, was), "the version must not have moved")
	})
	t.Run("a_taken_name_is_a_conflict", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, newConnection(t, "db")))
		err := s.Store.CreateConnection(t.Context(), Owner, newConnection(t, "db"))
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)
		require.NoError(t, s.Store.CreateConnection(t.Context(), Stranger, newConnection(t, "db")))
	})
	t.Run("list_filters", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, newConnection(t, "one", c.ID)))
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, newConnection(t, "two")))
		for name, row := range map[string]struct {
			filter client.ConnectionFilter
			want   int
		}{
			"all": {client.ConnectionFilter{}, 2}, "name": {client.ConnectionFilter{Name: "two"}, 1}, "client": {client.ConnectionFilter{Client: c.ID}, 1},
			"strategy": {client.ConnectionFilter{Strategies: []string{"auth0"}}, 2}, "other": {client.ConnectionFilter{Strategies: []string{"oidc"}}, 0},
		} {
			part, err := s.Store.ListConnections(t.Context(), Owner, row.filter, client.Page{Limit: 10, Total: true})
			require.NoError(t, err, name)
			assert.Len(t, part.Items, row.want, name)
			assert.Equal(t, row.want, part.Total, name)
		}
	})
	t.Run("delete", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		con := newConnection(t, "db")
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, con))
		require.NoError(t, s.Store.DeleteConnection(t.Context(), Owner, con.ID))
		requireFault(t, s.Store.DeleteConnection(t.Context(), Owner, con.ID), client.ErrNoConnection)
		requireFault(t, s.Store.UpdateConnection(t.Context(), Owner, con), client.ErrNoConnection)
		told(t, s, 0, "connection.created", "connection.deleted")
	})
}
