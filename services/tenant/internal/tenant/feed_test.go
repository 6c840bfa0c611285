package tenant_test

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// bucket is a directory that can be lost.
type bucket struct {
	hosts map[string]tenant.Entry
	puts  int
}

func (b *bucket) Put(_ context.Context, e tenant.Entry) (uint64, error) {
	b.puts++
	b.hosts[e.Host] = e
	return uint64(b.puts), nil //nolint:gosec // counts from one
}

func (b *bucket) Remove(_ context.Context, host string) error {
	delete(b.hosts, host)
	return nil
}

func (b *bucket) Hosts(context.Context) (map[string]tenant.Entry, error) {
	out := map[string]tenant.Entry{}
	maps.Copy(out, b.hosts)
	return out, nil
}

func (b *bucket) Await(context.Context, uint64) error { return nil }

func TestWork_Republish(t *testing.T) {
	t.Parallel()
	h := newHouse()
	b := &bucket{hosts: map[string]tenant.Entry{}}
	work := tenant.NewWork(tenant.WorkDeps{Map: h.Map, Store: h.store, Directory: b, Now: h.now.Now})
	begun, p := h.signedUp(t, "acme")
	tenants, err := h.ListTenants(t.Context(), p)
	require.NoError(t, err)
	id := tenants[0].ID
	_, err = work.ChooseCell(t.Context(), id, "eu")
	require.NoError(t, err)
	_, err = work.OpenHostnames(t.Context(), id, "acme", "eu")
	require.NoError(t, err)
	waiting := storetest.Fixture() // is being made: its workflow publishes it
	require.NoError(t, h.store.SignUp(t.Context(), waiting))
	require.NoError(t, h.store.SaveHostnames(t.Context(), waiting.Tenant.ID, []tenant.Hostname{{Host: "waiting.example.com", Kind: tenant.HostCanonical}}))
	right := map[string]tenant.Entry{"acme.eu.example.com": b.hosts["acme.eu.example.com"]}
	require.Equal(t, tenant.StateActive, right["acme.eu.example.com"].State)

	for name, spoil := range map[string]func(){
		"nothing": func() {},
		"lost":    func() { b.hosts = map[string]tenant.Entry{} },
		"changed": func() { b.hosts["acme.eu.example.com"] = tenant.Entry{Tenant: "tnt_other"} },
		"stranger": func() {
			b.hosts["evil.example.com"] = tenant.Entry{Tenant: "tnt_other"}
		},
	} {
		spoil()
		mended, err := work.Republish(t.Context())
		require.NoError(t, err)
		require.Equal(t, name != "nothing", mended == 1, name)
		require.Equal(t, right, b.hosts, name)
	}

	op, err := h.DeleteTenant(t.Context(), p, id, begun.Token)
	require.NoError(t, err)
	require.NoError(t, work.CloseHostnames(t.Context(), id))
	_, err = work.Republish(t.Context())
	require.NoError(t, err)
	require.Empty(t, b.hosts, "what is being deleted is not opened again while its data goes")
	require.NoError(t, work.MarkDeleted(t.Context(), op.ID))
	_, err = work.Republish(t.Context())
	require.NoError(t, err)
	require.Empty(t, b.hosts, "a deleted tenant answers nowhere")
}
