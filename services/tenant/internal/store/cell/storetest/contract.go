package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Run runs the contract against a store, which may hold other tenants.
func Run(t *testing.T, s tenant.SettingsStore) {
	t.Helper()
	named := func(name string) func(tenant.Settings) (tenant.Settings, error) {
		return func(old tenant.Settings) (tenant.Settings, error) {
			return old.Patch(map[string]any{"friendly_name": name})
		}
	}
	created := func(t *testing.T) tenancy.ID {
		t.Helper()
		id := tenancy.ID("tnt_" + ulid.Make().String())
		require.NoError(t, s.Create(t.Context(), id, tenant.Settings{}))
		return id
	}
	t.Run("create_again_changes_nothing", func(t *testing.T) {
		id := created(t)
		_, err := s.Update(t.Context(), id, named("Acme"))
		require.NoError(t, err)
		require.NoError(t, s.Create(t.Context(), id, tenant.Settings{}))
		found, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, tenant.Settings{"friendly_name": "Acme"}, found)
	})
	t.Run("stranger_sees_and_changes_nothing", func(t *testing.T) {
		id, stranger := created(t), tenancy.ID("tnt_"+ulid.Make().String())
		_, err := s.Find(t.Context(), stranger)
		require.True(t, fault.Is(err, fault.KindNotFound))
		_, err = s.Update(t.Context(), stranger, named("Evil"))
		require.True(t, fault.Is(err, fault.KindNotFound))
		require.NoError(t, s.Remove(t.Context(), stranger))
		found, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, found)
	})
	t.Run("failed_change_changes_nothing", func(t *testing.T) {
		id := created(t)
		_, err := s.Update(t.Context(), id, func(tenant.Settings) (tenant.Settings, error) {
			return nil, fault.Invalid("invalid_body", "No")
		})
		require.True(t, fault.Is(err, fault.KindInvalid))
		found, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		require.Empty(t, found)
	})
	t.Run("no_concurrent_change_is_lost", func(t *testing.T) {
		id := created(t)
		const callers = 8
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				_, errs[i] = s.Update(t.Context(), id, func(old tenant.Settings) (tenant.Settings, error) {
					return old.Patch(map[string]any{"flags": map[string]any{fmt.Sprintf("flag_%d", i): true}})
				})
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		found, err := s.Find(t.Context(), id)
		require.NoError(t, err)
		for i := range callers {
			require.True(t, found.AllFlags()[fmt.Sprintf("flag_%d", i)])
		}
	})
	t.Run("removed_is_not_found_and_a_repeat_is_fine", func(t *testing.T) {
		id := created(t)
		for range 2 {
			require.NoError(t, s.Remove(t.Context(), id))
		}
		_, err := s.Find(t.Context(), id)
		require.True(t, fault.Is(err, fault.KindNotFound))
	})
}
