package natskit_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/testkit"
)

var quiet = slog.New(slog.DiscardHandler)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		conf natskit.Config
		says string
	}{
		"no_url":              {natskit.Config{}, "POSTERN_NATS_URL is not set"},
		"no_host":             {natskit.Config{URL: "nats"}, "not a nats:// URL"},
		"a_password_in_a_url": {natskit.Config{URL: "nats://eu:secret@nats:4222"}, "holds a password"},
		"a_user_and_no_file":  {natskit.Config{URL: "nats://nats:4222", User: "eu"}, "POSTERN_NATS_PASSWORD_FILE is not"},
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			t.Parallel()
			err := tc.conf.Validate()
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	t.Run("takes_several_servers", func(t *testing.T) {
		t.Parallel()
		c := natskit.Config{URL: "nats://a:4222, nats://b:4222"}
		require.NoError(t, c.Validate())
		require.Equal(t, "postern", c.Name)
	})
}

// nobody is a connection to a port where nothing listens.
func nobody(t *testing.T) *natskit.Conn {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(secret, []byte("x"), 0o600))
	conn, err := natskit.Connect(t.Context(), natskit.Config{URL: "nats://127.0.0.1:1", User: "eu", PasswordFile: secret}, quiet)
	require.NoError(t, err, "a server that is away is no reason not to start")
	t.Cleanup(conn.Close)
	return conn
}

func TestConn_while_the_server_is_away(t *testing.T) {
	t.Parallel()
	conn := nobody(t)
	testkit.RequireFault(t, conn.Ready(t.Context()), fault.KindUnavailable)
	testkit.RequireFault(t, conn.Publish(t.Context(), "postern.x", "evt_1", nil), fault.KindUnavailable)
	for _, err := range conn.PublishAll(t.Context(), 2, func(int) (string, string, string, []byte) { return "postern.x", "evt_1", "", nil }) {
		testkit.RequireFault(t, err, fault.KindUnavailable)
	}
	_, err := natskit.Bucket(t.Context(), conn, "directory")
	testkit.RequireFault(t, err, fault.KindUnavailable)
}

func TestLoops_end_with_their_context_while_the_server_is_away(t *testing.T) {
	t.Parallel()
	conn := nobody(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 3)
	go func() {
		done <- natskit.Consume(ctx, conn, natskit.ConsumerConfig{Durable: "d"}, func(context.Context, []natskit.Message) error { return nil })
	}()
	go func() { done <- natskit.Follow(ctx, conn, []string{"postern.>"}, func(natskit.Message) {}, func() {}) }()
	go func() {
		done <- natskit.WatchAll(ctx, conn, natskit.Watch{Bucket: "b", Each: func(natskit.Entry) {}})
	}()
	for range 3 {
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(5 * time.Second):
			t.Fatal("a loop outlives its context")
		}
	}
}

func TestBuffer_holds_back_when_full(t *testing.T) {
	t.Parallel()
	b := natskit.NewBuffer(nobody(t), 2)
	require.NoError(t, b.Publish(t.Context(), "postern.x", "evt_1", nil))
	require.NoError(t, b.Publish(t.Context(), "postern.x", "evt_2", nil))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	testkit.RequireFault(t, b.Publish(ctx, "postern.x", "evt_3", nil), fault.KindUnavailable)
	require.Equal(t, 2, b.Len(), "the third was not taken")
}

func TestBuffer_Deliver_does_not_wait_for_a_server_that_is_away(t *testing.T) {
	t.Parallel()
	b := natskit.NewBuffer(nobody(t), 2)
	began := time.Now()
	require.NoError(t, b.Deliver(t.Context(), "postern.x", "evt_1", nil))
	require.Less(t, time.Since(began), 400*time.Millisecond)
	require.Equal(t, 1, b.Len())
}

func TestBuffer_refuses_what_no_server_takes(t *testing.T) {
	t.Parallel()
	b := natskit.NewBuffer(nobody(t), 2)
	testkit.RequireFault(t, b.Publish(t.Context(), "postern.x", "evt_1", make([]byte, 1<<20)), fault.KindInternal)
	require.Zero(t, b.Len())
}
