package tenancy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/tenancy"
)

func TestTenant(t *testing.T) {
	t.Parallel()
	tenant := tenancy.Tenant{ID: "tnt_1", Host: "login.acme.test:8443", Canonical: "acme.eu.example.test:8443"}

	t.Run("issuer_follows_the_host_and_audiences_the_canonical_host", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "https://login.acme.test:8443/", tenant.Issuer())
		require.Equal(t, "https://acme.eu.example.test:8443/api/v2/", tenant.ManagementAudience())
		require.Equal(t, "https://acme.eu.example.test:8443/userinfo", tenant.UserinfoAudience())
		require.Equal(t, "login.acme.test", tenant.Hostname())
		require.Equal(t, "acme.test", tenancy.Tenant{Host: "acme.test"}.Hostname())
	})
	t.Run("a_context_without_a_tenant_has_none_not_a_default", func(t *testing.T) {
		t.Parallel()
		_, ok := tenancy.From(t.Context())
		require.False(t, ok)
		_, ok = tenancy.From(tenancy.With(t.Context(), tenancy.Tenant{Host: "acme.test"}))
		require.False(t, ok, "the zero ID is nobody's")
		got, ok := tenancy.From(tenancy.With(t.Context(), tenant))
		require.True(t, ok)
		require.Equal(t, tenant, got)
	})
}

func TestSeal_Life(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	seal, err := tenancy.NewSeal(make([]byte, 32), now.Now)
	require.NoError(t, err)
	header, err := seal.Header(tenancy.Tenant{ID: "tnt_1"})
	require.NoError(t, err)
	now.Advance(tenancy.SealLife)
	_, ok := seal.Open(header)
	require.True(t, ok, "to the last second")
	now.Advance(time.Second)
	_, ok = seal.Open(header)
	require.False(t, ok)
}

func BenchmarkSeal(b *testing.B) {
	seal, err := tenancy.NewSeal(make([]byte, 32), clock.At("2026-03-01T12:00:00Z").Now)
	require.NoError(b, err)
	tenant := tenancy.Tenant{ID: "tnt_01JD0000000000000000000000", Name: "acme", Host: "acme.eu.example.test", Canonical: "acme.eu.example.test"}
	for b.Loop() {
		header, err := seal.Header(tenant)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := seal.Open(header); !ok {
			b.Fatal("refused")
		}
	}
}
