package vaultkit_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
)

func TestBatcher_Sign(t *testing.T) {
	t.Parallel()
	testSign(t, open(t, vaulttest.New(t)))
}

// testSign is what the fake and a real Vault must agree on.
func testSign(t *testing.T, c *vaultkit.Client) {
	t.Helper()
	for _, alg := range []vaultkit.Alg{vaultkit.RS256, vaultkit.RS512, vaultkit.PS256, vaultkit.ES256} {
		t.Run("signatures_verify_under_exactly_the_version_asked_for_"+string(alg), func(t *testing.T) {
			t.Parallel()
			ref, keys := signingKey(t, c, "sign-"+string(alg), alg)
			b := vaultkit.NewBatcher(c, vaultkit.BatchConfig{})
			type signed struct {
				ref   vaultkit.KeyRef
				input string
				raw   []byte
				err   error
			}
			done := make(chan signed, 40)
			for i := range cap(done) {
				go func() {
					s := signed{ref: ref, input: fmt.Sprint("input ", i)}
					s.ref.Version = 1 + i%2
					s.raw, s.err = b.Sign(t.Context(), s.ref, []byte(s.input))
					done <- s
				}()
			}
			for range cap(done) {
				s := <-done
				require.NoError(t, s.err)
				assert.True(t, verifies(s.ref, keys, s.input, s.raw), s.input)
				other := s.ref
				other.Version = 3 - s.ref.Version
				assert.False(t, verifies(other, keys, s.input, s.raw), "no other version made it")
			}
			raw, err := c.SignUnbatched(t.Context(), ref, []byte("alone"))
			require.NoError(t, err)
			assert.True(t, verifies(ref, keys, "alone", raw))
		})
	}

	t.Run("a_version_that_is_not_there_is_refused", func(t *testing.T) {
		t.Parallel()
		ref, _ := signingKey(t, c, "few-versions", vaultkit.ES256)
		ref.Version = 7
		_, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(t.Context(), ref, []byte("x"))
		requireKind(t, fault.KindInternal, err)
		_, err = c.SignUnbatched(t.Context(), ref, []byte("x"))
		require.Error(t, err) // of no certain kind: outside of a batch Vault answers 500
	})

	t.Run("a_key_that_is_not_there_is_refused", func(t *testing.T) {
		t.Parallel()
		_, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(t.Context(), vaultkit.KeyRef{Key: "nowhere", Version: 1, Alg: vaultkit.RS256}, []byte("x"))
		requireKind(t, fault.KindInternal, err)
	})

	t.Run("a_key_of_another_algorithm_is_refused", func(t *testing.T) {
		t.Parallel()
		ref, _ := signingKey(t, c, "an-ec-key", vaultkit.ES256)
		ref.Alg = vaultkit.RS256
		_, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(t.Context(), ref, []byte("x"))
		requireKind(t, fault.KindInternal, err)
	})
}

func TestBatcher_refuses(t *testing.T) {
	t.Parallel()
	b := vaultkit.NewBatcher(open(t, vaulttest.New(t)), vaultkit.BatchConfig{})
	for name, ref := range map[string]vaultkit.KeyRef{
		"no_key":             {Version: 1, Alg: vaultkit.RS256},
		"the_latest_version": {Key: "k", Alg: vaultkit.RS256},
		"an_unknown_alg":     {Key: "k", Version: 1, Alg: "none"},
		"a_symmetric_alg":    {Key: "k", Version: 1, Alg: "HS256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Sign(t.Context(), ref, []byte("x"))
			requireKind(t, fault.KindInternal, err)
		})
	}
}

type result struct {
	raw []byte
	err error
}

// start signs in the background.
func start(ctx context.Context, b *vaultkit.Batcher, ref vaultkit.KeyRef, input string) <-chan result {
	done := make(chan result, 1)
	go func() {
		raw, err := b.Sign(ctx, ref, []byte(input))
		done <- result{raw, err}
	}()
	return done
}

// oneCall is a batcher that makes one call at a time, so that all who come during a held call wait together.
func oneCall(c *vaultkit.Client) *vaultkit.Batcher {
	return vaultkit.NewBatcher(c, vaultkit.BatchConfig{MaxInFlight: 1, MaxQueue: 64})
}

// waitFor polls until n requests wait in b.
func waitFor(t *testing.T, b *vaultkit.Batcher, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return b.Waiting() == n }, 10*time.Second, time.Millisecond)
}

func TestBatcher_gathers(t *testing.T) {
	t.Parallel()

	t.Run("who_comes_during_a_call_shares_the_next_one", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, keys := signingKey(t, c, "k", vaultkit.ES256)
		b := oneCall(c)
		arrived := s.Hold()
		calls := []<-chan result{start(t.Context(), b, ref, "first")}
		require.Equal(t, 1, <-arrived, "a lone request goes at once, and alone")
		inputs := []string{"first"}
		for i := range 10 {
			inputs = append(inputs, fmt.Sprint("later ", i))
			calls = append(calls, start(t.Context(), b, ref, inputs[i+1]))
		}
		waitFor(t, b, 10)
		s.Release()
		for i, call := range calls {
			r := <-call
			require.NoError(t, r.err)
			assert.True(t, verifies(ref, keys, inputs[i], r.raw), "each caller gets its own")
		}
		assert.Equal(t, []int{1, 10}, s.Batches())
	})

	t.Run("no_call_is_larger_than_allowed", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, _ := signingKey(t, c, "k", vaultkit.ES256)
		b := vaultkit.NewBatcher(c, vaultkit.BatchConfig{MaxInFlight: 1, MaxBatch: 4})
		arrived := s.Hold()
		calls := []<-chan result{start(t.Context(), b, ref, "first")}
		<-arrived
		for i := range 9 {
			calls = append(calls, start(t.Context(), b, ref, fmt.Sprint(i)))
		}
		waitFor(t, b, 9)
		s.Release()
		for _, call := range calls {
			require.NoError(t, (<-call).err)
		}
		assert.Equal(t, []int{1, 4, 4, 1}, s.Batches())
	})

	for alg, calls := range map[vaultkit.Alg]int{vaultkit.RS256: 4, vaultkit.ES256: 2} {
		t.Run(fmt.Sprintf("%d_calls_for_a_key_of_%s_are_under_way_at_most", calls, alg), func(t *testing.T) {
			t.Parallel()
			s := vaulttest.New(t)
			c := open(t, s)
			ref, _ := signingKey(t, c, "k", alg)
			b := vaultkit.NewBatcher(c, vaultkit.BatchConfig{})
			arrived := s.Hold()
			var under []<-chan result
			for i := range calls {
				under = append(under, start(t.Context(), b, ref, fmt.Sprint("under way ", i)))
				require.Equal(t, 1, <-arrived)
			}
			for i := range 3 {
				under = append(under, start(t.Context(), b, ref, fmt.Sprint("waits ", i)))
			}
			waitFor(t, b, 3)
			require.Never(t, func() bool { return b.Waiting() != 3 }, 20*time.Millisecond, time.Millisecond, "and go on waiting")
			s.Release()
			for _, call := range under {
				require.NoError(t, (<-call).err)
			}
		})
	}

	t.Run("keys_never_share_a_call", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		one, _ := signingKey(t, c, "one", vaultkit.ES256)
		two, _ := signingKey(t, c, "two", vaultkit.ES256)
		b := oneCall(c)
		arrived := s.Hold()
		first, second := start(t.Context(), b, one, "x"), start(t.Context(), b, two, "x")
		assert.Equal(t, []int{1, 1}, []int{<-arrived, <-arrived}, "both are under way at once")
		s.Release()
		require.NoError(t, (<-first).err)
		require.NoError(t, (<-second).err)
	})

	t.Run("more_than_may_wait_are_refused_at_once", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, _ := signingKey(t, c, "k", vaultkit.ES256)
		b := vaultkit.NewBatcher(c, vaultkit.BatchConfig{MaxInFlight: 1, MaxQueue: 2})
		arrived := s.Hold()
		calls := []<-chan result{start(t.Context(), b, ref, "under way")}
		<-arrived
		calls = append(calls, start(t.Context(), b, ref, "waits"), start(t.Context(), b, ref, "waits too"))
		waitFor(t, b, 2)
		_, err := b.Sign(t.Context(), ref, []byte("one too many"))
		requireAway(t, err)
		s.Release()
		for _, call := range calls {
			require.NoError(t, (<-call).err)
		}
		_, err = b.Sign(t.Context(), ref, []byte("room again"))
		require.NoError(t, err)
	})
}

func TestBatcher_failures(t *testing.T) {
	t.Parallel()

	t.Run("an_error_of_one_item_goes_to_its_caller_alone", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, keys := signingKey(t, c, "k", vaultkit.RS256)
		b := oneCall(c)
		digest := sha256.Sum256([]byte("bad"))
		s.Refuse(base64.StdEncoding.EncodeToString(digest[:]))
		arrived := s.Hold()
		first := start(t.Context(), b, ref, "first")
		<-arrived
		good, bad := start(t.Context(), b, ref, "good"), start(t.Context(), b, ref, "bad")
		waitFor(t, b, 2)
		s.Release()
		require.NoError(t, (<-first).err)
		requireKind(t, fault.KindInternal, (<-bad).err)
		r := <-good
		require.NoError(t, r.err)
		assert.True(t, verifies(ref, keys, "good", r.raw))
		assert.Equal(t, []int{1, 2}, s.Batches())
	})

	t.Run("a_signature_by_another_version_is_never_handed_out", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, _ := signingKey(t, c, "k", vaultkit.ES256)
		for _, claimed := range []int{2, 11} {
			s.ClaimVersion(claimed)
			raw, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(t.Context(), ref, []byte("x"))
			requireKind(t, fault.KindInternal, err)
			assert.Nil(t, raw)
			raw, err = c.SignUnbatched(t.Context(), ref, []byte("x"))
			requireKind(t, fault.KindInternal, err)
			assert.Nil(t, raw)
		}
	})

	t.Run("who_leaves_disturbs_nobody", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, keys := signingKey(t, c, "k", vaultkit.ES256)
		b := oneCall(c)
		arrived := s.Hold()
		ctx, leave := context.WithCancel(t.Context())
		underWay := start(ctx, b, ref, "under way")
		<-arrived
		waits, stays := start(ctx, b, ref, "waits"), start(t.Context(), b, ref, "stays")
		waitFor(t, b, 2)
		leave()
		require.ErrorIs(t, (<-underWay).err, context.Canceled)
		require.ErrorIs(t, (<-waits).err, context.Canceled)
		s.Release()
		r := <-stays
		require.NoError(t, r.err)
		assert.True(t, verifies(ref, keys, "stays", r.raw))
		assert.Equal(t, []int{1, 1}, s.Batches(), "nothing is signed for who left before the call")
	})

	t.Run("a_caller_out_of_time_is_told_to_come_back", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, _ := signingKey(t, c, "k", vaultkit.ES256)
		s.Hold()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := vaultkit.NewBatcher(c, vaultkit.BatchConfig{}).Sign(ctx, ref, []byte("x"))
		requireAway(t, err)
	})

	t.Run("away_is_unavailable_and_back_is_back", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		c := open(t, s)
		ref, keys := signingKey(t, c, "k", vaultkit.ES256)
		b := vaultkit.NewBatcher(c, vaultkit.BatchConfig{})
		s.SetAway(true)
		_, err := b.Sign(t.Context(), ref, []byte("x"))
		requireAway(t, err)
		s.SetAway(false)
		s.ForgetTokens() // a restart that lost them
		raw, err := b.Sign(t.Context(), ref, []byte("x"))
		require.NoError(t, err)
		assert.True(t, verifies(ref, keys, "x", raw))
	})

	t.Run("a_call_that_is_not_answered_in_time_sends_all_who_wait_away", func(t *testing.T) {
		t.Parallel()
		s := vaulttest.New(t)
		ref, _ := signingKey(t, open(t, s), "k", vaultkit.ES256)
		conf := s.Config()
		conf.Timeout = 200 * time.Millisecond
		c, err := vaultkit.Open(t.Context(), conf, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		b := oneCall(c)
		arrived := s.Hold()
		calls := []<-chan result{start(t.Context(), b, ref, "under way")}
		<-arrived
		for range 20 {
			calls = append(calls, start(t.Context(), b, ref, "waits"))
		}
		for _, call := range calls {
			requireAway(t, (<-call).err)
		}
		assert.Zero(t, b.Waiting())
	})
}
