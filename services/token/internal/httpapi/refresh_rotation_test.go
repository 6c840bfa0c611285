package httpapi_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func TestRefresh_rotation(t *testing.T) {
	t.Parallel()
	rotating := token.RefreshPolicy{Rotating: true, Lifetime: 24 * time.Hour}
	t.Run("a_reused_token_ends_its_family_RFC9700_4_14_2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		other := b.offline()
		first := b.offline()
		second := renewed(t, b.refresh(first))
		third := renewed(t, b.refresh(second))
		requireOAuth(t, b.refresh(first), 403, "invalid_grant", unknownRefresh)
		fact := w.lastFact(w.store)
		require.Equal(t, []any{"ferrt", adaID, "web"}, []any{fact.Type, fact.UserID, fact.ClientID})
		require.Equal(t, map[string]any{"familyId": fact.Family, "tokenCounter": uint32(1), "latestCounter": uint32(3)}, fact.Details)
		requireOAuth(t, b.refresh(third), 403, "invalid_grant", unknownRefresh)
		require.Equal(t, "fertft", w.lastFact(w.store).Type)
		require.Equal(t, http.StatusOK, b.refresh(other).StatusCode, "another family goes on")
	})
	t.Run("within_the_leeway_the_previous_token_is_taken", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		policy := rotating
		policy.Leeway = 30 * time.Second
		b := w.withRefresh(policy)
		first := b.offline()
		second := renewed(t, b.refresh(first))
		w.clock.Advance(29 * time.Second)
		sibling := renewed(t, b.refresh(first))
		require.NotEqual(t, second, sibling)
		third := renewed(t, b.refresh(sibling))
		require.NotEmpty(t, renewed(t, b.refresh(second)), "its sibling is the previous one now")
		requireOAuth(t, b.refresh(first), 403, "invalid_grant", unknownRefresh)
		require.Equal(t, "ferrt", w.lastFact(w.store).Type, "two generations back is a reuse, leeway or not")
		requireOAuth(t, b.refresh(third), 403, "invalid_grant", unknownRefresh)
	})
	t.Run("after_the_leeway_it_is_a_reuse", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		policy := rotating
		policy.Leeway = 30 * time.Second
		b := w.withRefresh(policy)
		first := b.offline()
		second := renewed(t, b.refresh(first))
		w.clock.Advance(30 * time.Second)
		requireOAuth(t, b.refresh(first), 403, "invalid_grant", unknownRefresh)
		require.Equal(t, "ferrt", w.lastFact(w.store).Type)
		requireOAuth(t, b.refresh(second), 403, "invalid_grant", unknownRefresh)
	})
	t.Run("of_concurrent_exchanges_one_wins", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		won, first := race(t, b, b.offline())
		require.EqualValues(t, 1, won)
		requireOAuth(t, b.refresh(first), 403, "invalid_grant", unknownRefresh) // somebody else had the token, too
		require.Contains(t, w.facts(w.store), "ferrt")
		require.Empty(t, w.store.RefreshTokens())
	})
	t.Run("of_concurrent_exchanges_within_the_leeway_all_win", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		policy := rotating
		policy.Leeway = time.Minute
		b := w.withRefresh(policy)
		won, last := race(t, b, b.offline())
		require.EqualValues(t, 20, won)
		w.clock.Advance(time.Hour)
		require.Equal(t, http.StatusOK, b.refresh(last).StatusCode, "whichever of the answers a client kept")
	})
}

// race exchanges one token 20 times at once, and gives how many were answered, and what one of them got.
func race(t *testing.T, b *agent, raw string) (won int64, got string) {
	t.Helper()
	var wg sync.WaitGroup
	var n atomic.Int64
	var next atomic.Value
	for range 20 {
		each := b.w.browser()
		wg.Go(func() {
			res := each.refresh(raw)
			if res.StatusCode == http.StatusOK {
				n.Add(1)
				next.Store(res.json(t)["refresh_token"])
			}
		})
	}
	wg.Wait()
	got, _ = next.Load().(string)
	return n.Load(), got
}

func TestRefresh_migrates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	plain, sibling := b.offline(), b.offline()
	w.client("web", func(c *token.Client) { c.Refresh = token.RefreshPolicy{Rotating: true, Lifetime: time.Hour} })
	first := renewed(t, b.refresh(plain))
	require.Regexp(t, `^v1\.`, first, "rotation was switched on")
	requireOAuth(t, b.refresh(sibling), 403, "invalid_grant", unknownRefresh)

	w.client("web", func(c *token.Client) { c.Refresh = token.RefreshPolicy{} })
	back := renewed(t, b.refresh(first))
	require.NotContains(t, back, ".", "and off again")
	require.Empty(t, renewed(t, b.refresh(back)))
	requireOAuth(t, b.refresh(plain), 403, "invalid_grant", unknownRefresh)
	require.Equal(t, "ferrt", w.lastFact(w.store).Type)
	requireOAuth(t, b.refresh(back), 403, "invalid_grant", unknownRefresh)
}
