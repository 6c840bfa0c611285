package storetest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

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
	c.Settings["external_client_id"] = "https://self.example/client"
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
	noClient(s.Store.AddCredential(ctx, Stranger, c, newCredential("cred_x")))
	noClient(s.Store.UpdateCredential(ctx, Stranger, c, newCredential("cred_x")))
	noClient(s.Store.DeleteCredential(ctx, Stranger, c, "cred_x"))
	_, err = s.Store.FindClientBy(ctx, Stranger, "https://self.example/client")
	noClient(err)
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
