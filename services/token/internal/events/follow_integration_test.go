//go:build integration

package events_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/events"
)

// heard is caches that write down what they are told to drop.
type heard struct {
	mu     sync.Mutex
	lines  []string
	missed int
}

func (h *heard) Changed(tenant tenancy.ID, kind, id string) {
	h.add(string(tenant) + " " + kind + " " + id)
}
func (h *heard) Forget(tenant tenancy.ID) { h.add(string(tenant) + " keys") }

func (h *heard) Missed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.missed++
}

func (h *heard) add(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *heard) has(line string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if slices.Contains(h.lines, line) {
		return nil
	}
	return errors.New("not heard: " + line)
}

func TestFollower(t *testing.T) {
	t.Parallel()
	stream := testkit.NATS(t)
	caches := &heard{}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	f := &events.Follower{Conn: stream.Conn, Configuration: caches, Ring: caches, Log: slog.New(slog.DiscardHandler)}
	go func() { done <- f.Run(ctx) }()
	testkit.Eventually(t, 5*time.Second, func() error {
		caches.mu.Lock()
		defer caches.mu.Unlock()
		if caches.missed == 0 {
			return errors.New("following has not begun")
		}
		return nil
	})

	tenant := testkit.Tenants(1)[0]
	for subject, want := range map[string]struct {
		object *logapi.Object
		line   string
	}{
		logapi.ClientUpdated:         {&logapi.Object{Kind: "client", ID: "c1"}, " client c1"},
		logapi.ResourceServerDeleted: {&logapi.Object{Kind: "resource_server", ID: "r1"}, " resource_server r1"},
		logapi.GrantCreated:          {&logapi.Object{Kind: "client_grant", ID: "g1"}, " client_grant g1"},
		logapi.SettingsUpdated:       {&logapi.Object{Kind: "settings", ID: string(tenant)}, " settings "},
		logapi.KeysPublished:         {&logapi.Object{Kind: "key", ID: "k1"}, " keys"},
		logapi.TenantRemoved:         {nil, "  "},
	} {
		e := logapi.New(time.Now(), tenant, subject)
		e.Object = want.object
		payload, err := e.Encode()
		require.NoError(t, err)
		require.NoError(t, stream.Conn.NATS().Publish(subject, payload))
		testkit.Eventually(t, time.Second, func() error { return caches.has(string(tenant) + want.line) })
	}
	require.NoError(t, stream.Conn.NATS().Publish("postern.client.client.updated", []byte("not an event")))
	testkit.Eventually(t, time.Second, func() error {
		caches.mu.Lock()
		defer caches.mu.Unlock()
		if caches.missed < 4 { // both caches, at the beginning and now
			return errors.New("an event that says nothing makes all doubtful")
		}
		return nil
	})
	stop()
	require.NoError(t, <-done)
}
