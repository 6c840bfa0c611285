package tenant_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

func TestParseSlug(t *testing.T) {
	t.Parallel()
	regions := []tenant.Region{"us", "north"}
	for _, good := range []string{"acme", "a-1", "0ne", "x9z", strings.Repeat("a", 63), "a--b"} {
		got, err := tenant.ParseSlug(good, regions)
		require.NoError(t, err, good)
		require.Equal(t, tenant.Slug(good), got)
	}
	for _, bad := range []string{
		"", "ab", strings.Repeat("a", 64), "-acme", "acme-", "Acme", "ac_me", "ac.me", "ac me", "acmé", "xn--acme", "ab--c",
		"acme\n", "acme\x00", "manage", "api", "mail", "config", "webtask", "edge", "login", "www", "north", "localhost",
	} {
		_, err := tenant.ParseSlug(bad, regions)
		require.True(t, fault.Is(err, fault.KindInvalid), "%q", bad)
	}
}

func TestParseEmail(t *testing.T) {
	t.Parallel()
	got, err := tenant.ParseEmail("Owner+x@Example.COM")
	require.NoError(t, err)
	require.Equal(t, "owner+x@example.com", got)
	for _, bad := range []string{
		"", "owner", "@example.com", "owner@", "Owner <owner@example.com>", `"a b"@example.com`, "a@b@c", "a@example.com\r\nBcc: x@y.z",
		"owner@[127.0.0.1]", strings.Repeat("a", 250) + "@b.com", "a@example.com, b@example.com",
	} {
		_, err := tenant.ParseEmail(bad)
		require.True(t, fault.Is(err, fault.KindInvalid), "%q", bad)
	}
}

func TestMap(t *testing.T) {
	t.Parallel()
	m := tenant.Map{Base: "example.com", Port: 8443, Cells: []tenant.Cell{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}, {Name: "eu2", Region: "eu"}}}

	require.Equal(t, []tenant.Region{"us", "eu"}, m.Regions())
	require.Len(t, m.CellsOf("eu"), 2)
	t.Run("default_region_has_an_alias", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []tenant.Hostname{{Host: "acme.us.example.com", Kind: tenant.HostCanonical}, {Host: "acme.example.com", Kind: tenant.HostAlias}},
			m.Hostnames("acme", "us"))
		require.Equal(t, []tenant.Hostname{{Host: "acme.eu.example.com", Kind: tenant.HostCanonical}}, m.Hostnames("acme", "eu"))
	})
	t.Run("port_is_shown_unless_it_is_443", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "acme.eu.example.com:8443", m.Domain("acme", "eu"))
		require.Equal(t, "https://acme.eu.example.com:8443/", m.Issuer("acme", "eu"))
		require.Equal(t, "https://acme.eu.example.com:8443/api/v2/", m.ManagementAudience("acme", "eu"))
		standard := m
		standard.Port = 443
		require.Equal(t, "https://acme.eu.example.com/", standard.Issuer("acme", "eu"))
	})
	t.Run("unknown_region_is_invalid_and_none_is_the_default", func(t *testing.T) {
		t.Parallel()
		_, err := m.ParseRegion("mars")
		require.True(t, fault.Is(err, fault.KindInvalid))
		r, err := m.ParseRegion("")
		require.NoError(t, err)
		require.Equal(t, tenant.Region("us"), r)
	})
}

func TestBox(t *testing.T) {
	t.Parallel()
	key, err := tenant.BoxKey("ptk_mine", "sgn_1")
	require.NoError(t, err)
	sealed, err := tenant.SealBox(key, "sgn_1", "secret")
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "secret")

	opened, err := tenant.OpenBox("ptk_mine", "sgn_1", sealed)
	require.NoError(t, err)
	require.Equal(t, "secret", opened)

	_, err = tenant.OpenBox("ptk_other", "sgn_1", sealed)
	require.Error(t, err, "another token")
	_, err = tenant.OpenBox("ptk_mine", "sgn_2", sealed)
	require.Error(t, err, "another operation")
	sealed[len(sealed)-1] ^= 1
	_, err = tenant.OpenBox("ptk_mine", "sgn_1", sealed)
	require.Error(t, err, "changed")
	_, err = tenant.SealBox([]byte("short"), "sgn_1", "secret")
	require.Error(t, err)
}
