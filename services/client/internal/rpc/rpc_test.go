package rpc_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/rpc"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

const (
	acme     = "tnt_01ACME"
	globex   = "tnt_01GLOBEX"
	audience = "https://acme.eu.postern.test/api/v2/"
)

func newRemote() (clientapiconnect.ClientServiceClient, *client.Service) {
	clients := client.NewService(storetest.NewFake(), clock.At("2026-03-01T12:00:00Z").Now)
	handler := rpc.New(clients, slog.New(slog.DiscardHandler))
	return clientapiconnect.NewClientServiceClient(rpckit.Client(handler), rpckit.InProcessURL, rpckit.ClientOption()), clients
}

func TestSeedTenant(t *testing.T) {
	t.Parallel()
	remote, _ := newRemote()
	seed := func(tenant string) *clientapi.SeedTenantResponse {
		res, err := remote.SeedTenant(t.Context(), &clientapi.SeedTenantRequest{TenantId: tenant, TenantName: "acme", ManagementAudience: audience})
		require.NoError(t, err)
		return res
	}
	first, again, other := seed(acme), seed(acme), seed(globex)
	assert.Equal(t, first.GetManagementClientId(), again.GetManagementClientId())
	assert.Equal(t, first.GetManagementClientSecret(), again.GetManagementClientSecret())
	assert.Len(t, first.GetManagementClientSecret(), 64)
	assert.NotEqual(t, first.GetManagementClientId(), other.GetManagementClientId())

	c, err := remote.FindClient(t.Context(), &clientapi.FindClientRequest{TenantId: acme, ClientId: first.GetManagementClientId()})
	require.NoError(t, err)
	assert.Equal(t, first.GetManagementClientSecret(), c.GetSecret())
	assert.Equal(t, []string{"client_credentials"}, c.GetGrantTypes())
	assert.Equal(t, "RS256", c.GetIdTokenAlg())
	assert.Equal(t, int64(36000), c.GetIdTokenLifetimeSeconds())
	assert.True(t, c.GetIsFirstParty())

	r, err := remote.FindResourceServer(t.Context(), &clientapi.FindResourceServerRequest{TenantId: acme, Identifier: audience})
	require.NoError(t, err)
	assert.True(t, r.GetIsSystem())
	g, err := remote.FindClientGrant(t.Context(), &clientapi.FindClientGrantRequest{
		TenantId: acme, ClientId: first.GetManagementClientId(), Audience: audience,
	})
	require.NoError(t, err)
	assert.Equal(t, r.GetScopes(), g.GetScope())

	list, err := remote.ListConnections(t.Context(), &clientapi.ListConnectionsRequest{TenantId: acme, ClientId: first.GetDefaultClientId()})
	require.NoError(t, err)
	require.Len(t, list.GetConnections(), 1)
	con, err := remote.FindConnection(t.Context(), &clientapi.FindConnectionRequest{TenantId: acme, Name: client.SeededDatabase})
	require.NoError(t, err)
	assert.Equal(t, list.GetConnections()[0].GetId(), con.GetId())
	var options map[string]any
	require.NoError(t, json.Unmarshal(con.GetOptionsJson(), &options))
	assert.Equal(t, "good", options["passwordPolicy"])

	for range 2 {
		_, err = remote.RemoveTenant(t.Context(), &clientapi.RemoveTenantRequest{TenantId: acme})
		require.NoError(t, err)
	}
	_, err = remote.FindClient(t.Context(), &clientapi.FindClientRequest{TenantId: acme, ClientId: first.GetManagementClientId()})
	assert.True(t, fault.Is(err, fault.KindNotFound))
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	remote, clients := newRemote()
	seeded, _, err := clients.SeedTenant(t.Context(), acme, audience)
	require.NoError(t, err)
	api, err := clients.FindResourceServer(t.Context(), acme, audience)
	require.NoError(t, err)
	id := string(seeded.Management)
	con, err := remote.FindConnection(t.Context(), &clientapi.FindConnectionRequest{TenantId: acme, Name: client.SeededDatabase})
	require.NoError(t, err)
	byID, err := remote.FindConnection(t.Context(), &clientapi.FindConnectionRequest{TenantId: acme, Id: con.GetId()})
	require.NoError(t, err)
	assert.Equal(t, con.GetName(), byID.GetName())
	for _, tenant := range []string{globex, ""} {
		want := fault.KindNotFound
		if tenant == "" {
			want = fault.KindInvalid
		}
		for name, call := range map[string]func() error{
			"client": func() error {
				_, err := remote.FindClient(t.Context(), &clientapi.FindClientRequest{TenantId: tenant, ClientId: id})
				return err
			},
			"resource_server": func() error {
				_, err := remote.FindResourceServer(t.Context(), &clientapi.FindResourceServerRequest{TenantId: tenant, Identifier: audience})
				return err
			},
			"grant": func() error {
				_, err := remote.FindClientGrant(t.Context(), &clientapi.FindClientGrantRequest{TenantId: tenant, ClientId: id, Audience: audience})
				return err
			},
			"connections": func() error {
				_, err := remote.ListConnections(t.Context(), &clientapi.ListConnectionsRequest{TenantId: tenant, ClientId: id})
				return err
			},
			"connection": func() error {
				_, err := remote.FindConnection(t.Context(), &clientapi.FindConnectionRequest{TenantId: tenant, Name: client.SeededDatabase})
				return err
			},
			"connection_by_id": func() error {
				_, err := remote.FindConnection(t.Context(), &clientapi.FindConnectionRequest{TenantId: tenant, Id: con.GetId()})
				return err
			},
		} {
			err := call()
			assert.True(t, fault.Is(err, want), "%s of %q: %v", name, tenant, err)
		}
	}
	_, err = remote.FindResourceServer(t.Context(), &clientapi.FindResourceServerRequest{TenantId: acme, Identifier: api.ID})
	assert.True(t, fault.Is(err, fault.KindNotFound), "an id is no audience")
	for _, req := range []*clientapi.FindConnectionRequest{{TenantId: acme, Name: con.GetId()}, {TenantId: acme, Id: con.GetName()}} {
		_, err = remote.FindConnection(t.Context(), req)
		assert.True(t, fault.Is(err, fault.KindNotFound), "an id is no name")
	}
}
