//go:build integration

package cloud_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func jetStream(t *testing.T, d *devcloud, user string) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(d.file.Engines.NATS.SecretsDir, user)) //nolint:gosec // the test's own dev cloud
	require.NoError(t, err)
	conn, err := nats.Connect(d.file.Engines.NATS.URL, nats.UserInfo(user, string(password)))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return conn, js
}

func events(t *testing.T, js jetstream.JetStream) *jetstream.StreamInfo {
	t.Helper()
	stream, err := js.Stream(t.Context(), "EVENTS")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	return info
}

func testNATS(t *testing.T, d *devcloud) {
	t.Helper()
	_, us := jetStream(t, d, "us")
	euConn, eu := jetStream(t, d, "eu")
	_, control := jetStream(t, d, "control")

	t.Run("an_event_stays_in_its_cell", func(t *testing.T) {
		heard, err := euConn.SubscribeSync("postern.>")
		require.NoError(t, err)
		require.NoError(t, euConn.Flush())
		for range 2 { // of one ID: kept once
			_, err := us.Publish(t.Context(), "postern.user.user.created", []byte("ada@example.com"), jetstream.WithMsgID("evt_1"))
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, events(t, us).State.Msgs)
		require.Zero(t, events(t, eu).State.Msgs)
		require.Zero(t, events(t, control).State.Msgs)
		_, err = heard.NextMsg(50 * time.Millisecond)
		require.ErrorIs(t, err, nats.ErrTimeout)
	})

	t.Run("streams_and_buckets_are_as_declared", func(t *testing.T) {
		info := events(t, us)
		require.Equal(t, jetstream.FileStorage, info.Config.Storage)
		require.Equal(t, 7*24*time.Hour, info.Config.MaxAge)
		require.Equal(t, 2*time.Minute, info.Config.Duplicates)
		directory, err := control.KeyValue(t.Context(), "directory")
		require.NoError(t, err)
		_, err = directory.PutString(t.Context(), "acme", "us")
		require.NoError(t, err)
		routers, err := control.KeyValue(t.Context(), "routers")
		require.NoError(t, err)
		status, err := routers.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, status.TTL())
		_, err = us.KeyValue(t.Context(), "directory")
		require.ErrorIs(t, err, jetstream.ErrBucketNotFound)
	})

	t.Run("nobody_gets_in_without_a_password", func(t *testing.T) {
		_, err := nats.Connect(d.file.Engines.NATS.URL)
		require.ErrorIs(t, err, nats.ErrAuthorization)
		_, err = nats.Connect(d.file.Engines.NATS.URL, nats.UserInfo("us", "wrong"))
		require.ErrorIs(t, err, nats.ErrAuthorization)
	})
}

func keptNATS(t *testing.T, d *devcloud) {
	t.Helper()
	_, us := jetStream(t, d, "us")
	require.EqualValues(t, 1, events(t, us).State.Msgs)
	_, control := jetStream(t, d, "control")
	directory, err := control.KeyValue(t.Context(), "directory")
	require.NoError(t, err)
	entry, err := directory.Get(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, "us", string(entry.Value()))
}
