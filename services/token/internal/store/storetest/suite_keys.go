package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

func tryKeyRotation(t *testing.T, w *world) {
	t.Helper()
	ctx := audit.With(t.Context(), audit.Act{Operation: "Rotate the Application Signing Key", Method: "post", Status: 201})
	one, two := aKey(t, "kid-one", 1, token.KeyCurrent), aKey(t, "kid-two", 2, token.KeyNext)
	_, err := w.PublishKeys(ctx, w.a, []token.SigningKey{one, two}, w.fact("k"))
	require.NoError(t, err)
	theirs := aKey(t, "kid-theirs", 1, token.KeyCurrent)
	_, err = w.PublishKeys(ctx, w.b, []token.SigningKey{theirs}, token.Fact{Tenant: w.b, Time: w.now, Name: token.KeysPublished, Type: "k"})
	require.NoError(t, err)

	three := aKey(t, "kid-three", 3, token.KeyNext)
	at, since := w.now.Add(time.Hour), w.now.Add(time.Hour+time.Second)
	step := token.KeyRotation{Retire: []string{"kid-one"}, Promote: []string{"kid-two"}, Fresh: []token.SigningKey{three}, At: at, Since: since, Next: three}

	for name, wrong := range map[string]func(*token.KeyRotation){
		"retires_what_is_not_current":     func(r *token.KeyRotation) { r.Retire = []string{"kid-two"} },
		"retires_what_is_not_there":       func(r *token.KeyRotation) { r.Retire = []string{"kid-one", "kid-nine"} },
		"retires_another_tenants":         func(r *token.KeyRotation) { r.Retire = []string{"kid-theirs"} },
		"promotes_what_is_not_next":       func(r *token.KeyRotation) { r.Promote = []string{"kid-one"} },
		"publishes_a_version_that_exists": func(r *token.KeyRotation) { r.Fresh = []token.SigningKey{aKey(t, "kid-other", 2, token.KeyNext)} },
	} {
		r := step
		wrong(&r)
		_, err := w.RotateKeys(ctx, w.a, r)
		testkit.RequireFault(t, err, fault.KindConflict)
		_, err = w.RotateKeys(ctx, w.b, step)
		testkit.RequireFault(t, err, fault.KindConflict)
		all, err := w.ListKeys(ctx, w.a)
		require.NoError(t, err)
		require.Equal(t, []token.SigningKey{one, two}, all, "%s: nothing has changed", name)
	}
	require.Equal(t, []string{"k"}, w.facts(w.a), "and nothing was told")

	var wg sync.WaitGroup
	outcomes := make([]error, 4)
	for i := range outcomes {
		wg.Go(func() { _, outcomes[i] = w.RotateKeys(ctx, w.a, step) })
	}
	wg.Wait()
	won := 0
	for _, err := range outcomes {
		if err == nil {
			won++
			continue
		}
		testkit.RequireFault(t, err, fault.KindConflict)
	}
	require.Equal(t, 1, won, "of rotations that saw the same keys one wins")
	one.State, one.Until = token.KeyPrevious, since
	two.State, two.Since = token.KeyCurrent, since
	all, err := w.ListKeys(ctx, w.a)
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{one, two, three}, all)
	require.Len(t, w.facts(w.a), 2, "one fact, which has the line of the call")

	revocation := token.KeyRevocation{KeyIDs: []string{"kid-one"}, At: at, Named: one}
	testkit.RequireFault(t, w.RevokeKeys(ctx, w.b, revocation), fault.KindConflict)
	testkit.RequireFault(t, w.RevokeKeys(ctx, w.a, token.KeyRevocation{KeyIDs: []string{"kid-one", "kid-two"}, At: at}), fault.KindConflict)
	require.NoError(t, w.RevokeKeys(ctx, w.a, revocation))
	one.State, one.Revoked = token.KeyRevoked, at
	all, err = w.ListKeys(ctx, w.a)
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{one, two, three}, all, "the key that is current was left alone by the revocation that named it")
	testkit.RequireFault(t, w.RevokeKeys(ctx, w.a, revocation), fault.KindConflict)
	require.Len(t, w.facts(w.a), 3)
	all, err = w.ListKeys(ctx, w.b)
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{theirs}, all)
}
