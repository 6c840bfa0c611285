package quota_test

import (
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/quota"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
)

// world is a cell: processes that share a store.
type world struct {
	clock *clock.Fake
	store *storetest.Fake
}

func newWorld() *world {
	return &world{clock: clock.At("2026-03-01T12:30:00Z"), store: storetest.NewFake()}
}

func (w *world) process() *quota.Meter {
	return quota.New(quota.Deps{Store: w.store, Record: w.store, Log: slog.New(slog.DiscardHandler), Now: w.clock.Now})
}

func (w *world) spending(q token.Quota) token.Spending {
	return token.Spending{Tenant: tenancy.Tenant{ID: "tnt_acme", Name: "acme"}, Client: &token.Client{ID: "machine", Name: "Nightly Job"}, Quota: q, Now: w.clock.Now()}
}

// spend gives how many of n tokens were given.
func (w *world) spend(m *quota.Meter, q token.Quota, n int) (given int) {
	for range n {
		if _, ok := m.Spend(w.spending(q)); ok {
			given++
		}
	}
	return given
}

func TestMeter_of_several_processes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	q := token.Quota{PerHour: 10, Enforced: true}
	one, two := w.process(), w.process()
	require.Equal(t, 6, w.spend(one, q, 6))
	require.Equal(t, 3, w.spend(two, q, 3))
	one.Add(t.Context())
	two.Add(t.Context())
	require.Equal(t, 1, w.spend(two, q, 3), "the second knows what the first counted")
	two.Add(t.Context())
	require.Equal(t, 4, w.spend(one, q, 4), "who has not added up meanwhile may give too many")
	one.Add(t.Context())
	require.Zero(t, w.spend(one, q, 3), "and no more once it has")
	fresh := w.process()
	require.Equal(t, 1, w.spend(fresh, q, 1))
	fresh.Add(t.Context())
	require.Zero(t, w.spend(fresh, q, 1), "a restart forgets for a second")
	w.clock.Advance(30 * time.Minute)
	require.Equal(t, 10, w.spend(one, q, 20), "the next hour, by the clock of UTC, is another")
}

func TestMeter_buckets(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.process()
	q := token.Quota{PerHour: 2, PerDay: 3, Enforced: true}
	buckets, ok := m.Spend(w.spending(q))
	require.True(t, ok)
	hour, day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []token.QuotaBucket{
		{Name: "per_hour", Limit: 2, Left: 1, Began: hour, Ends: hour.Add(time.Hour), Reset: 30 * time.Minute},
		{Name: "per_day", Limit: 3, Left: 2, Began: day, Ends: day.Add(24 * time.Hour), Reset: 11*time.Hour + 30*time.Minute},
	}, buckets)
	require.Equal(t, 1, w.spend(m, q, 5))
	w.clock.Advance(30 * time.Minute)
	require.Equal(t, 1, w.spend(m, q, 5), "the day's is left")
	buckets, ok = m.Spend(w.spending(q))
	require.False(t, ok)
	require.Equal(t, []int64{1, 0}, []int64{buckets[0].Left, buckets[1].Left}, "nothing is counted of what is refused")
	m.Restore(w.spending(q))
	require.Equal(t, 1, w.spend(m, q, 5), "what was not given is taken back")
	q.Enforced = false
	require.Equal(t, 5, w.spend(m, q, 5), "what is not enforced refuses nothing")
	buckets, _ = m.Spend(w.spending(q))
	require.Zero(t, buckets[1].Left)
	buckets, ok = m.Spend(w.spending(token.Quota{Enforced: true}))
	require.True(t, ok)
	require.Empty(t, buckets, "no bucket, no quota")
	other := w.spending(token.Quota{PerHour: 1, Enforced: true})
	other.Tenant.ID = "tnt_bolt"
	_, ok = m.Spend(other)
	require.True(t, ok, "another tenant's client of the same id")
}

func TestMeter_what_comes_late_to_an_hour_takes_nothing_from_the_next(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.process()
	q := token.Quota{PerHour: 3, Enforced: true}
	late := w.spending(q)
	_, ok := m.Spend(late)
	require.True(t, ok)
	w.clock.Advance(30 * time.Minute)
	require.Equal(t, 2, w.spend(m, q, 2))
	m.Restore(late)
	buckets, ok := m.Spend(late)
	require.True(t, ok)
	require.EqualValues(t, 2, buckets[0].Left)
	require.Equal(t, 1, w.spend(m, q, 5), "the two of this hour stay counted")
	m.Add(t.Context())
	other := w.process()
	w.spend(other, q, 1)
	other.Add(t.Context())
	require.Zero(t, w.spend(other, q, 1), "and are added up")
}

func TestMeter_hostile_numbers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.process()
	for _, q := range []token.Quota{{PerHour: -1, PerDay: math.MinInt64, Enforced: true}, {Enforced: true}} {
		require.Equal(t, 3, w.spend(m, q, 3), "no bucket, no quota")
	}
	q := token.Quota{PerHour: math.MaxInt64, PerDay: math.MaxInt64 / 2, Enforced: true}
	require.Equal(t, 100, w.spend(m, q, 100))
	m.Add(t.Context())
	require.Empty(t, w.store.Facts(), "far from any threshold")
	q = token.Quota{PerHour: 1}
	require.Equal(t, 1, w.spend(m, q, 1), "a quota that became smaller than what was used")
	buckets, _ := m.Spend(w.spending(q))
	require.Zero(t, buckets[0].Left)
}

func TestMeter_at_once(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.process()
	var given atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if _, ok := m.Spend(w.spending(token.Quota{PerHour: 500, Enforced: true})); ok {
					given.Add(1)
				}
			}
		})
	}
	for range 20 {
		m.Add(t.Context())
	}
	wg.Wait()
	require.EqualValues(t, 500, given.Load())
	m.Add(t.Context())
	totals, err := w.store.CountTokens(t.Context(), "tnt_acme", []token.QuotaCount{{ClientID: "machine", Bucket: "per_hour", Began: w.clock.Now().Truncate(time.Hour)}})
	require.NoError(t, err)
	require.Equal(t, []int64{500}, totals)
}

func TestMeter_while_the_store_is_away(t *testing.T) {
	t.Parallel()
	w := newWorld()
	m := w.process()
	q := token.Quota{PerHour: 5, Enforced: true}
	require.Equal(t, 3, w.spend(m, q, 3))
	w.store.FailNext(fault.Unavailable("away"))
	m.Add(t.Context())
	require.Equal(t, 2, w.spend(m, q, 5), "it counts on")
	m.Add(t.Context())
	other := w.process()
	w.spend(other, q, 1)
	other.Add(t.Context())
	require.Zero(t, w.spend(other, q, 1), "and nothing was lost")
}

func TestMeter_warns_once_a_threshold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	q := token.Quota{PerDay: 10}
	one, two := w.process(), w.process()
	for range 6 {
		w.spend(one, q, 1)
		w.spend(two, q, 1)
		one.Add(t.Context())
		two.Add(t.Context())
	}
	told := w.store.Facts()
	require.Len(t, told, 3)
	require.Equal(t, "60% of client per_day quota consumed", told[0].Description)
	require.Equal(t, "100% of client per_day quota consumed", told[2].Description)
	require.Equal(t, "token_quota_consumption_warning", told[1].Type)
	require.Equal(t, map[string]any{
		"bucket": "per_day", "entity_type": "client", "entity_id": "machine", "quota": int64(10), "quota_consumption_percentage": int64(80), "quota_consumption": int64(8),
	}, told[1].Details)
}
