package route_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/route"
)

func entry(id, host string) route.Entry {
	return route.Entry{Tenant: tenancy.ID(id), Name: "acme", Region: "eu", Cell: "eu", Kind: route.KindCanonical, State: route.StateActive, Canonical: host}
}

func TestTable_Find(t *testing.T) {
	t.Parallel()
	table := route.NewTable()
	table.Put("acme.eu.example.com", entry("tnt_1", "acme.eu.example.com"))

	t.Run("known_host_gives_its_entry", func(t *testing.T) {
		t.Parallel()
		e, err := table.Find("acme.eu.example.com")
		require.NoError(t, err)
		require.Equal(t, entry("tnt_1", "acme.eu.example.com"), e)
	})
	for _, stranger := range []string{"", "eu.example.com", "x.acme.eu.example.com", "acme.us.example.com", "acme.eu.example.com.", "ACME.eu.example.com"} {
		t.Run("stranger_is_not_found_"+stranger, func(t *testing.T) {
			t.Parallel()
			_, err := table.Find(stranger)
			require.True(t, fault.Is(err, fault.KindNotFound), "got %v", err)
		})
	}
	t.Run("deleted_tenant_is_not_found", func(t *testing.T) {
		t.Parallel()
		table := route.NewTable()
		e := entry("tnt_2", "old.eu.example.com")
		e.State = route.StateDeleted
		table.Put("old.eu.example.com", e)
		_, err := table.Find("old.eu.example.com")
		require.True(t, fault.Is(err, fault.KindNotFound))
		require.False(t, table.Has("old.eu.example.com"))
	})
	t.Run("snapshot_forgets_what_it_does_not_hold", func(t *testing.T) {
		t.Parallel()
		table := route.NewTable()
		table.Put("a.example.com", entry("tnt_1", "a.example.com"))
		table.Put("b.example.com", entry("tnt_2", "b.example.com"))
		table.Keep(map[string]bool{"b.example.com": true})
		require.Equal(t, 1, table.Len())
		require.True(t, table.Has("b.example.com"))
	})
}

func TestTable_FindMTLS(t *testing.T) {
	t.Parallel()
	table := route.NewTable()
	table.Put("acme.eu.example.com", entry("tnt_1", "acme.eu.example.com"))
	table.Put("mtls.example.org", entry("tnt_2", "globex.eu.example.com"))
	table.Put("example.org", entry("tnt_1", "acme.eu.example.com"))

	host, e, err := table.FindMTLS("mtls.acme.eu.example.com")
	require.NoError(t, err)
	require.Equal(t, "acme.eu.example.com", host)
	require.Equal(t, tenancy.ID("tnt_1"), e.Tenant)
	for name, stranger := range map[string]string{
		"the_host_itself": "acme.eu.example.com", "nobodys": "mtls.nobody.eu.example.com", "twice": "mtls.mtls.acme.eu.example.com", "nothing": "mtls.",
		"another_label": "tls.acme.eu.example.com", "somebodys_own_host": "mtls.example.org",
	} {
		_, _, err := table.FindMTLS(stranger)
		require.True(t, fault.Is(err, fault.KindNotFound), "%s: %v", name, err)
	}
}

func TestNormalHost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"ACME.eu.Example.com:8443": "acme.eu.example.com", "acme.example.com.": "acme.example.com", "bücher.example.com": "xn--bcher-kva.example.com",
		"acme。example。com。": "acme.example.com", "acme.example.com:": "acme.example.com", "XN--BCHER-KVA.example.com": "xn--bcher-kva.example.com",
	} {
		got, ok := route.NormalHost(in)
		require.True(t, ok, in)
		require.Equal(t, want, got)
	}
	for _, bad := range []string{
		"", ":8443", "a b.example.com", "a/b.example.com", "acme\x00.example.com", "acme.example.com\r\nx", "[::1]:80", "a_b.example.com",
		"acme.example.com:evil", "acme.example.com:1:2", "acme.example.com..", "a..b", ".a", "\xff.example.com", strings.Repeat("a", 64) + ".example.com", strings.Repeat("é.", 60) + "com",
	} {
		_, ok := route.NormalHost(bad)
		require.False(t, ok, "%q", bad)
	}
}

func TestServiceFor(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]route.Service{
		"/authorize": route.Token, "/": route.Token, "/.well-known/jwks.json": route.Token, "/api/v2/clients": route.Client,
		"/api/v2/clients/x/credentials": route.Client, "/api/v2/users/auth0%7C1/logs": route.Log, "/api/v2/users/auth0|1": route.User,
		"/api/v2/users/a/sessions": route.Token, "/api/v2/connections/con_1/users": route.User, "/api/v2/connections/con_1": route.Client, "/api/v2/connections/users": route.Client,
		"/api/v2/connections/con_1/users/x": route.Client, "/api/v2/connections/con_1/Users": route.Client, "/api/v2/connections/con_1/clients": route.Client,
		"/api/v2/connections//users/": route.Client, "/api/v2/logs": route.Log, "/api/v2/tenants/settings": route.Tenant, "/api/v2/keys/signing": route.Token,
		"/oidc/register": route.Client, "/oidc/register/": route.Token, "/oidc/register/x": route.Token, "/oidc/Register": route.Token, "/oidc/logout": route.Token,
		"/oidc%2Fregister": route.Token,
	} {
		got, ok := route.ServiceFor(path)
		require.True(t, ok, path)
		require.Equal(t, want, got, path)
	}
	for _, none := range []string{"/api/v2", "/api/v2/", "/api/v2/no-such-resource-here", "/api/v2//clients", "/api/v2/openapi.part.json", "/api/v2/openapi.part.json/"} {
		_, ok := route.ServiceFor(none)
		require.False(t, ok, none)
	}
}

func TestIsManagement(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api/v2", "/api/v2/", "/api/v2/clients", "/api/v2/nonsense"} {
		require.True(t, route.IsManagement(path), path)
	}
	for _, path := range []string{"/", "/api/v2x", "/api/v1/clients", "/authorize", "/API/V2/clients"} {
		require.False(t, route.IsManagement(path), path)
	}
}

// BenchmarkTable_Find shows that a lookup costs the same with ten hosts and with a million, and what a host costs in memory.
func BenchmarkTable_Find(b *testing.B) {
	for _, n := range []int{10, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			table := route.NewTable()
			hosts := make([]string, 0, 1024)
			for i := range n {
				host := fmt.Sprintf("account-%07d.eu.example.com", i)
				table.Put(host, entry(fmt.Sprintf("tnt_01JD0000000000000000%06d", i), host))
				if i%(n/min(n, 1000)) == 0 {
					hosts = append(hosts, host)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			i := 0
			for b.Loop() {
				if _, err := table.Find(hosts[i%len(hosts)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/host")
			runtime.KeepAlive(table)
		})
	}
}
