package jwtkit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

func newKeys() (*jwtkit.CachedKeys, *origin, *clock.Fake) {
	now, o := clock.At(today), newOrigin()
	return jwtkit.NewCachedKeys(o.fetch, now.Now), o, now
}

func TestCachedKeys(t *testing.T) {
	t.Parallel()

	t.Run("fresh_keys_are_not_asked_for_again", func(t *testing.T) {
		t.Parallel()
		c, o, now := newKeys()
		for range 10 {
			keys, err := c.Keys(t.Context(), acme.ID)
			require.NoError(t, err)
			assert.Len(t, keys.Keys, 2)
		}
		assert.Equal(t, 1, o.questions())
		now.Advance(time.Minute)
		_, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		assert.Equal(t, 2, o.questions())
	})

	t.Run("tenants_never_share_keys", func(t *testing.T) {
		t.Parallel()
		c, _, _ := newKeys()
		ours, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		theirs, err := c.Keys(t.Context(), globex.ID)
		require.NoError(t, err)
		assert.NotEqual(t, ours, theirs)
		assert.Equal(t, "globex-1", theirs.Keys[0].KeyID)
	})

	t.Run("stale_keys_serve_while_the_source_is_away", func(t *testing.T) {
		t.Parallel()
		c, o, now := newKeys()
		before, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		o.fail(fault.Unavailable("away"))
		now.Advance(24 * time.Hour)
		for range 10 {
			keys, err := c.Keys(t.Context(), acme.ID)
			require.NoError(t, err)
			assert.Equal(t, before, keys)
		}
		assert.Equal(t, 2, o.questions(), "an absent source is not asked by every request")
		o.fail(nil)
		o.set(acme.ID, pairs()["acme-2"].jwk())
		now.Advance(2 * time.Second)
		keys, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		assert.Equal(t, "acme-2", keys.Keys[0].KeyID, "and it is found again when it is back")
	})

	t.Run("a_source_that_is_away_is_an_error_for_keys_never_seen", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		o.fail(fault.Unavailable("away"))
		_, err := c.Keys(t.Context(), acme.ID)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
		o.fail(nil)
		_, err = c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
	})

	t.Run("keys_of_a_deleted_tenant_do_not_live_on", func(t *testing.T) {
		t.Parallel()
		c, o, now := newKeys()
		_, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		o.set(acme.ID)
		o.fail(fault.NotFound("gone"))
		now.Advance(time.Hour)
		_, err = c.Keys(t.Context(), acme.ID)
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		o.fail(fault.Unavailable("away"))
		now.Advance(time.Hour)
		_, err = c.Keys(t.Context(), acme.ID)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	})

	t.Run("forgotten_keys_are_asked_for_again", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		_, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		o.set(acme.ID, pairs()["acme-2"].jwk())
		c.Forget(acme.ID)
		keys, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		assert.Len(t, keys.Keys, 1)
	})

	t.Run("an_answer_from_before_forgetting_is_not_kept", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		o.held = make(chan struct{})
		done := make(chan error, 1)
		go func() {
			_, err := c.Keys(t.Context(), acme.ID)
			done <- err
		}()
		require.Eventually(t, func() bool { return o.questions() == 1 }, 10*time.Second, time.Millisecond)
		c.Forget(acme.ID)
		close(o.held)
		require.NoError(t, <-done)
		o.set(acme.ID, pairs()["acme-2"].jwk())
		keys, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		assert.Equal(t, "acme-2", keys.Keys[0].KeyID)
	})

	t.Run("callers_at_once_share_one_question_and_one_who_leaves_disturbs_nobody", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		o.held = make(chan struct{})
		ctx, leave := context.WithCancel(t.Context())
		first := make(chan error, 1)
		go func() {
			_, err := c.Keys(ctx, acme.ID)
			first <- err
		}()
		require.Eventually(t, func() bool { return o.questions() == 1 }, 10*time.Second, time.Millisecond)
		others := make(chan error, 10)
		for range cap(others) {
			go func() {
				_, err := c.Keys(t.Context(), acme.ID)
				others <- err
			}()
		}
		leave()
		require.ErrorIs(t, <-first, context.Canceled)
		close(o.held)
		for range cap(others) {
			require.NoError(t, <-others)
		}
		assert.Equal(t, 1, o.questions())
	})
}

func TestCachedKeys_Missed(t *testing.T) {
	t.Parallel()

	t.Run("all_keys_are_asked_for_anew", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		for _, tenant := range []tenancy.ID{acme.ID, globex.ID} {
			_, err := c.Keys(t.Context(), tenant)
			require.NoError(t, err)
			o.set(tenant, pairs()["acme-2"].jwk())
		}
		c.Missed()
		for _, tenant := range []tenancy.ID{acme.ID, globex.ID} {
			keys, err := c.Keys(t.Context(), tenant)
			require.NoError(t, err)
			assert.Equal(t, "acme-2", keys.Keys[0].KeyID)
		}
		assert.Equal(t, 4, o.questions())
	})

	t.Run("what_was_known_serves_while_the_source_is_away", func(t *testing.T) {
		t.Parallel()
		c, o, _ := newKeys()
		before, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		o.fail(fault.Unavailable("away"))
		c.Missed()
		after, err := c.Keys(t.Context(), acme.ID)
		require.NoError(t, err)
		assert.Equal(t, before, after)
	})

	t.Run("who_asks_after_a_change_does_not_share_a_question_from_before_it", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*jwtkit.CachedKeys){
			"forgotten": func(c *jwtkit.CachedKeys) { c.Forget(acme.ID) },
			"missed":    func(c *jwtkit.CachedKeys) { c.Missed() },
		} {
			c, o, _ := newKeys()
			held := make(chan struct{})
			o.held = held
			before := make(chan error, 1)
			go func() {
				_, err := c.Keys(t.Context(), acme.ID)
				before <- err
			}()
			require.Eventually(t, func() bool { return o.questions() == 1 }, 10*time.Second, time.Millisecond)
			o.set(acme.ID, pairs()["acme-2"].jwk())
			change(c)
			o.release()
			keys, err := c.Keys(t.Context(), acme.ID)
			require.NoError(t, err)
			assert.Equal(t, "acme-2", keys.Keys[0].KeyID, name)
			close(held)
			require.NoError(t, <-before)
			keys, err = c.Keys(t.Context(), acme.ID)
			require.NoError(t, err)
			assert.Equal(t, "acme-2", keys.Keys[0].KeyID, "%s: the late answer is not kept", name)
		}
	})
}
