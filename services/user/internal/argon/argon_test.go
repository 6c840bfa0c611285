package argon_test

import (
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/argon"
	"github.com/postern-id/postern/services/user/internal/user"
)

var cheap = argon.Params{MemoryKiB: 64, Passes: 1, Lanes: 1}

func newHasher(t *testing.T, p argon.Params, atOnce int) *argon.Hasher {
	t.Helper()
	h, err := argon.New(t.Context(), p, atOnce)
	require.NoError(t, err)
	return h
}

func TestHasher(t *testing.T) {
	t.Parallel()
	h := newHasher(t, cheap, 1)
	c, err := h.Hash(t.Context(), "tnt_1", "correct horse")
	require.NoError(t, err)
	t.Run("a_hash_is_a_phc_string_with_a_salt_of_its_own", func(t *testing.T) {
		t.Parallel()
		assert.True(t, strings.HasPrefix(c.Hash, "$argon2id$v=19$m=64,t=1,p=1$"), c.Hash)
		again, err := h.Hash(t.Context(), "tnt_1", "correct horse")
		require.NoError(t, err)
		assert.NotEqual(t, c, again)
	})
	t.Run("only_the_password_matches", func(t *testing.T) {
		t.Parallel()
		for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false, "correct horse ": false} {
			ok, outdated, err := h.Verify(t.Context(), "tnt_1", c, password)
			require.NoError(t, err)
			assert.Equal(t, want, ok, password)
			assert.False(t, outdated)
		}
	})
	t.Run("a_hash_of_other_parameters_matches_and_is_outdated", func(t *testing.T) {
		t.Parallel()
		ok, outdated, err := newHasher(t, argon.Params{MemoryKiB: 128, Passes: 2, Lanes: 1}, 1).Verify(t.Context(), "tnt_1", c, "correct horse")
		require.NoError(t, err)
		assert.True(t, ok)
		assert.True(t, outdated)
	})
	t.Run("what_is_no_hash_never_matches", func(t *testing.T) {
		t.Parallel()
		for _, hash := range []string{
			"", "plain", "$argon2id$", strings.Replace(c.Hash, "argon2id", "argon2i", 1), strings.Replace(c.Hash, "m=64", "m=99999999", 1),
			strings.Replace(c.Hash, "t=1", "t=0", 1), c.Hash[:len(c.Hash)-43], "$2b$10$abcdefghijklmnopqrstuv",
		} {
			ok, _, err := h.Verify(t.Context(), "tnt_1", user.Credential{Hash: hash}, "")
			require.NoError(t, err)
			assert.False(t, ok, hash)
		}
	})
}

func TestHasher_who_waits_for_a_core_ends_with_its_context_or_is_told_to_come_back(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(t, cheap, 1)
		release := h.Occupy()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := h.Hash(ctx, "tnt_1", "x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, _, err = h.Verify(t.Context(), "tnt_1", user.Credential{}, "x")
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
		release()
		_, err = h.Hash(t.Context(), "tnt_1", "x")
		require.NoError(t, err)
	})
}

func TestTurns(t *testing.T) {
	t.Parallel()
	t.Run("a_flood_at_one_tenant_is_that_tenants_alone", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q := argon.NewTurns(1)
			require.NoError(t, q.Take(t.Context(), "flooded"))
			var mu sync.Mutex
			var served []tenancy.ID
			wait := func(tenant tenancy.ID) {
				go func() {
					assert.NoError(t, q.Take(t.Context(), tenant))
					mu.Lock()
					served = append(served, tenant)
					mu.Unlock()
					q.Give()
				}()
				synctest.Wait() // in order
			}
			for range 100 {
				wait("flooded")
			}
			wait("quiet")
			wait("calm")
			wait("quiet")
			q.Give()
			synctest.Wait()
			require.Len(t, served, 103)
			require.Equal(t, []tenancy.ID{"flooded", "quiet", "calm", "flooded", "quiet", "flooded"}, served[:6])
			require.True(t, q.Idle(1))
		})
	})
	t.Run("who_gives_up_leaves_no_trace_and_no_slot_is_lost", func(t *testing.T) {
		t.Parallel()
		q := argon.NewTurns(2)
		var wg sync.WaitGroup
		for n := range 400 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%7)*100*time.Microsecond)
				defer cancel()
				if q.Take(ctx, tenancy.ID(strconv.Itoa(n%5))) == nil {
					runtime.Gosched()
					q.Give()
				}
			})
		}
		wg.Wait()
		require.True(t, q.Idle(2))
	})
}

func TestNew_refuses_parameters_that_cannot_work(t *testing.T) {
	t.Parallel()
	for _, p := range []argon.Params{{MemoryKiB: 4}, {MemoryKiB: 64, Lanes: 200}, {MemoryKiB: 2 << 20}, {Passes: 1000}} {
		_, err := argon.New(t.Context(), p, 1)
		require.Error(t, err, "%+v", p)
	}
}

func BenchmarkHasher_Verify(b *testing.B) {
	h, err := argon.New(b.Context(), argon.Params{}, 0)
	require.NoError(b, err)
	c, err := h.Hash(b.Context(), "tnt_1", "correct horse")
	require.NoError(b, err)
	for b.Loop() {
		_, _, _ = h.Verify(b.Context(), "tnt_1", c, "wrong")
	}
}
