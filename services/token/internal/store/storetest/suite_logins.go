package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// A login and the completion of the one before it, both on one transaction and one session, wait for each other: either comes first, and
// neither dies of the other.
func tryLoginsUnderway(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	for range 100 {
		s, tx := w.session("sid-1"), w.transaction("state")
		require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
		o := token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}
		require.NoError(t, w.OpenSession(ctx, w.a, o))
		fact := w.fact("ssa")
		var all sync.WaitGroup
		for _, step := range []func() error{
			func() error { return w.OpenSession(ctx, w.a, o) },
			func() error {
				return w.CompleteTransaction(ctx, w.a, token.Completion{
					State: tx.State, SessionID: s.ID, ClientID: "client", Now: w.now, IdleUntil: w.now.Add(time.Minute), Fact: &fact,
				})
			},
		} {
			all.Go(func() {
				if err := step(); !fault.Is(err, fault.KindNotFound) { // the other came first
					assert.NoError(t, err)
				}
			})
		}
		all.Wait()
		_, err := w.FindTransaction(ctx, w.a, tx.State, w.now)
		notFoundHere(t, err) // a completion is not lost, whichever came first
	}
}
