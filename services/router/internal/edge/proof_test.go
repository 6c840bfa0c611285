package edge_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/edge"
)

// What was sealed for a host is used again while it is young and the directory says the same.
func TestEdge_Proof(t *testing.T) {
	t.Parallel()
	const host = "acme.eu.example.test"
	w := newWorld(t)
	e := edge.New(w.deps, "https", 8443)
	ask := func() string {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://"+host+"/authorize", nil)
		e.ServeHTTP(httptest.NewRecorder(), r)
		return w.got.Header.Get(tenancy.Header)
	}
	first := ask()
	require.Equal(t, first, ask())

	w.clock.Advance(tenancy.SealLife/2 + 1e9)
	second := ask()
	require.NotEqual(t, first, second, "a service has half a life to answer in")
	_, ok := w.deps.Seals["eu"].Open(second)
	require.True(t, ok)

	entry, err := w.deps.Table.Find(host)
	require.NoError(t, err)
	entry.Tenant = "tnt_next_owner"
	w.deps.Table.Put(host, entry)
	got, ok := w.deps.Seals["eu"].Open(ask())
	require.True(t, ok)
	require.Equal(t, tenancy.ID("tnt_next_owner"), got.ID)

	entry.Cell = "us"
	w.deps.Table.Put(host, entry)
	_, ok = w.deps.Seals["us"].Open(ask())
	require.True(t, ok, "the cell it has moved to")
}
