//go:build integration

package directory_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/tenant/internal/directory"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

type feed struct {
	*directory.Directory

	now     *clock.Fake
	routers jetstream.KeyValue
}

// open gives a directory in buckets of this test's own.
func open(t *testing.T) *feed {
	t.Helper()
	stream := testkit.NATS(t)
	js := stream.Conn.JetStream()
	buckets := directory.Buckets{Directory: stream.Name + "_d", Routers: stream.Name + "_r"}
	f := &feed{now: clock.At("2026-03-01T12:00:00Z")}
	for _, name := range []string{buckets.Directory, buckets.Routers} {
		kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: name, Storage: jetstream.MemoryStorage})
		require.NoError(t, err)
		f.routers = kv
		t.Cleanup(func() { _ = js.DeleteKeyValue(context.WithoutCancel(t.Context()), name) })
	}
	f.Directory = directory.New(stream.Conn, buckets, f.now.Now)
	return f
}

func (f *feed) applied(t *testing.T, router string, revision uint64) {
	t.Helper()
	value, err := json.Marshal(map[string]any{"revision": revision, "at": f.now.Now()})
	require.NoError(t, err)
	_, err = f.routers.Put(t.Context(), router, value)
	require.NoError(t, err)
}

func entry(host string) tenant.Entry {
	return tenant.Entry{
		Hostname: tenant.Hostname{Host: host, Kind: tenant.HostCanonical}, Tenant: "tnt_1", Slug: "acme", Region: "eu", Cell: "eu",
		State: tenant.StateActive, Canonical: host,
	}
}

func TestDirectory_Put(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := entry("acme.eu.example.com")
	first, err := f.Put(t.Context(), e)
	require.NoError(t, err)
	again, err := f.Put(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, first, again, "what is there already is not published again")
	e.State = tenant.StateSuspended
	changed, err := f.Put(t.Context(), e)
	require.NoError(t, err)
	require.Greater(t, changed, first)
	hosts, err := f.Hosts(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]tenant.Entry{e.Host: e}, hosts)
	for range 2 {
		require.NoError(t, f.Remove(t.Context(), e.Host))
	}
	hosts, err = f.Hosts(t.Context())
	require.NoError(t, err)
	require.Empty(t, hosts)
}

func TestDirectory_Await(t *testing.T) {
	t.Parallel()
	// soon says whether the wait is over at once; what it waits for is there already or does not come.
	soon := func(t *testing.T, f *feed, revision uint64) error {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		return f.Await(ctx, revision)
	}
	t.Run("no_router_is_waited_for", func(t *testing.T) {
		t.Parallel()
		require.True(t, fault.Is(soon(t, open(t), 1), fault.KindUnavailable))
	})
	t.Run("every_living_router_counts", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		f.applied(t, "rtr_a", 7)
		f.applied(t, "rtr_b", 6)
		require.True(t, fault.Is(soon(t, f, 7), fault.KindUnavailable))
		require.NoError(t, soon(t, f, 6))
		f.applied(t, "rtr_b", 9)
		require.NoError(t, soon(t, f, 7))
	})
	t.Run("silent_and_leaving_routers_do_not_count", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		f.applied(t, "rtr_killed", 1)
		f.now.Advance(time.Minute)
		require.True(t, fault.Is(soon(t, f, 1), fault.KindUnavailable), "nobody lives")
		f.applied(t, "rtr_a", 7)
		f.applied(t, "rtr_leaving", 1)
		require.NoError(t, f.routers.Delete(t.Context(), "rtr_leaving"))
		require.NoError(t, soon(t, f, 7))
	})
	t.Run("is_woken_by_the_last_router", func(t *testing.T) {
		t.Parallel()
		f := open(t)
		f.applied(t, "rtr_a", 1)
		done := make(chan error, 1)
		go func() { done <- f.Await(t.Context(), 2) }()
		f.applied(t, "rtr_a", 2)
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(5 * time.Second):
			t.Fatal("not woken")
		}
	})
}
