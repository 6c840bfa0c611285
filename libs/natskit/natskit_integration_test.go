//go:build integration

package natskit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/testkit"
)

// cuttable gives a second connection to the test's account, through a proxy.
func cuttable(t *testing.T) (*natskit.Conn, *testkit.Proxy) {
	t.Helper()
	conf := testkit.DevCloud(t).NATSConfig("us")
	proxy := testkit.NewProxy(t, strings.TrimPrefix(conf.URL, "nats://"))
	conf.URL = "nats://" + proxy.Addr
	conn, err := natskit.Connect(t.Context(), conf, quiet)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	testkit.Eventually(t, 5*time.Second, func() error { return conn.Ready(t.Context()) })
	return conn, proxy
}

// background runs a loop until the end of the test.
func background(t *testing.T, loop func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the loop ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// list is a list that loops append to.
type list[T any] struct {
	mu    sync.Mutex
	items []T
}

func (l *list[T]) add(items ...T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items = append(l.items, items...)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.items)
}

func (l *list[T]) has(n int) func() error {
	return func() error {
		if got := len(l.all()); got < n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return nil
	}
}

func id(n int) string { return fmt.Sprintf("evt_%05d", n) }

func ids(messages []natskit.Message) []string {
	out := make([]string, len(messages))
	for i, m := range messages {
		out[i] = m.EventID
	}
	return out
}

func TestConn_Publish(t *testing.T) { //nolint:tparallel // its parts build on each other
	t.Parallel()
	s := testkit.NATS(t)
	t.Run("a_repeat_is_stored_once", func(t *testing.T) {
		for range 3 {
			require.NoError(t, s.Publish(t.Context(), "postern.kit.thing.told", "evt_same", []byte("x")))
		}
		require.Len(t, s.All(t), 1)
	})
	t.Run("a_subject_that_no_stream_takes_is_unavailable", func(t *testing.T) {
		testkit.RequireFault(t, s.Conn.Publish(t.Context(), "nowhere."+s.Prefix+"x", "evt_1", nil), fault.KindUnavailable)
	})
	t.Run("recovers_by_itself", func(t *testing.T) {
		conn, proxy := cuttable(t)
		proxy.Down()
		testkit.Eventually(t, 5*time.Second, func() error {
			if err := conn.Publish(t.Context(), s.Prefix+"x", "evt_down", nil); err == nil {
				return errors.New("published without a connection")
			}
			return nil
		})
		proxy.Up()
		testkit.Eventually(t, 10*time.Second, func() error { return conn.Publish(t.Context(), s.Prefix+"x", "evt_up", nil) })
	})
}

func TestConn_PublishAll_an_event_that_no_stream_takes_does_not_count_the_others_as_lost(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	subjects := []string{s.Prefix + "a", "nowhere." + s.Prefix + "b", s.Prefix + "c"}
	errs := s.Conn.PublishAll(t.Context(), 3, func(i int) (string, string, string, []byte) { return subjects[i], id(i), "", nil })
	require.NoError(t, errs[0])
	testkit.RequireFault(t, errs[1], fault.KindUnavailable)
	require.NoError(t, errs[2])
}

func TestBuffer_keeps_order_and_loses_nothing_through_outages(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	b := natskit.NewBuffer(conn, 1000)
	stop := background(t, b.Run)
	const n = 20000
	for i := range n {
		if i%5000 == 2500 {
			proxy.Down()
			proxy.Up()
		}
		testkit.Eventually(t, 20*time.Second, func() error { return b.Publish(t.Context(), s.Prefix+"postern.x", id(i), []byte("x")) })
	}
	testkit.Eventually(t, 20*time.Second, func() error {
		if b.Len() > 0 {
			return fmt.Errorf("%d wait", b.Len())
		}
		return nil
	})
	stop()
	stream, err := s.Conn.JetStream().Stream(t.Context(), s.Name)
	require.NoError(t, err)
	require.EqualValues(t, n, stream.CachedInfo().State.Msgs, "each once")

	var got list[string]
	background(t, func(ctx context.Context) error {
		return natskit.Consume(ctx, s.Conn, natskit.ConsumerConfig{Stream: s.Name, Durable: "reader"}, func(_ context.Context, batch []natskit.Message) error {
			got.add(ids(batch)...)
			return nil
		})
	})
	testkit.Eventually(t, 20*time.Second, got.has(n))
	require.True(t, slices.IsSorted(got.all()))
}

func TestBuffer_Deliver_returns_when_the_stream_has_the_event(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	b := natskit.NewBuffer(conn, 1000)
	background(t, b.Run)
	deliver := func(n int) {
		t.Helper()
		require.NoError(t, b.Deliver(t.Context(), s.Prefix+"postern.x", id(n), nil))
	}
	for n := range 20 {
		deliver(n)
		require.Len(t, s.All(t), n+1)
	}
	proxy.Down()
	began := time.Now()
	for n := range 20 {
		deliver(20 + n)
	}
	require.Less(t, time.Since(began), 5*time.Second, "callers go on while the server is away")
	proxy.Up()
	testkit.Eventually(t, 20*time.Second, func() error {
		if n := b.Len(); n > 0 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	deliver(40)
	all := s.All(t)
	require.Len(t, all, 41, "each once")
	for n, m := range all {
		require.Equal(t, id(n), m.EventID)
	}
}

func TestBuffer_flushes_at_the_end(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	b := natskit.NewBuffer(s.Conn, 1000)
	for i := range 500 {
		require.NoError(t, b.Publish(t.Context(), s.Prefix+"postern.x", id(i), nil))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, b.Run(ctx))
	require.Len(t, s.All(t), 500)
	testkit.RequireFault(t, b.Publish(t.Context(), s.Prefix+"postern.x", "evt_late", nil), fault.KindUnavailable)
}

func TestConsume_a_failed_batch_comes_again_before_later_events(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	for i := range 50 {
		require.NoError(t, s.Publish(t.Context(), "postern.x", id(i), nil))
	}
	var got list[string]
	failures := 2
	background(t, func(ctx context.Context) error {
		conf := natskit.ConsumerConfig{Stream: s.Name, Durable: "d", Subjects: []string{s.Prefix + "postern.>"}, MaxBatch: 10}
		return natskit.Consume(ctx, s.Conn, conf, func(_ context.Context, batch []natskit.Message) error {
			if len(batch) > 10 {
				t.Errorf("a batch of %d", len(batch))
			}
			if failures > 0 {
				failures--
				return errors.New("not now")
			}
			got.add(ids(batch)...)
			return nil
		})
	})
	testkit.Eventually(t, 20*time.Second, got.has(50))
	require.Len(t, got.all(), 50)
	require.True(t, slices.IsSorted(got.all()), "%v", got.all())
}

func TestConsume_a_lone_event_does_not_wait(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	var got list[string]
	background(t, func(ctx context.Context) error {
		return natskit.Consume(ctx, s.Conn, natskit.ConsumerConfig{Stream: s.Name, Durable: "d"}, func(_ context.Context, batch []natskit.Message) error {
			got.add(ids(batch)...)
			return nil
		})
	})
	require.NoError(t, s.Publish(t.Context(), "postern.x", "evt_first", nil))
	testkit.Eventually(t, 5*time.Second, got.has(1))
	require.NoError(t, s.Publish(t.Context(), "postern.x", "evt_second", nil))
	testkit.Eventually(t, time.Second, got.has(2))
}

func TestConsume_survives_a_missing_stream_and_a_lost_connection(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	name := s.Name + "_LATE"
	var got list[string]
	background(t, func(ctx context.Context) error {
		return natskit.Consume(ctx, conn, natskit.ConsumerConfig{Stream: name, Durable: "d"}, func(_ context.Context, batch []natskit.Message) error {
			got.add(ids(batch)...)
			return nil
		})
	})
	create := func() {
		_, err := s.Conn.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{"late." + s.Prefix + ">"}})
		require.NoError(t, err)
	}
	create()
	t.Cleanup(func() { _ = s.Conn.JetStream().DeleteStream(context.Background(), name) })
	publish := func(n int) {
		require.NoError(t, s.Conn.Publish(t.Context(), "late."+s.Prefix+"x", id(n), nil))
	}
	publish(0)
	testkit.Eventually(t, 10*time.Second, got.has(1))

	proxy.Down()
	publish(1)
	proxy.Up()
	testkit.Eventually(t, 20*time.Second, got.has(2))

	require.NoError(t, s.Conn.JetStream().DeleteStream(t.Context(), name))
	create()
	publish(2)
	testkit.Eventually(t, 20*time.Second, got.has(3))
	require.Equal(t, []string{id(0), id(1), id(2)}, got.all())
}

func TestConsume_keeps_order_through_lost_connections(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	const n = 6000
	var got list[string]
	background(t, func(ctx context.Context) error {
		conf := natskit.ConsumerConfig{Stream: s.Name, Durable: "d", MaxBatch: 50, MaxWait: time.Millisecond, AckWait: 500 * time.Millisecond}
		return natskit.Consume(ctx, conn, conf, func(_ context.Context, batch []natskit.Message) error {
			got.add(ids(batch)...)
			return nil
		})
	})
	for from := 0; from < n; from += 2000 {
		for _, err := range s.PublishAll(t.Context(), 2000, func(i int) (string, string, string, []byte) { return "postern.x", id(from + i), "", nil }) {
			require.NoError(t, err)
		}
		testkit.Eventually(t, 20*time.Second, got.has(from+200))
		proxy.Down()
		proxy.Up()
	}
	testkit.Eventually(t, 30*time.Second, func() error {
		if !slices.Contains(got.all(), id(n-1)) {
			return errors.New("the last has not come")
		}
		return nil
	})
	seen := map[string]bool{}
	for _, event := range got.all() {
		if !seen[event] {
			require.Equal(t, id(len(seen)), event, "the next that was not there before")
			seen[event] = true
		}
	}
	require.Len(t, seen, n)
}

func TestFollow(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	var got, gaps list[string]
	background(t, func(ctx context.Context) error {
		return natskit.Follow(ctx, conn, []string{s.Prefix + "postern.>"},
			func(m natskit.Message) { got.add(m.EventID) }, func() { gaps.add("gap") })
	})
	testkit.Eventually(t, 5*time.Second, gaps.has(1)) // following has begun
	require.NoError(t, s.Publish(t.Context(), "postern.x", "evt_seen", nil))
	testkit.Eventually(t, 5*time.Second, got.has(1))

	proxy.Down()
	require.NoError(t, s.Publish(t.Context(), "postern.x", "evt_missed", nil))
	proxy.Up()
	testkit.Eventually(t, 10*time.Second, gaps.has(2))
	require.NoError(t, s.Publish(t.Context(), "postern.x", "evt_after", nil))
	testkit.Eventually(t, 5*time.Second, got.has(2))
	require.Equal(t, []string{"evt_seen", "evt_after"}, got.all())
}

func TestWatchAll(t *testing.T) {
	t.Parallel()
	s := testkit.NATS(t)
	conn, proxy := cuttable(t)
	bucket := "test-" + strings.ToLower(s.Name)
	var seen, marks list[string]
	background(t, func(ctx context.Context) error {
		return natskit.WatchAll(ctx, conn, natskit.Watch{
			Bucket: bucket,
			Each: func(e natskit.Entry) {
				if e.Deleted {
					seen.add("-" + e.Key)
					return
				}
				seen.add(e.Key + "=" + string(e.Value))
			},
			Synced:    func() { marks.add(fmt.Sprintf("synced at %d", len(seen.all()))) },
			Restarted: func() { marks.add("restarted") },
		})
	})
	_, err := natskit.Bucket(t.Context(), s.Conn, bucket)
	testkit.RequireFault(t, err, fault.KindNotFound)
	js := s.Conn.JetStream()
	create := func(keys ...string) {
		kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: bucket})
		require.NoError(t, err)
		for _, k := range keys {
			_, err := kv.PutString(t.Context(), k, "1")
			require.NoError(t, err)
		}
	}
	create()
	t.Cleanup(func() { _ = js.DeleteKeyValue(context.Background(), bucket) })
	kv, err := natskit.Bucket(t.Context(), s.Conn, bucket)
	require.NoError(t, err)
	put := func(k, v string) {
		_, err := kv.PutString(t.Context(), k, v)
		require.NoError(t, err)
	}
	put("a", "1")
	put("b", "1")
	testkit.Eventually(t, 10*time.Second, seen.has(2))
	testkit.Eventually(t, 10*time.Second, marks.has(1))
	put("a", "2")
	testkit.Eventually(t, 5*time.Second, seen.has(3))

	proxy.Down()
	put("c", "1")
	require.NoError(t, kv.Delete(t.Context(), "b"))
	proxy.Up()
	testkit.Eventually(t, 10*time.Second, seen.has(5))
	require.Equal(t, []string{"a=1", "b=1", "a=2", "c=1", "-b"}, seen.all(), "after the gap only what changed in it")
	testkit.Eventually(t, 5*time.Second, marks.has(2))
	require.Equal(t, "synced at 5", marks.all()[1])

	proxy.Down()
	require.NoError(t, js.DeleteKeyValue(t.Context(), bucket))
	create("z")
	proxy.Up()
	testkit.Eventually(t, 10*time.Second, seen.has(6))
	require.Equal(t, "z=1", seen.all()[5])
	require.Contains(t, marks.all(), "restarted")
}

func TestMessage_Context_continues_the_publishers_trace(t *testing.T) {
	s := testkit.NATS(t)
	before := otel.GetTextMapPropagator()
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() { otel.SetTextMapPropagator(before) })
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	require.NoError(t, s.Publish(trace.ContextWithSpanContext(t.Context(), parent), "postern.x", "evt_1", nil))

	var got list[natskit.Message]
	background(t, func(ctx context.Context) error {
		return natskit.Consume(ctx, s.Conn, natskit.ConsumerConfig{Stream: s.Name, Durable: "d"}, func(_ context.Context, batch []natskit.Message) error {
			got.add(batch...)
			return nil
		})
	})
	testkit.Eventually(t, 5*time.Second, got.has(1))
	require.Equal(t, parent.TraceID(), trace.SpanContextFromContext(got.all()[0].Context(t.Context())).TraceID())
}

func TestConn_PublishAll_sends_each_event_in_its_own_trace(t *testing.T) {
	s := testkit.NATS(t)
	spans := tracetest.NewInMemoryExporter()
	provider, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	otel.SetTracerProvider(traces)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() { otel.SetTracerProvider(provider); otel.SetTextMapPropagator(propagator) })
	want, parents := map[string]trace.TraceID{}, make([]string, 3)
	for i := range 2 { // the third is in none
		ctx, span := traces.Tracer("test").Start(t.Context(), "change")
		want[id(i)], parents[i] = span.SpanContext().TraceID(), telemetry.Traceparent(ctx)
		span.End()
	}
	spans.Reset()
	for _, err := range s.PublishAll(t.Context(), 3, func(i int) (string, string, string, []byte) { return "postern.x", id(i), parents[i], nil }) {
		require.NoError(t, err)
	}
	sent := map[string]trace.TraceID{}
	var got list[natskit.Message]
	background(t, func(ctx context.Context) error {
		return natskit.Consume(ctx, s.Conn, natskit.ConsumerConfig{Stream: s.Name, Durable: "d"}, func(_ context.Context, batch []natskit.Message) error {
			got.add(batch...)
			return nil
		})
	})
	testkit.Eventually(t, 5*time.Second, got.has(3))
	for _, m := range got.all() {
		if sc := trace.SpanContextFromContext(m.Context(t.Context())); sc.IsValid() {
			sent[m.EventID] = sc.TraceID()
		}
	}
	require.Equal(t, want, sent)
	require.Len(t, spans.GetSpans(), 2)
	for _, span := range spans.GetSpans() {
		require.Equal(t, "nats.publish", span.Name)
		require.True(t, span.Parent.IsRemote())
	}
}
