package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/client"
)

func runClients(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("comes_back_as_it_was_stored", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, client.Settings{
			"name": "Käse ☕", "app_type": "regular_web", "callbacks": []any{"https://a.example/cb"}, "client_metadata": map[string]any{"a": "b"},
			"addons": map[string]any{"layer": map[string]any{"providerId": "p", "keyId": "k", "privateKey": "hush"}},
		})
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		got, err := s.Store.FindClient(t.Context(), Owner, c.ID)
		require.NoError(t, err)
		c.Version = got.Version
		assert.Equal(t, c.Settings["addons"], got.Settings["addons"])
		assert.Equal(t, c.Name, got.Name)
		assert.Equal(t, c.Secret, got.Secret)
		assert.Equal(t, c.Settings.Texts("callbacks"), got.Settings.Texts("callbacks"))
		assert.Equal(t, c.Metadata(), got.Metadata())
		assert.True(t, c.Created.Equal(got.Created))
		told(t, s, 0, "client.created")
	})
	t.Run("are_found_by_what_their_grants_allow", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		require.NoError(t, s.Store.CreateResourceServer(ctx, Owner, newServer(t, "https://api")))
		first, second := NewClient(t, nil), NewClient(t, nil)
		for _, c := range []client.Client{first, second} {
			require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
		}
		g := newGrant(t, second.ID, "https://api")
		g.Settings["allow_any_organization"] = true
		require.NoError(t, s.Store.CreateGrant(ctx, Owner, g))
		require.NoError(t, s.Store.CreateGrant(ctx, Owner, newGrant(t, first.ID, "https://api")))
		page := client.Page{Limit: 10, Total: true}
		part, err := s.Store.ListClients(ctx, Owner, client.Filter{AnyOrganization: true}, page, false)
		require.NoError(t, err)
		require.Len(t, part.Items, 1)
		assert.Equal(t, second.ID, part.Items[0].ID)
		assert.Equal(t, 1, part.Total)
		part, err = s.Store.ListClients(ctx, Owner, client.Filter{Organization: "org_1"}, page, false)
		require.NoError(t, err)
		assert.Empty(t, part.Items)
	})
	t.Run("apps_of_phones_are_listed", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		mobile := client.Settings{"mobile": map[string]any{"ios": map[string]any{"team_id": "T", "app_bundle_identifier": "b"}}}
		plain, first, second := NewClient(t, nil), NewClient(t, mobile), NewClient(t, mobile)
		for _, c := range []client.Client{first, plain, second} {
			require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
		}
		list, err := s.Store.ListMobileClients(ctx, Owner, 10)
		require.NoError(t, err)
		require.Len(t, list, 2)
		assert.Equal(t, []client.ID{first.ID, second.ID}, []client.ID{list[0].ID, list[1].ID})
		assert.Empty(t, list[0].Secret)
		list, err = s.Store.ListMobileClients(ctx, Owner, 1)
		require.NoError(t, err)
		assert.Len(t, list, 1)
		list, err = s.Store.ListMobileClients(ctx, Stranger, 10)
		require.NoError(t, err)
		assert.Empty(t, list)
	})
	t.Run("update_replaces_and_counts", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		was, err := s.Store.FindClient(t.Context(), Owner, c.ID)
		require.NoError(t, err)
		is := was.Rotated(morning.Add(time.Hour))
		is.Name = "renamed"
		require.NoError(t, s.Store.UpdateClient(t.Context(), Owner, is))
		got, err := s.Store.FindClient(t.Context(), Owner, c.ID)
		require.NoError(t, err)
		assert.Equal(t, "renamed", got.Name)
		assert.Equal(t, is.Secret, got.Secret)
		assert.NotEqual(t, was.Secret, got.Secret)
		assert.Equal(t, was.Version+1, got.Version)
		requireFault(t, s.Store.UpdateClient(t.Context(), Owner, is), client.ErrChanged)
		told(t, s, 0, "client.created", "client.updated")
	})
	t.Run("of_concurrent_updates_one_wins", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		was, err := s.Store.FindClient(t.Context(), Owner, c.ID)
		require.NoError(t, err)
		const racers = 8
		errs := make([]error, racers)
		var all sync.WaitGroup
		for i := range racers {
			all.Go(func() { errs[i] = s.Store.UpdateClient(t.Context(), Owner, was) })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			requireFault(t, err, client.ErrChanged)
		}
		assert.Equal(t, 1, won)
	})
	t.Run("everywhere_switches_every_connection_on", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		for _, name := range []string{"one", "two"} {
			require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, newConnection(t, name)))
		}
		n := len(s.Facts())
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, true))
		told(t, s, n, "client.created", "connection.updated", "connection.updated")
		list, err := s.Store.ListConnections(t.Context(), Owner, client.ConnectionFilter{Client: c.ID}, client.Page{Limit: 10})
		require.NoError(t, err)
		assert.Len(t, list.Items, 2)
	})
	t.Run("delete_takes_grants_and_links_along", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c, r := NewClient(t, nil), newServer(t, "https://api")
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, r))
		g, con := newGrant(t, c.ID, "https://api"), newConnection(t, "one", c.ID)
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		require.NoError(t, s.Store.CreateConnection(t.Context(), Owner, con))
		before, err := s.Store.FindConnection(t.Context(), Owner, con.ID)
		require.NoError(t, err)
		n := len(s.Facts())
		require.NoError(t, s.Store.DeleteClient(t.Context(), Owner, c.ID))
		told(t, s, n, "client.deleted", "connection.updated", "client_grant.deleted")
		_, err = s.Store.FindClient(t.Context(), Owner, c.ID)
		requireFault(t, err, client.ErrNoClient)
		_, err = s.Store.FindGrant(t.Context(), Owner, g.ID)
		requireFault(t, err, client.ErrNoGrant)
		after, err := s.Store.FindConnection(t.Context(), Owner, con.ID)
		require.NoError(t, err)
		assert.Empty(t, after.EnabledClients)
		requireFault(t, s.Store.UpdateConnection(t.Context(), Owner, before), client.ErrChanged)
		requireFault(t, s.Store.DeleteClient(t.Context(), Owner, c.ID), client.ErrNoClient)
	})
	t.Run("list_filters_and_hides_secrets", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		spa := NewClient(t, client.Settings{"app_type": "spa"})
		third := NewClient(t, client.Settings{"is_first_party": false})
		global := NewClient(t, nil)
		global.Global = true
		for _, c := range []client.Client{spa, third, global} {
			require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		}
		yes, no := true, false
		for name, row := range map[string]struct {
			filter client.Filter
			want   []client.ID
		}{
			"all":         {client.Filter{}, []client.ID{spa.ID, third.ID, global.ID}},
			"global":      {client.Filter{Global: &yes}, []client.ID{global.ID}},
			"not_global":  {client.Filter{Global: &no}, []client.ID{spa.ID, third.ID}},
			"third_party": {client.Filter{FirstParty: &no}, []client.ID{third.ID}},
			"by_type":     {client.Filter{AppTypes: []string{"spa", "native"}}, []client.ID{spa.ID}},
			"by_external": {client.Filter{ExternalID: "https://none"}, nil},
		} {
			part, err := s.Store.ListClients(t.Context(), Owner, row.filter, client.Page{Limit: 10, Total: true}, false)
			require.NoError(t, err, name)
			var ids []client.ID
			for _, c := range part.Items {
				ids = append(ids, c.ID)
				assert.Empty(t, c.Secret, name)
			}
			assert.Equal(t, row.want, ids, name)
			assert.Equal(t, len(row.want), part.Total, name)
		}
		part, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, client.Page{Limit: 1}, true)
		require.NoError(t, err)
		assert.Equal(t, spa.Secret, part.Items[0].Secret)
	})
	t.Run("standing_for_an_absent_resource_server_is_refused", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, client.Settings{"app_type": "resource_server", "resource_server_identifier": "https://api"})
		requireFault(t, s.Store.CreateClient(t.Context(), Owner, c, false), client.ErrNoResourceServer)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		r, err := s.Store.FindResourceServer(t.Context(), Owner, "https://api")
		require.NoError(t, err)
		assert.Equal(t, c.ID, r.ClientID)
	})
}
