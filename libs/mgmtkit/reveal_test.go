package mgmtkit_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// lines is a Recorder in memory.
type lines struct {
	mu   sync.Mutex
	acts []audit.Act
	of   []tenancy.ID
	fail error
}

func (l *lines) Record(_ context.Context, tenant tenancy.ID, act audit.Act) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.acts, l.of = append(l.acts, act), append(l.of, tenant)
	return nil
}

func TestRevealed(t *testing.T) {
	t.Parallel()
	t.Run("a_read_says_at_run_time_that_it_reveals", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.revealed = func(ctx context.Context) {
			mgmtkit.Revealed(ctx, "client_secret")
			mgmtkit.Revealed(ctx, "client_secret", "signing_keys")
		}
		require.Equal(t, http.StatusOK, w.ask(t, http.MethodGet, "/things/x", "").Code)
		require.Len(t, w.lines.acts, 1)
		act := w.lines.acts[0]
		require.Equal(t, "Get a thing", act.Operation)
		require.Equal(t, "c1", act.ClientID)
		require.Equal(t, "get", act.Method)
		require.Equal(t, http.StatusOK, act.Status)
		require.Equal(t, []string{"client_secret", "signing_keys"}, act.Revealed)
		require.Equal(t, tenancy.ID("tnt_1"), w.lines.of[0])
	})
	t.Run("one_that_does_not_leaves_no_line", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusOK, w.ask(t, http.MethodGet, "/things/x", "").Code)
		require.Empty(t, w.lines.acts)
	})
	t.Run("one_that_always_does_leaves_one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusOK, w.ask(t, http.MethodGet, "/things/x/keys", "").Code)
		require.Len(t, w.lines.acts, 1)
	})
	t.Run("one_that_fails_has_revealed_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.revealed = func(ctx context.Context) { mgmtkit.Revealed(ctx, "client_secret") }
		w.fail = fault.NotFound("No such thing")
		require.Equal(t, http.StatusNotFound, w.ask(t, http.MethodGet, "/things/x", "").Code)
		require.Empty(t, w.lines.acts)
	})
	t.Run("a_secret_whose_line_cannot_be_stored_is_not_shown", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.revealed = func(ctx context.Context) { mgmtkit.Revealed(ctx, "client_secret") }
		w.lines.fail = fault.Unavailable("The store is away")
		requireProblem(t, w.ask(t, http.MethodGet, "/things/x", ""), http.StatusServiceUnavailable, "temporarily_unavailable", "The store is away")
	})
	t.Run("nor_is_one_where_no_line_is_kept", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, mgmtkit.WithRecorder(nil))
		w.revealed = func(ctx context.Context) { mgmtkit.Revealed(ctx, "client_secret") }
		require.Equal(t, http.StatusInternalServerError, w.ask(t, http.MethodGet, "/things/x", "").Code)
		w.revealed = nil
		require.Equal(t, http.StatusOK, w.ask(t, http.MethodGet, "/things/x", "").Code)
	})
}
