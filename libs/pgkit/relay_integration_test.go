//go:build integration

package pgkit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

// sink is a publisher that keeps the contract (an event ID is stored once) and can be away.
type sink struct {
	mu     sync.Mutex
	calls  []string // event IDs in the order in which they came, repeats too
	stored []string // event IDs without repeats
	refuse func(eventID string) error
	after  func(eventID string) // called once the event is stored
}

func (s *sink) publish(_ context.Context, _, eventID string, _ []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(eventID); err != nil {
			return err
		}
	}
	s.calls = append(s.calls, eventID)
	if !slices.Contains(s.stored, eventID) {
		s.stored = append(s.stored, eventID)
	}
	if s.after != nil {
		s.after(eventID)
	}
	return nil
}

func (s *sink) set(refuse func(string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *sink) got() (stored, calls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.stored), slices.Clone(s.calls)
}

func eventID(tenant tenancy.ID, n int) string { return fmt.Sprintf("evt_%s_%04d", tenant, n) }

func tell(t *testing.T, pool *pgxpool.Pool, tenant tenancy.ID, from, to int) {
	t.Helper()
	require.NoError(t, pgkit.InTenant(t.Context(), pool, tenant, func(tx pgx.Tx) error {
		for n := from; n < to; n++ {
			if err := pgkit.AppendOutbox(t.Context(), tx, tenant, "postern.kit.thing.told", eventID(tenant, n), []byte("{}")); err != nil {
				return err
			}
		}
		return nil
	}))
}

func start(t *testing.T, r *pgkit.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return stop
}

func waiting(t *testing.T, admin *pgx.Conn) (n int) {
	t.Helper()
	require.NoError(t, admin.QueryRow(context.Background(), "select count(*) from outbox").Scan(&n))
	return n
}

func empty(t *testing.T, admin *pgx.Conn) {
	t.Helper()
	testkit.Eventually(t, 20*time.Second, func() error {
		if n := waiting(t, admin); n > 0 {
			return fmt.Errorf("%d facts wait", n)
		}
		return nil
	})
}

func requireOrder(t *testing.T, stored []string, tenant tenancy.ID, n int) {
	t.Helper()
	var of []string
	for _, id := range stored {
		if len(id) > 30 && id[4:34] == string(tenant) {
			of = append(of, id)
		}
	}
	require.Len(t, of, n)
	require.True(t, slices.IsSorted(of), "%v", of)
}

func TestRelay_publishes_everything_in_order_and_deletes_it(t *testing.T) {
	t.Parallel()
	d, tenants, s := database(t), testkit.Tenants(3), &sink{}
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet})
	for n := range 40 {
		for _, tenant := range tenants {
			tell(t, d.Pool, tenant, n*20, n*20+20)
		}
	}
	empty(t, d.Admin(t))
	stored, calls := s.got()
	require.Len(t, calls, len(stored), "nothing twice")
	for _, tenant := range tenants {
		requireOrder(t, stored, tenant, 800)
	}
}

func TestRelay_rolled_back_facts_are_not_published(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	r := &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet}
	start(t, r)
	require.Error(t, pgkit.InTenant(t.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
		require.NoError(t, pgkit.AppendOutbox(t.Context(), tx, tenant, "postern.kit.thing.told", "evt_never", []byte("{}")))
		return errors.New("boom")
	}))
	tell(t, d.Pool, tenant, 0, 1)
	empty(t, d.Admin(t))
	stored, _ := s.got()
	require.Equal(t, []string{eventID(tenant, 0)}, stored)
}

func TestRelay_a_kick_wakes_it(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	r := &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet}
	start(t, r)
	admin := d.Admin(t)
	tell(t, d.Pool, tenant, 0, 1)
	empty(t, admin) // it is at work now
	began := time.Now()
	const rounds = 20
	for n := range rounds {
		tell(t, d.Pool, tenant, n+1, n+2)
		r.Kick()
		empty(t, admin)
	}
	require.Less(t, time.Since(began), rounds*100*time.Millisecond, "sooner than by asking every 200 ms")
}

func TestRelay_a_crash_between_publishing_and_deleting_repeats_the_same_event(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	killer, admin := d.Admin(t), d.Admin(t)
	var once sync.Once
	s.after = func(string) {
		once.Do(func() { // the relay's session dies with its facts published and not deleted
			tag, err := killer.Exec(context.Background(), `select pg_terminate_backend(l.pid) from pg_locks l join pg_database b on b.oid = l.database
				where l.locktype = 'advisory' and l.granted and b.datname = current_database()`)
			if err != nil || tag.RowsAffected() != 1 {
				t.Errorf("killing the relay's session: %v, %d killed", err, tag.RowsAffected())
			}
		})
	}
	tell(t, d.Pool, tenant, 0, 3)
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet})
	empty(t, admin)
	stored, calls := s.got()
	requireOrder(t, stored, tenant, 3)
	require.Len(t, calls, 6, "all three came twice")
}

func TestRelay_waits_for_a_publisher_that_is_away(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	admin := d.Admin(t)
	failures := 0
	s.set(func(string) error { failures++; return errors.New("away") })
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet})
	tell(t, d.Pool, tenant, 0, 50)
	testkit.Eventually(t, 10*time.Second, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if failures < 2 {
			return errors.New("not tried twice yet")
		}
		return nil
	})
	require.Equal(t, 50, waiting(t, admin), "nothing is lost")
	s.set(nil)
	empty(t, admin)
	stored, _ := s.got()
	requireOrder(t, stored, tenant, 50)
}

func TestRelay_one_tenants_stuck_event_holds_back_only_its_own(t *testing.T) {
	t.Parallel()
	d, tenants, s := database(t), testkit.Tenants(2), &sink{}
	stuck, free := tenants[0], tenants[1]
	s.set(func(id string) error {
		if id == eventID(stuck, 1) {
			return errors.New("refused")
		}
		return nil
	})
	tell(t, d.Pool, stuck, 0, 5)
	tell(t, d.Pool, free, 0, 5)
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet})
	admin := d.Admin(t)
	testkit.Eventually(t, 10*time.Second, func() error {
		if n := waiting(t, admin); n != 4 {
			return fmt.Errorf("%d facts wait, want the stuck tenant's last four", n)
		}
		return nil
	})
	stored, _ := s.got()
	requireOrder(t, stored, free, 5)
	requireOrder(t, stored, stuck, 1)
	s.set(nil)
	empty(t, admin)
	stored, _ = s.got()
	requireOrder(t, stored, stuck, 5)
}

func TestRelay_two_at_once_publish_once_and_one_takes_over(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	admin := d.Admin(t)
	first := &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet}
	second := &pgkit.Relay{Pool: d.Pool, Schema: "kit", Publish: s.publish, Log: quiet}
	stopFirst := start(t, first)
	tell(t, d.Pool, tenant, 0, 1)
	empty(t, admin)
	start(t, second)
	for n := range 50 {
		tell(t, d.Pool, tenant, 1+n*10, 11+n*10)
		first.Kick()
		second.Kick()
	}
	empty(t, admin)
	stored, calls := s.got()
	requireOrder(t, stored, tenant, 501)
	require.Len(t, calls, 501, "nothing twice")

	stopFirst()
	tell(t, d.Pool, tenant, 501, 510)
	empty(t, admin)
	stored, _ = s.got()
	requireOrder(t, stored, tenant, 510)
}

func TestRelay_survives_the_absence_of_postgres(t *testing.T) {
	t.Parallel()
	d, tenant, s := database(t), testkit.Tenants(1)[0], &sink{}
	admin := d.Admin(t)
	proxy := testkit.NewProxy(t, d.Config.Addr)
	conf := d.Config
	conf.Addr = proxy.Addr
	pool, err := pgkit.Open(t.Context(), conf, quiet)
	require.NoError(t, err)
	defer pool.Close()
	stop := start(t, &pgkit.Relay{Pool: pool, Schema: "kit", Publish: s.publish, Log: quiet})
	tell(t, d.Pool, tenant, 0, 10)
	empty(t, admin)
	proxy.Down()
	tell(t, d.Pool, tenant, 10, 20)
	proxy.Up()
	empty(t, admin)
	stored, _ := s.got()
	requireOrder(t, stored, tenant, 20)
	stop()
}

func TestRelay_into_jetstream(t *testing.T) {
	t.Parallel()
	d, tenants, stream := database(t), testkit.Tenants(2), testkit.NATS(t)
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", PublishAll: stream.PublishAll, Log: quiet})
	for n := range 10 {
		for _, tenant := range tenants {
			tell(t, d.Pool, tenant, n*50, n*50+50)
		}
	}
	empty(t, d.Admin(t))
	var stored []string
	for _, m := range stream.All(t) {
		require.Equal(t, "postern.kit.thing.told", m.Subject)
		stored = append(stored, m.EventID)
	}
	for _, tenant := range tenants {
		requireOrder(t, stored, tenant, 500)
	}
}

func TestRelay_a_fact_is_published_in_the_trace_of_its_change(t *testing.T) {
	before := otel.GetTracerProvider()
	traces := sdktrace.NewTracerProvider()
	otel.SetTracerProvider(traces)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	ctx, span := traces.Tracer("test").Start(t.Context(), "change")
	defer span.End()
	d, tenant := database(t), testkit.Tenants(1)[0]
	tell(t, d.Pool, tenant, 0, 1) // nobody traces this one
	require.NoError(t, pgkit.InTenant(ctx, d.Pool, tenant, func(tx pgx.Tx) error {
		return pgkit.AppendOutbox(ctx, tx, tenant, "postern.kit.thing.told", eventID(tenant, 1), []byte("{}"))
	}))

	want := map[string]string{eventID(tenant, 0): "", eventID(tenant, 1): telemetry.Traceparent(ctx)}
	require.NotEmpty(t, want[eventID(tenant, 1)])
	got := make(chan map[string]string, 1)
	start(t, &pgkit.Relay{Pool: d.Pool, Schema: "kit", Log: quiet, PublishAll: func(_ context.Context, n int, at func(int) (string, string, string, []byte)) []error {
		if n == len(want) {
			all := map[string]string{}
			for i := range n {
				_, id, traceparent, _ := at(i)
				all[id] = traceparent
			}
			got <- all
			return make([]error, n)
		}
		return slices.Repeat([]error{errors.New("not all there")}, n)
	}})
	require.Equal(t, want, <-got)
	empty(t, d.Admin(t))

	one := make(chan trace.SpanContext, 1)
	d2 := database(t)
	require.NoError(t, pgkit.InTenant(ctx, d2.Pool, tenant, func(tx pgx.Tx) error {
		return pgkit.AppendOutbox(ctx, tx, tenant, "postern.kit.thing.told", eventID(tenant, 1), []byte("{}"))
	}))
	start(t, &pgkit.Relay{Pool: d2.Pool, Schema: "kit", Log: quiet, Publish: func(ctx context.Context, _, _ string, _ []byte) error {
		one <- trace.SpanContextFromContext(ctx)
		return nil
	}})
	require.Equal(t, span.SpanContext().TraceID(), (<-one).TraceID())
}
