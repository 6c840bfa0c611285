package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// The tenants of the suite: one that owns, and a stranger.
const (
	Owner    tenancy.ID = "tnt_01OWNER"
	Stranger tenancy.ID = "tnt_01STRANGER"
)

// Subject is a store under test and what it told.
type Subject struct {
	Store client.Store
	// Facts gives what the store told, in order.
	Facts func() []Fact
}

var morning = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// Run holds a store to the contract of client.Store; open gives an empty one each time.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("clients", func(t *testing.T) { t.Parallel(); runClients(t, open) })
	t.Run("resource_servers", func(t *testing.T) { t.Parallel(); runServers(t, open) })
	t.Run("grants", func(t *testing.T) { t.Parallel(); runGrants(t, open) })
	t.Run("connections", func(t *testing.T) { t.Parallel(); runConnections(t, open) })
	t.Run("tenants", func(t *testing.T) { t.Parallel(); runTenants(t, open) })
	t.Run("every_method_by_a_stranger", func(t *testing.T) { t.Parallel(); runStranger(t, open) })
	t.Run("pages", func(t *testing.T) { t.Parallel(); runPages(t, open) })
}

// NewClient makes a client to store.
func NewClient(tb testing.TB, sent client.Settings) client.Client {
	tb.Helper()
	if !sent.Has("name") {
		sent = sent.Merged(client.Settings{"name": "app"})
	}
	c, err := client.NewClient(sent, morning)
	require.NoError(tb, err)
	return c
}

func newServer(tb testing.TB, identifier string) client.ResourceServer {
	tb.Helper()
	r, err := client.NewResourceServer(client.Settings{
		"identifier": identifier, "signing_alg": "HS256",
		"scopes": []any{map[string]any{"value": "read:things", "description": "Read"}, map[string]any{"value": "write:things"}},
	}, morning)
	require.NoError(tb, err)
	return r
}

func newGrant(tb testing.TB, id client.ID, audience string) client.Grant {
	tb.Helper()
	g, err := client.NewGrant(client.Settings{"client_id": string(id), "audience": audience, "scope": []any{"read:things"}}, morning)
	require.NoError(tb, err)
	return g
}

func newConnection(tb testing.TB, name string, enabled ...client.ID) client.Connection {
	tb.Helper()
	c, err := client.NewConnection(client.Settings{"name": name, "strategy": "auth0", "options": map[string]any{"client_secret": "hush"}}, morning)
	require.NoError(tb, err)
	c.EnabledClients = enabled
	return c
}

func requireFault(tb testing.TB, err error, want *fault.Error) {
	tb.Helper()
	require.Error(tb, err)
	require.True(tb, client.Is(err, want), "got %v, want %v", err, want)
}

// told asserts that the facts since the first n are these subjects.
func told(tb testing.TB, s Subject, n int, subjects ...string) {
	tb.Helper()
	var got []string
	for _, f := range s.Facts()[n:] {
		got = append(got, f.Subject[len("postern.client."):])
	}
	assert.ElementsMatch(tb, subjects, got)
}

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

func runGrants(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("one_for_a_client_audience_and_subject_type", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		g := newGrant(t, c.ID, "https://api")
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		err := s.Store.CreateGrant(t.Context(), Owner, newGrant(t, c.ID, "https://api"))
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)
		user := newGrant(t, c.ID, "https://api")
		user.SubjectType = client.SubjectUser
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, user))
		forAll := newGrant(t, c.ID, "https://api")
		forAll.ClientID, forAll.DefaultFor = "", "third_party_clients"
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, forAll))
		twice := forAll
		twice.ID = client.NewGrantID()
		err = s.Store.CreateGrant(t.Context(), Owner, twice)
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)

		got, err := s.Store.FindGrantFor(t.Context(), Owner, c.ID, "https://api", client.SubjectClient)
		require.NoError(t, err)
		assert.Equal(t, g.ID, got.ID)
		_, err = s.Store.FindGrantFor(t.Context(), Owner, "", "https://api", client.SubjectClient)
		requireFault(t, err, client.ErrNoGrant)
		part, err := s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{ClientID: c.ID}, client.Page{Limit: 10, Total: true})
		require.NoError(t, err)
		assert.Equal(t, 2, part.Total)
		part, err = s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{DefaultFor: "third_party_clients"}, client.Page{Limit: 10})
		require.NoError(t, err)
		assert.Len(t, part.Items, 1)
	})
	t.Run("needs_its_client_and_audience", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		requireFault(t, s.Store.CreateGrant(t.Context(), Owner, newGrant(t, c.ID, "https://api")), client.ErrNoResourceServer)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		requireFault(t, s.Store.CreateGrant(t.Context(), Owner, newGrant(t, client.NewID(), "https://api")), client.ErrNoClient)
	})
	t.Run("update_and_delete", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		g := newGrant(t, c.ID, "https://api")
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		was, err := s.Store.FindGrant(t.Context(), Owner, g.ID)
		require.NoError(t, err)
		is, err := was.Patched(client.Settings{"scope": []any{}, "organization_usage": "allow", "allow_any_organization": true}, morning)
		require.NoError(t, err)
		n := len(s.Facts())
		require.NoError(t, s.Store.UpdateGrant(t.Context(), Owner, is))
		requireFault(t, s.Store.UpdateGrant(t.Context(), Owner, is), client.ErrChanged)
		yes, no := true, false
		part, err := s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{AnyOrganization: &yes}, client.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, part.Items, 1)
		assert.Empty(t, part.Items[0].Scope)
		part, err = s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{AnyOrganization: &no}, client.Page{Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, part.Items)
		require.NoError(t, s.Store.DeleteGrant(t.Context(), Owner, g.ID))
		requireFault(t, s.Store.DeleteGrant(t.Context(), Owner, g.ID), client.ErrNoGrant)
		told(t, s, n, "client_grant.updated", "client_grant.deleted")
	})
}

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

func runTenants(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	seed := func(t *testing.T) client.Seed {
		t.Helper()
		out, err := client.NewSeed("https://acme.example/api/v2/", morning)
		require.NoError(t, err)
		return out
	}
	t.Run("of_concurrent_seedings_one_stays", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		_, err := s.Store.FindSeeded(t.Context(), Owner)
		require.True(t, fault.Is(err, fault.KindNotFound))
		const racers = 6
		got := make([]client.Seeded, racers)
		seeds := make([]client.Seed, racers)
		for i := range seeds {
			seeds[i] = seed(t)
		}
		var all sync.WaitGroup
		for i := range racers {
			all.Go(func() {
				var err error
				got[i], err = s.Store.SeedTenant(t.Context(), Owner, seeds[i])
				assert.NoError(t, err)
			})
		}
		all.Wait()
		for _, g := range got {
			assert.Equal(t, got[0], g)
		}
		part, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, client.Page{Limit: 10}, false)
		require.NoError(t, err)
		assert.Len(t, part.Items, 3)
		con, err := s.Store.FindConnectionNamed(t.Context(), Owner, client.SeededDatabase)
		require.NoError(t, err)
		assert.ElementsMatch(t, []client.ID{got[0].Default, got[0].Management}, con.EnabledClients)
		g, err := s.Store.FindGrantFor(t.Context(), Owner, got[0].Management, "https://acme.example/api/v2/", client.SubjectClient)
		require.NoError(t, err)
		assert.Len(t, g.Scope, len(client.Catalogue()))
	})
	t.Run("remove_takes_everything_and_repeats", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		first, err := s.Store.SeedTenant(t.Context(), Owner, seed(t))
		require.NoError(t, err)
		other, err := s.Store.SeedTenant(t.Context(), Stranger, seed(t))
		require.NoError(t, err)
		require.NoError(t, s.Store.RemoveTenant(t.Context(), Owner))
		require.NoError(t, s.Store.RemoveTenant(t.Context(), Owner))
		_, err = s.Store.FindClient(t.Context(), Owner, first.Management)
		requireFault(t, err, client.ErrNoClient)
		_, err = s.Store.FindSeeded(t.Context(), Owner)
		assert.True(t, fault.Is(err, fault.KindNotFound))
		_, err = s.Store.FindClient(t.Context(), Stranger, other.Management)
		require.NoError(t, err)
	})
}

// runStranger tries each method on what another tenant owns.
func runStranger(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	s := open(t)
	ctx := t.Context()
	c, r := NewClient(t, nil), newServer(t, "https://api")
	require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
	require.NoError(t, s.Store.CreateResourceServer(ctx, Owner, r))
	g, con := newGrant(t, c.ID, "https://api"), newConnection(t, "db", c.ID)
	require.NoError(t, s.Store.CreateGrant(ctx, Owner, g))
	require.NoError(t, s.Store.CreateConnection(ctx, Owner, con))
	c, err := s.Store.FindClient(ctx, Owner, c.ID)
	require.NoError(t, err)
	before := s.Facts()

	noClient := func(err error) { requireFault(t, err, client.ErrNoClient) }
	noServer := func(err error) { requireFault(t, err, client.ErrNoResourceServer) }
	noGrant := func(err error) { requireFault(t, err, client.ErrNoGrant) }
	noConnection := func(err error) { requireFault(t, err, client.ErrNoConnection) }

	_, err = s.Store.FindClient(ctx, Stranger, c.ID)
	noClient(err)
	noClient(s.Store.UpdateClient(ctx, Stranger, c))
	noClient(s.Store.DeleteClient(ctx, Stranger, c.ID))
	_, err = s.Store.FindResourceServer(ctx, Stranger, r.ID)
	noServer(err)
	_, err = s.Store.FindResourceServer(ctx, Stranger, r.Identifier)
	noServer(err)
	noServer(s.Store.UpdateResourceServer(ctx, Stranger, r))
	noServer(s.Store.DeleteResourceServer(ctx, Stranger, r.ID))
	_, err = s.Store.FindGrant(ctx, Stranger, g.ID)
	noGrant(err)
	_, err = s.Store.FindGrantFor(ctx, Stranger, c.ID, "https://api", client.SubjectClient)
	noGrant(err)
	noGrant(s.Store.UpdateGrant(ctx, Stranger, g))
	noGrant(s.Store.DeleteGrant(ctx, Stranger, g.ID))
	_, err = s.Store.FindConnection(ctx, Stranger, con.ID)
	noConnection(err)
	_, err = s.Store.FindConnectionNamed(ctx, Stranger, "db")
	noConnection(err)
	noConnection(s.Store.UpdateConnection(ctx, Stranger, con))
	noConnection(s.Store.DeleteConnection(ctx, Stranger, con.ID))
	_, err = s.Store.FindSeeded(ctx, Stranger)
	require.True(t, fault.Is(err, fault.KindNotFound))

	page := client.Page{Limit: 10, Total: true}
	clients, err := s.Store.ListClients(ctx, Stranger, client.Filter{}, page, true)
	require.NoError(t, err)
	servers, err := s.Store.ListResourceServers(ctx, Stranger, nil, page)
	require.NoError(t, err)
	grants, err := s.Store.ListGrants(ctx, Stranger, client.GrantFilter{}, page)
	require.NoError(t, err)
	connections, err := s.Store.ListConnections(ctx, Stranger, client.ConnectionFilter{}, page)
	require.NoError(t, err)
	assert.Zero(t, len(clients.Items)+len(servers.Items)+len(grants.Items)+len(connections.Items))
	assert.Zero(t, clients.Total+servers.Total+grants.Total+connections.Total)

	// Objects of one's own cannot be tied to another's.
	own := newServer(t, "https://own")
	require.NoError(t, s.Store.CreateResourceServer(ctx, Stranger, own))
	noClient(s.Store.CreateGrant(ctx, Stranger, newGrant(t, c.ID, "https://own")))
	mine := NewClient(t, nil)
	require.NoError(t, s.Store.CreateClient(ctx, Stranger, mine, true))
	noServer(s.Store.CreateGrant(ctx, Stranger, newGrant(t, mine.ID, "https://api")))
	noClient(s.Store.CreateConnection(ctx, Stranger, newConnection(t, "mine", c.ID)))
	standIn := NewClient(t, client.Settings{"app_type": "resource_server", "resource_server_identifier": "https://api"})
	noServer(s.Store.CreateClient(ctx, Stranger, standIn, false))
	require.NoError(t, s.Store.RemoveTenant(ctx, Stranger))

	for _, f := range s.Facts()[len(before):] {
		assert.Equal(t, Stranger, f.Tenant)
	}
	got, err := s.Store.FindConnection(ctx, Owner, con.ID)
	require.NoError(t, err)
	assert.Equal(t, []client.ID{c.ID}, got.EnabledClients)
	_, err = s.Store.FindGrantFor(ctx, Owner, c.ID, "https://api", client.SubjectClient)
	require.NoError(t, err)
}

func runPages(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	s := open(t)
	var all []client.ID
	for i := range 7 {
		c := NewClient(t, client.Settings{"name": fmt.Sprintf("app %d", i)})
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		all = append(all, c.ID)
	}
	list := func(p client.Page) client.Part[client.Client] {
		part, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, p, false)
		require.NoError(t, err)
		return part
	}
	ids := func(part client.Part[client.Client]) (out []client.ID) {
		for _, c := range part.Items {
			out = append(out, c.ID)
		}
		return out
	}
	assert.Equal(t, all[3:6], ids(list(client.Page{Offset: 3, Limit: 3})))
	assert.Equal(t, 7, list(client.Page{Offset: 50, Limit: 3, Total: true}).Total)
	assert.Empty(t, ids(list(client.Page{Offset: 50, Limit: 3})))

	// A walk by marks sees each client that stays exactly once, whatever happens to those before it.
	var seen []client.ID
	page := client.Page{Limit: 3}
	for {
		part := list(page)
		seen = append(seen, ids(part)...)
		if len(seen) == 3 {
			require.NoError(t, s.Store.DeleteClient(t.Context(), Owner, all[2]))
		}
		if part.Next == "" {
			break
		}
		page.After = part.Next
	}
	assert.Equal(t, all, seen)

	_, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, client.Page{Limit: 3, After: "nonsense"}, false)
	assert.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
}
