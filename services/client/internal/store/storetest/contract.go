package storetest

import (
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
	t.Run("credentials", func(t *testing.T) { t.Parallel(); runCredentials(t, open) })
	t.Run("refresh", func(t *testing.T) { t.Parallel(); runRefresh(t, open) })
	t.Run("resource_servers", func(t *testing.T) { t.Parallel(); runServers(t, open) })
	t.Run("grants", func(t *testing.T) { t.Parallel(); runGrants(t, open) })
	t.Run("connections", func(t *testing.T) { t.Parallel(); runConnections(t, open) })
	t.Run("scim", func(t *testing.T) { t.Parallel(); runSCIM(t, open) })
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
