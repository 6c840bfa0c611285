package vaultkit_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
)

const (
	acme    tenancy.ID = "tnt_acme"
	globex  tenancy.ID = "tnt_globex"
	purpose            = "client.secret"
)

// dataKeys keeps the contract of vaultkit.DataKeys in memory.
type dataKeys struct {
	mu    sync.Mutex
	kept  map[tenancy.ID]string
	finds int
}

func (d *dataKeys) FindDataKey(_ context.Context, tenant tenancy.ID) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finds++
	if wrapped, ok := d.kept[tenant]; ok {
		return wrapped, nil
	}
	return "", fault.NotFound("no data key")
}

func (d *dataKeys) SaveDataKey(_ context.Context, tenant tenancy.ID, wrapped string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if kept, ok := d.kept[tenant]; ok {
		return kept, nil
	}
	d.kept[tenant] = wrapped
	return wrapped, nil
}

func wrapName(tenant tenancy.ID) string { return "wrap-" + string(tenant) }

// newStore has wrapping keys made for both tenants.
func newStore(t *testing.T, c *vaultkit.Client) *dataKeys {
	t.Helper()
	for _, tenant := range []tenancy.ID{acme, globex} {
		require.NoError(t, c.CreateWrappingKey(t.Context(), wrapName(tenant)))
	}
	return &dataKeys{kept: map[tenancy.ID]string{}}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	testSealer(t, open(t, vaulttest.New(t)))
}

// testSealer is what the fake and a real Vault must agree on.
func testSealer(t *testing.T, c *vaultkit.Client) {
	t.Helper()
	store := newStore(t, c)
	s := vaultkit.NewSealer(c, wrapName, store)
	secret := []byte("a client's secret")
	sealed, err := s.Seal(t.Context(), acme, purpose, secret)
	require.NoError(t, err)

	t.Run("what_is_sealed_opens_again", func(t *testing.T) {
		t.Parallel()
		plain, err := s.Open(t.Context(), acme, purpose, sealed)
		require.NoError(t, err)
		assert.Equal(t, secret, plain)
		assert.False(t, bytes.Contains(sealed, secret))
	})

	t.Run("sealing_twice_gives_different_bytes", func(t *testing.T) {
		t.Parallel()
		again, err := s.Seal(t.Context(), acme, purpose, secret)
		require.NoError(t, err)
		assert.NotEqual(t, sealed, again)
	})

	t.Run("another_process_opens_it_by_the_kept_key", func(t *testing.T) {
		t.Parallel()
		plain, err := vaultkit.NewSealer(c, wrapName, store).Open(t.Context(), acme, purpose, sealed)
		require.NoError(t, err)
		assert.Equal(t, secret, plain)
	})

	t.Run("nothing_at_all_can_be_sealed", func(t *testing.T) {
		t.Parallel()
		empty, err := s.Seal(t.Context(), acme, purpose, nil)
		require.NoError(t, err)
		plain, err := s.Open(t.Context(), acme, purpose, empty)
		require.NoError(t, err)
		assert.Empty(t, plain)
	})

	t.Run("a_row_moved_to_another_tenant_does_not_open", func(t *testing.T) {
		t.Parallel()
		_, err := s.Open(t.Context(), globex, purpose, sealed)
		require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
	})

	t.Run("a_row_moved_to_another_tenant_does_not_open_even_under_the_same_data_key", func(t *testing.T) {
		t.Parallel()
		one := func(tenancy.ID) string { return wrapName(acme) }
		same := &dataKeys{kept: map[tenancy.ID]string{acme: store.kept[acme], "tnt_other": store.kept[acme]}}
		_, err := vaultkit.NewSealer(c, one, same).Open(t.Context(), "tnt_other", purpose, sealed)
		require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
	})

	t.Run("a_value_moved_to_another_column_does_not_open", func(t *testing.T) {
		t.Parallel()
		_, err := s.Open(t.Context(), acme, "connection.secret", sealed)
		require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
	})

	t.Run("a_boundary_moved_between_tenant_and_purpose_does_not_open", func(t *testing.T) {
		t.Parallel()
		one := func(tenancy.ID) string { return wrapName(acme) }
		shifted := tenancy.ID(string(acme) + purpose[:1])
		same := &dataKeys{kept: map[tenancy.ID]string{shifted: store.kept[acme]}}
		_, err := vaultkit.NewSealer(c, one, same).Open(t.Context(), shifted, purpose[1:], sealed)
		require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
	})

	t.Run("changed_cut_and_foreign_bytes_do_not_open", func(t *testing.T) {
		t.Parallel()
		for i := range sealed {
			spoilt := bytes.Clone(sealed)
			spoilt[i] ^= 1
			_, err := s.Open(t.Context(), acme, purpose, spoilt)
			require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
			_, err = s.Open(t.Context(), acme, purpose, sealed[:i])
			require.ErrorIs(t, err, vaultkit.ErrNotSealedHere)
		}
	})

	t.Run("nobody's_secrets_are_not_sealed", func(t *testing.T) {
		t.Parallel()
		_, err := s.Seal(t.Context(), "", purpose, secret)
		requireKind(t, fault.KindInternal, err)
	})
}

func TestSealer_keys(t *testing.T) {
	t.Parallel()

	t.Run("first_seals_at_once_agree_on_one_key", func(t *testing.T) {
		t.Parallel()
		c := open(t, vaulttest.New(t))
		store := newStore(t, c)
		sealed := make(chan []byte, 8)
		for range cap(sealed) {
			go func() { // each a process of its own
				b, err := vaultkit.NewSealer(c, wrapName, store).Seal(t.Context(), acme, purpose, []byte("x"))
				assert.NoError(t, err)
				sealed <- b
			}()
		}
		reader := vaultkit.NewSealer(c, wrapName, store)
		for range cap(sealed) {
			_, err := reader.Open(t.Context(), acme, purpose, <-sealed)
			require.NoError(t, err)
		}
	})

	t.Run("callers_at_once_share_one_unwrapping", func(t *testing.T) {
		t.Parallel()
		c := open(t, vaulttest.New(t))
		store := newStore(t, c)
		s := vaultkit.NewSealer(c, wrapName, store)
		done := make(chan error, 32)
		for range cap(done) {
			go func() {
				_, err := s.Seal(t.Context(), acme, purpose, []byte("x"))
				done <- err
			}()
		}
		for range cap(done) {
			require.NoError(t, <-done)
		}
		assert.Less(t, store.finds, cap(done))
		finds := store.finds
		_, err := s.Seal(t.Context(), acme, purpose, []byte("x"))
		require.NoError(t, err)
		assert.Equal(t, finds, store.finds, "the key is in memory now")
	})

	t.Run("vault_away_opens_what_is_in_memory_and_refuses_the_rest", func(t *testing.T) {
		t.Parallel()
		v := vaulttest.New(t)
		c := open(t, v)
		s := vaultkit.NewSealer(c, wrapName, newStore(t, c))
		sealed, err := s.Seal(t.Context(), acme, purpose, []byte("x"))
		require.NoError(t, err)
		v.SetAway(true)
		_, err = s.Open(t.Context(), acme, purpose, sealed)
		require.NoError(t, err)
		_, err = s.Seal(t.Context(), globex, purpose, []byte("x"))
		requireAway(t, err)
		s.Forget(acme)
		_, err = s.Open(t.Context(), acme, purpose, sealed)
		requireAway(t, err)
		v.SetAway(false)
		_, err = s.Open(t.Context(), acme, purpose, sealed)
		require.NoError(t, err)
	})

	t.Run("a_deleted_wrapping_key_takes_the_secrets_with_it", func(t *testing.T) {
		t.Parallel()
		c := open(t, vaulttest.New(t))
		s := vaultkit.NewSealer(c, wrapName, newStore(t, c))
		sealed, err := s.Seal(t.Context(), acme, purpose, []byte("x"))
		require.NoError(t, err)
		require.NoError(t, c.DeleteKey(t.Context(), wrapName(acme)))
		s.Forget(acme)
		_, err = s.Open(t.Context(), acme, purpose, sealed)
		requireKind(t, fault.KindInternal, err)
	})
}
