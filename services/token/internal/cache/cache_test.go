package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/cache"
)

// source counts how often it is asked, and fails when told to.
type source struct {
	asked atomic.Int64
	mu    sync.Mutex
	value string
	err   error
}

func (s *source) set(value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *source) load(_ context.Context, tenant tenancy.ID, id string) (string, error) {
	s.asked.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	return string(tenant) + "/" + id + "/" + s.value, nil
}

func newCache(maxEntries int) (*cache.Cache[string], *source, *clock.Fake) {
	s, c := &source{value: "1"}, clock.At("2026-03-01T12:00:00Z")
	return cache.New(cache.Config{TTL: time.Minute, Max: maxEntries, Now: c.Now}, s.load), s, c
}

func get(t *testing.T, c *cache.Cache[string], tenant tenancy.ID, id string) string {
	t.Helper()
	v, err := c.Get(t.Context(), tenant, id)
	require.NoError(t, err)
	return v
}

func TestCache(t *testing.T) {
	t.Parallel()

	t.Run("asks_once_while_fresh_and_again_after", func(t *testing.T) {
		t.Parallel()
		c, s, now := newCache(100)
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
		s.set("2", nil)
		now.Advance(59 * time.Second)
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
		require.Equal(t, "b/x/2", get(t, c, "b", "x"), "another tenant's thing of that name is another thing")
		now.Advance(time.Second)
		require.Equal(t, "a/x/2", get(t, c, "a", "x"))
		require.EqualValues(t, 3, s.asked.Load())
	})

	t.Run("forgets_what_it_is_told_has_changed", func(t *testing.T) {
		t.Parallel()
		c, s, _ := newCache(100)
		for _, k := range [][2]string{{"a", "x"}, {"a", "y"}, {"b", "x"}} {
			get(t, c, tenancy.ID(k[0]), k[1])
		}
		s.set("2", nil)
		c.Forget("a", "x")
		require.Equal(t, "a/x/2", get(t, c, "a", "x"))
		require.Equal(t, "a/y/1", get(t, c, "a", "y"))
		c.ForgetTenant("a")
		require.Equal(t, "a/y/2", get(t, c, "a", "y"))
		require.Equal(t, "b/x/1", get(t, c, "b", "x"))
		s.set("", fault.Unavailable("away"))
		c.Forget("a", "x")
		_, err := c.Get(t.Context(), "a", "x")
		require.True(t, fault.Is(err, fault.KindUnavailable), "what is known to have changed is not served from before")
	})

	t.Run("serves_what_it_knew_while_the_source_is_away", func(t *testing.T) {
		t.Parallel()
		c, s, now := newCache(100)
		get(t, c, "a", "x")
		s.set("", fault.Unavailable("away"))
		now.Advance(time.Hour)
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
		require.EqualValues(t, 2, s.asked.Load(), "a source that is away is left alone for a moment")
		c.Expire()
		require.Equal(t, "a/x/1", get(t, c, "a", "x"), "changes may have been missed, and this is the best there is")
		s.set("2", nil)
		c.Expire()
		require.Equal(t, "a/x/2", get(t, c, "a", "x"))
		_, err := c.Get(t.Context(), "a", "never seen")
		require.NoError(t, err)
	})

	t.Run("remembers_absence_shortly", func(t *testing.T) {
		t.Parallel()
		c, s, now := newCache(100)
		s.set("", fault.NotFound("none"))
		for range 3 {
			_, err := c.Get(t.Context(), "a", "x")
			require.True(t, fault.Is(err, fault.KindNotFound))
		}
		require.EqualValues(t, 1, s.asked.Load())
		s.set("1", nil)
		now.Advance(2 * time.Second)
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
	})

	t.Run("does_not_remember_failures", func(t *testing.T) {
		t.Parallel()
		c, s, _ := newCache(100)
		s.set("", errors.New("broken"))
		_, err := c.Get(t.Context(), "a", "x")
		require.Error(t, err)
		s.set("1", nil)
		require.Equal(t, "a/x/1", get(t, c, "a", "x"))
	})

	t.Run("is_bounded", func(t *testing.T) {
		t.Parallel()
		c, s, _ := newCache(160)
		for i := range 10_000 {
			get(t, c, "a", strconv.Itoa(i))
		}
		asked := s.asked.Load()
		for i := range 10_000 {
			get(t, c, "a", strconv.Itoa(i))
		}
		require.Greater(t, s.asked.Load()-asked, int64(9_000), "it cannot have kept them all")
	})
}

// An answer that was under way when its thing changed is from before the change, and is not kept.
func TestCache_change_while_asking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int64
		c := cache.New(cache.Config{TTL: time.Minute, Max: 100, Now: time.Now}, func(context.Context, tenancy.ID, string) (string, error) {
			if asked.Add(1) == 1 {
				<-release
				return "before", nil
			}
			return "after", nil
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { _, _ = c.Get(context.WithoutCancel(t.Context()), "a", "x") })
		}
		synctest.Wait()
		require.EqualValues(t, 1, asked.Load(), "callers that come together ask once")
		c.Forget("a", "x")
		close(release)
		wg.Wait()
		require.Equal(t, "after", get(t, c, "a", "x"))
	})
}

func BenchmarkCache_Get(b *testing.B) {
	c, _, _ := newCache(100_000)
	_, _ = c.Get(b.Context(), "a", "x")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = c.Get(b.Context(), "a", "x")
	}
}

// short is a value that is old after a minute.
type short struct{ ends time.Time }

func (s short) Ends() time.Time { return s.ends }

func TestCache_values_that_end_before_their_time(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	asked := 0
	c := cache.New(cache.Config{TTL: time.Hour, Max: 10, Now: now.Now}, func(context.Context, tenancy.ID, string) (short, error) {
		asked++
		return short{now.Now().Add(time.Minute)}, nil
	})
	for range 3 {
		_, err := c.Get(t.Context(), "tnt_a", "1")
		require.NoError(t, err)
	}
	require.Equal(t, 1, asked)
	now.Advance(time.Minute)
	_, err := c.Get(t.Context(), "tnt_a", "1")
	require.NoError(t, err)
	require.Equal(t, 2, asked)
}

func TestCache_Renew(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	value, away := 1, error(nil)
	c := cache.New(cache.Config{TTL: time.Hour, Max: 10, Now: now.Now}, func(context.Context, tenancy.ID, string) (int, error) { return value, away })
	get := func(ask func(context.Context, tenancy.ID, string) (int, error)) int {
		v, err := ask(t.Context(), "tnt_a", "1")
		require.NoError(t, err)
		return v
	}
	require.Equal(t, 1, get(c.Get))
	value = 2
	require.Equal(t, 1, get(c.Get), "fresh")
	require.Equal(t, 2, get(c.Renew))
	require.Equal(t, 2, get(c.Get), "and remembered")
	away = fault.Unavailable("away")
	require.Equal(t, 2, get(c.Renew), "from memory while the source is away")
	_, err := c.Renew(t.Context(), "tnt_b", "1")
	require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
}

func TestCache_who_asks_after_a_change_does_not_share_a_question_from_before_it(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	held, asked := make(chan struct{}), make(chan struct{}, 2)
	var value atomic.Int64
	c := cache.New(cache.Config{TTL: time.Hour, Max: 10, Now: now.Now}, func(context.Context, tenancy.ID, string) (int64, error) {
		seen := value.Load()
		asked <- struct{}{}
		if seen == 0 {
			<-held
		}
		return seen, nil
	})
	before := make(chan int64, 1)
	go func() {
		v, _ := c.Get(t.Context(), "tnt_a", "1")
		before <- v
	}()
	<-asked
	value.Store(1)
	c.Forget("tnt_a", "1")
	v, err := c.Get(t.Context(), "tnt_a", "1")
	require.NoError(t, err)
	require.Equal(t, int64(1), v)
	close(held)
	require.Equal(t, int64(0), <-before)
	v, err = c.Get(t.Context(), "tnt_a", "1")
	require.NoError(t, err)
	require.Equal(t, int64(1), v, "the late answer is not kept")
}

// A key that was revoked while the source hung must not come back from what somebody saw before.
func TestCache_what_is_forgotten_while_the_source_fails_stays_forgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held, first := make(chan struct{}), true
		c := cache.New(cache.Config{TTL: time.Minute, Max: 100, Now: time.Now}, func(_ context.Context, _ tenancy.ID, _ string) (string, error) {
			if first {
				first = false
				return "before", nil
			}
			<-held
			return "", fault.Unavailable("away")
		})
		require.Equal(t, "before", get(t, c, "tnt_a", "x"))
		ask := func() <-chan error {
			failed := make(chan error, 1)
			go func() {
				_, err := c.Get(t.Context(), "tnt_a", "x")
				failed <- err
			}()
			synctest.Wait()
			return failed
		}

		time.Sleep(time.Minute)
		answer := ask()
		c.Forget("tnt_a", "another")
		held <- struct{}{}
		require.NoError(t, <-answer, "what happens to others is nothing to this one")

		time.Sleep(time.Second)
		answer = ask()
		c.Forget("tnt_a", "x")
		held <- struct{}{}
		require.True(t, fault.Is(<-answer, fault.KindUnavailable))
		close(held)
		_, err := c.Get(t.Context(), "tnt_a", "x")
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	})
}
