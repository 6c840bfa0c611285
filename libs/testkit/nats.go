package testkit

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postern-id/postern/libs/natskit"
)

// Stream is a JetStream stream of one test's own. Its subjects are those of the platform behind Prefix.
type Stream struct {
	Conn   *natskit.Conn
	Name   string // for ConsumerConfig.Stream
	Prefix string // "test.<random>.", before "postern.…"
}

// NATS gives a stream of this test's own, in the account of the dev cloud's cell "us". It is deleted at the end of the test.
func NATS(tb testing.TB) *Stream {
	tb.Helper()
	conn, err := natskit.Connect(context.Background(), DevCloud(tb).NATSConfig("us"), slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatalf("connecting to the dev cloud's nats: %v", err)
	}
	tb.Cleanup(conn.Close)
	Eventually(tb, 10*time.Second, func() error { return conn.Ready(context.Background()) })

	id := randomHex(8)
	s := &Stream{Conn: conn, Name: "TEST_" + id, Prefix: "test." + id + "."}
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	_, err = conn.JetStream().CreateStream(ctx, jetstream.StreamConfig{Name: s.Name, Subjects: []string{s.Prefix + ">"}, Duplicates: time.Minute})
	if err != nil {
		tb.Fatalf("creating the test's stream: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
		defer cancel()
		if err := conn.JetStream().DeleteStream(ctx, s.Name); err != nil {
			tb.Errorf("deleting the test's stream: %v", err)
		}
	})
	return s
}

// Publish is natskit.Conn.Publish into this stream, for what publishes on the platform's subjects (a relay, a service).
func (s *Stream) Publish(ctx context.Context, subject, eventID string, payload []byte) error {
	return s.Conn.Publish(ctx, s.Prefix+subject, eventID, payload)
}

// PublishAll is natskit.Conn.PublishAll into this stream.
func (s *Stream) PublishAll(ctx context.Context, n int, at func(i int) (subject, eventID, traceparent string, payload []byte)) []error {
	return s.Conn.PublishAll(ctx, n, func(i int) (string, string, string, []byte) {
		subject, eventID, traceparent, payload := at(i)
		return s.Prefix + subject, eventID, traceparent, payload
	})
}

// All gives what the stream holds, in its order, with the platform's subjects.
func (s *Stream) All(tb testing.TB) []natskit.Message {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	stream, err := s.Conn.JetStream().Stream(ctx, s.Name)
	if err != nil {
		tb.Fatalf("opening the test's stream: %v", err)
	}
	state := stream.CachedInfo().State
	all := make([]natskit.Message, 0, state.Msgs)
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		m, err := stream.GetMsg(ctx, seq)
		if err != nil {
			tb.Fatalf("reading message %d of the test's stream: %v", seq, err)
		}
		all = append(all, natskit.Message{
			Subject: m.Subject[len(s.Prefix):], EventID: m.Header.Get(jetstream.MsgIDHeader), Payload: m.Data, Sequence: seq, Stored: m.Time,
		})
	}
	return all
}
