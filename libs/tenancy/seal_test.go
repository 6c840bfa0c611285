package tenancy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/tenancy"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	seal, err := tenancy.NewSeal([]byte(strings.Repeat("k", 32)), now.Now)
	require.NoError(t, err)
	want := tenancy.Tenant{ID: "tnt_1", Name: "acme", Host: "acme.eu.example.test", Canonical: "acme.eu.example.test"}
	header, err := seal.Header(want)
	require.NoError(t, err)

	t.Run("opens_what_it_sealed", func(t *testing.T) {
		t.Parallel()
		got, ok := seal.Open(header)
		require.True(t, ok)
		require.Equal(t, want, got)
	})
	t.Run("refuses_every_single_changed_byte", func(t *testing.T) {
		t.Parallel()
		for i := range len(header) {
			forged := []byte(header)
			forged[i] ^= 1
			_, ok := seal.Open(string(forged))
			require.False(t, ok, "byte %d", i)
		}
	})
	t.Run("refuses_what_is_no_header", func(t *testing.T) {
		t.Parallel()
		for _, bad := range []string{"", ".", "..", "1.2.3", header + ".", "." + header, header[:len(header)-1], strings.Repeat("a", 1<<16)} {
			_, ok := seal.Open(bad)
			require.False(t, ok, "%.40q", bad)
		}
	})
	t.Run("refuses_another_cells_key_and_short_keys", func(t *testing.T) {
		t.Parallel()
		other, err := tenancy.NewSeal([]byte(strings.Repeat("x", 32)), now.Now)
		require.NoError(t, err)
		_, ok := other.Open(header)
		require.False(t, ok)
		_, err = tenancy.NewSeal([]byte("short"), now.Now)
		require.Error(t, err)
	})
	t.Run("refuses_a_tenant_without_an_id", func(t *testing.T) {
		t.Parallel()
		nobody, err := seal.Header(tenancy.Tenant{Host: "acme.eu.example.test"})
		require.NoError(t, err)
		_, ok := seal.Open(nobody)
		require.False(t, ok)
	})
}
