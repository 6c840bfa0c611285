//go:build integration

package feed_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/router/internal/feed"
	"github.com/postern-id/postern/services/router/internal/route"
)

// cloud is two buckets of one test's own, in the control account.
type cloud struct {
	conn               *natskit.Conn
	directory, routers jetstream.KeyValue
	file               string
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	conn, err := natskit.Connect(t.Context(), testkit.DevCloud(t).NATSConfig("control"), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	testkit.Eventually(t, 10*time.Second, func() error { return conn.Ready(t.Context()) })
	c := &cloud{conn: conn, file: filepath.Join(t.TempDir(), "directory.json")}
	c.directory, c.routers = c.bucket(t, "directory"), c.bucket(t, "routers")
	return c
}

func (c *cloud) bucket(t *testing.T, kind string) jetstream.KeyValue {
	t.Helper()
	name := "test_" + kind + "_" + rand.Text()
	kv, err := c.conn.JetStream().CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: name})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.conn.JetStream().DeleteKeyValue(context.WithoutCancel(t.Context()), name) })
	return kv
}

// start runs a router's feed until stop is called or the test ends.
func (c *cloud) start(t *testing.T) (f *feed.Feed, table *route.Table, stop func()) {
	t.Helper()
	table = route.NewTable()
	ctx, cancel := context.WithCancel(t.Context())
	f = feed.New(ctx, feed.Deps{
		Conn: c.conn, Table: table, File: c.file, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Directory: c.directory.Bucket(), Routers: c.routers.Bucket(),
	})
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	var stopped bool
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		require.NoError(t, <-ended)
	}
	t.Cleanup(stop)
	return f, table, stop
}

// acknowledged waits until the router says that it serves the revision.
func (c *cloud) acknowledged(t *testing.T, f *feed.Feed, revision uint64) {
	t.Helper()
	testkit.Eventually(t, 3*time.Second, func() error {
		e, err := c.routers.Get(t.Context(), f.ID())
		if err != nil {
			return err
		}
		var a tenantapi.Applied
		if err := json.Unmarshal(e.Value(), &a); err != nil {
			return err
		}
		if a.Revision < revision {
			return fmt.Errorf("at revision %d, want %d", a.Revision, revision)
		}
		return nil
	})
}

func TestFeed(t *testing.T) {
	t.Parallel()
	t.Run("a_change_is_served_when_it_is_acknowledged_and_that_is_soon", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		f, table, _ := c.start(t)
		c.acknowledged(t, f, 0)
		for i := range 20 {
			host := fmt.Sprintf("t%d.eu.example.test", i)
			begun := time.Now()
			revision, err := c.directory.Put(t.Context(), host, put(t, host, 0).Value)
			require.NoError(t, err)
			c.acknowledged(t, f, revision)
			require.True(t, table.Has(host))
			require.Less(t, time.Since(begun), time.Second)
		}
	})
	t.Run("a_restarted_router_forgets_what_was_removed_meanwhile", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		_, err := c.directory.Put(t.Context(), acme, put(t, acme, 0).Value)
		require.NoError(t, err)
		revision, err := c.directory.Put(t.Context(), other, put(t, other, 0).Value)
		require.NoError(t, err)
		f, _, stop := c.start(t)
		c.acknowledged(t, f, revision)
		stop()
		require.NoError(t, c.directory.Purge(t.Context(), other))

		f, table, _ := c.start(t)
		require.True(t, table.Has(other), "served from the file at once")
		require.True(t, f.Served())
		c.acknowledged(t, f, revision+1)
		require.False(t, table.Has(other))
		require.True(t, table.Has(acme))
	})
	t.Run("a_router_that_leaves_is_not_waited_for", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		f, _, stop := c.start(t)
		c.acknowledged(t, f, 0)
		stop()
		testkit.Eventually(t, 2*time.Second, func() error {
			_, err := c.routers.Get(t.Context(), f.ID())
			if errors.Is(err, jetstream.ErrKeyNotFound) {
				return nil
			}
			return errors.Join(errors.New("it is still there"), err)
		})
	})
	t.Run("a_bucket_made_anew_and_empty_takes_no_host_along", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		revision, err := c.directory.Put(t.Context(), acme, put(t, acme, 0).Value)
		require.NoError(t, err)
		f, _, stop := c.start(t)
		c.acknowledged(t, f, revision)
		stop()
		require.NoError(t, c.conn.JetStream().DeleteKeyValue(t.Context(), c.directory.Bucket()))
		c.directory, err = c.conn.JetStream().CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: c.directory.Bucket()})
		require.NoError(t, err)

		f, table, _ := c.start(t)
		c.acknowledged(t, f, 0)
		require.True(t, table.Has(acme))
		revision, err = c.directory.Put(t.Context(), other, put(t, other, 0).Value)
		require.NoError(t, err)
		c.acknowledged(t, f, revision)
		require.True(t, table.Has(other), "what is acknowledged is served, with an old revision on file too")
	})
}
