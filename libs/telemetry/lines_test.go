package telemetry_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/telemetry"
)

// sink keeps each write apart.
type sink struct {
	mu     sync.Mutex
	writes []string
	err    error
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func (s *sink) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.writes...)
}

// Not parallel: telemetry is the process's own.
func TestLines(t *testing.T) {
	open := func(t *testing.T, s *sink) *telemetry.Telemetry {
		t.Helper()
		tel, err := telemetry.Setup(t.Context(), "test", s, slog.LevelInfo)
		require.NoError(t, err)
		return tel
	}
	t.Run("lines_leave_together_and_soon", func(t *testing.T) {
		s := &sink{}
		tel := open(t, s)
		for i := range 10 {
			tel.Log.InfoContext(t.Context(), "request", slog.Int("n", i))
		}
		require.Eventually(t, func() bool { return strings.Count(strings.Join(s.seen(), ""), "\n") == 10 }, 5*time.Second, time.Millisecond)
		require.Less(t, len(s.seen()), 10)
		tel.Stop(t.Context())
	})
	t.Run("a_warning_takes_what_waits_with_it_at_once", func(t *testing.T) {
		s := &sink{}
		tel := open(t, s)
		tel.Log.InfoContext(t.Context(), "request")
		tel.Log.With("a", 1).WithGroup("g").WarnContext(t.Context(), "engine away")
		got := strings.Join(s.seen(), "")
		require.Contains(t, got, "request")
		require.Contains(t, got, "engine away")
		tel.Stop(t.Context())
	})
	t.Run("nothing_is_lost_at_the_end_or_after_it", func(t *testing.T) {
		s := &sink{}
		tel := open(t, s)
		tel.Log.InfoContext(t.Context(), "last request")
		tel.Stop(t.Context())
		require.Contains(t, strings.Join(s.seen(), ""), "last request")
		tel.Log.InfoContext(t.Context(), "a straggler")
		require.Contains(t, strings.Join(s.seen(), ""), "a straggler")
	})
	t.Run("each_write_is_of_whole_lines_whoever_writes", func(t *testing.T) {
		s := &sink{}
		tel := open(t, s)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				for i := range 500 {
					tel.Log.InfoContext(t.Context(), "request", slog.String("long", strings.Repeat("x", 300)), slog.String("id", fmt.Sprint(worker, i)))
				}
			})
		}
		wg.Wait()
		tel.Log.InfoContext(t.Context(), "longer than the room", slog.String("long", strings.Repeat("y", 100<<10)))
		tel.Stop(t.Context())
		lines := 0
		for _, write := range s.seen() {
			require.True(t, strings.HasSuffix(write, "}\n"))
			lines += strings.Count(write, "\n")
		}
		require.Equal(t, 2001, lines)
	})
	t.Run("a_log_that_cannot_be_written_stops_nobody", func(t *testing.T) {
		s := &sink{err: errors.New("the disk is full")}
		tel := open(t, s)
		tel.Log.WarnContext(t.Context(), "engine away")
		for range 1000 {
			tel.Log.InfoContext(t.Context(), "request", slog.String("long", strings.Repeat("x", 300)))
		}
		tel.Stop(t.Context())
	})
}
