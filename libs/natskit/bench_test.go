//go:build integration

package natskit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/testkit"
)

// BenchmarkBuffer is one event from Publish to the stream's acknowledgement, under load.
func BenchmarkBuffer(b *testing.B) {
	s := testkit.NATS(b)
	buffer := natskit.NewBuffer(s.Conn, 10000)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- buffer.Run(ctx) }()
	payload := make([]byte, 600)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := buffer.Publish(b.Context(), s.Prefix+"postern.x", id(n), payload); err != nil {
			b.Fatal(err)
		}
	}
	testkit.Eventually(b, time.Minute, func() error {
		if waiting := buffer.Len(); waiting > 0 {
			return fmt.Errorf("%d events still wait", waiting)
		}
		return nil
	})
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
