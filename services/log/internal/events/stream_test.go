//go:build integration

package events_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/events"
	"github.com/postern-id/postern/services/log/internal/store"
	"github.com/postern-id/postern/services/log/internal/store/migrations"
)

const tenant = tenancy.ID("tnt_A")

// forgetful stores a batch and then fails, as a process that dies between the commit and the acknowledgement seems to the stream.
type forgetful struct {
	*auditlog.Service

	crashes atomic.Int64 // how many batches are still to go unacknowledged
	batches atomic.Int64
}

func (f *forgetful) Ingest(ctx context.Context, entries []auditlog.Entry) error {
	if err := f.Service.Ingest(ctx, entries); err != nil {
		return err
	}
	f.batches.Add(1)
	if f.crashes.Add(-1) >= 0 {
		return errors.New("killed before the acknowledgement")
	}
	return nil
}

func open(t *testing.T) (*testkit.Stream, *forgetful) {
	t.Helper()
	stream, db := testkit.NATS(t), testkit.Postgres(t, "log", migrations.FS)
	f := &forgetful{Service: auditlog.NewService(auditlog.Deps{Store: store.New(db.Pool), Log: slog.New(slog.DiscardHandler), Now: time.Now})}
	require.NoError(t, f.Upkeep(t.Context()))
	return stream, f
}

func start(t *testing.T, stream *testkit.Stream, into events.Log) {
	t.Helper()
	c := events.Consumer{
		Conn: stream.Conn, Into: into, Log: slog.New(slog.DiscardHandler), Stream: stream.Name, Subjects: []string{stream.Prefix + "postern.>"},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
	})
}

func publish(t *testing.T, stream *testkit.Stream, n int) {
	t.Helper()
	e := logapi.New(time.Now(), tenant, logapi.LoginSucceeded)
	e.ID = fmt.Sprintf("evt_%04d", n)
	e.Entry = &logapi.Entry{Type: "s", UserID: "auth0|1", Details: map[string]any{"n": n}}
	payload, err := e.Encode()
	require.NoError(t, err)
	require.NoError(t, stream.Publish(t.Context(), e.Subject, e.ID, payload))
}

func stored(t *testing.T, f *forgetful, want int) []string {
	t.Helper()
	var ids []string
	testkit.Eventually(t, 20*time.Second, func() error {
		entries, err := f.After(t.Context(), tenant, "", 1000, false)
		if err != nil {
			return err
		}
		if len(entries) < want {
			return fmt.Errorf("%d of %d entries", len(entries), want)
		}
		ids = nil
		for _, e := range entries {
			ids = append(ids, e.EventID)
		}
		return nil
	})
	return ids
}

func inOrder(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("evt_%04d", i)
	}
	return out
}

func TestConsumer_stores_each_event_once_and_in_order(t *testing.T) {
	t.Parallel()
	t.Run("though_it_is_killed_between_storing_and_acknowledging", func(t *testing.T) {
		t.Parallel()
		stream, f := open(t)
		f.crashes.Store(2)
		for n := range 20 {
			publish(t, stream, n)
		}
		start(t, stream, f)
		stored(t, f, 20)
		testkit.Eventually(t, 20*time.Second, func() error {
			if f.batches.Load() < 3 {
				return errors.New("not redelivered yet")
			}
			return nil
		})
		for n := 20; n < 25; n++ {
			publish(t, stream, n)
		}
		assert.Equal(t, inOrder(25), stored(t, f, 25))
	})
	t.Run("though_something_poisoned_lies_between", func(t *testing.T) {
		t.Parallel()
		stream, f := open(t)
		publish(t, stream, 0)
		require.NoError(t, stream.Publish(t.Context(), "postern.token.login.succeeded", "evt_poison", []byte("\x00{]")))
		bad := logapi.New(time.Now(), tenant, logapi.LoginFailed)
		bad.Entry = &logapi.Entry{Type: "fp", UserName: "a\x00b"}
		payload, err := bad.Encode()
		require.NoError(t, err)
		require.NoError(t, stream.Publish(t.Context(), bad.Subject, bad.ID, payload))
		publish(t, stream, 1)
		start(t, stream, f)
		assert.Equal(t, []string{"evt_0000", bad.ID, "evt_0001"}, stored(t, f, 3))
	})
	t.Run("though_two_processes_read", func(t *testing.T) {
		t.Parallel()
		stream, f := open(t)
		start(t, stream, f)
		start(t, stream, f)
		for n := range 50 {
			publish(t, stream, n)
		}
		assert.ElementsMatch(t, inOrder(50), stored(t, f, 50))
	})
}

func TestConsumer_is_read_within_two_seconds(t *testing.T) {
	t.Parallel()
	stream, f := open(t)
	start(t, stream, f)
	publish(t, stream, 0)
	stored(t, f, 1)
	begun := time.Now()
	publish(t, stream, 1)
	stored(t, f, 2)
	assert.Less(t, time.Since(begun), 2*time.Second)
}
