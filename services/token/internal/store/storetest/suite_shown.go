package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

func anEllipticKey(t *testing.T, kid string, version int, state token.KeyState) token.SigningKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key := aKey(t, kid, version, state)
	key.Alg, key.Public = token.AlgES256, &private.PublicKey
	return key
}

func tryShownKeys(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	fact := func(tenant tenancy.ID, kind string, after time.Duration) token.Fact {
		return token.Fact{Tenant: tenant, Time: w.now.Add(after), Name: token.KeysPublished, Type: kind}
	}
	none, err := w.ShowKeys(ctx, w.a, token.AlgES256, fact(w.a, "nothing", 0))
	require.NoError(t, err)
	require.Empty(t, none, "no keys are no error")

	one, curve, next := aKey(t, "kid-one", 1, token.KeyCurrent), anEllipticKey(t, "kid-curve", 1, token.KeyCurrent), anEllipticKey(t, "kid-next", 2, token.KeyNext)
	for _, tenant := range []tenancy.ID{w.a, w.b} {
		all, err := w.PublishKeys(ctx, tenant, []token.SigningKey{one, curve, next}, fact(tenant, "k", 0))
		require.NoError(t, err)
		require.Equal(t, []token.SigningKey{one, curve, next}, all, "what is published is not shown by that")
	}

	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			_, err := w.ShowKeys(ctx, w.a, token.AlgES256, fact(w.a, "shown", time.Duration(i+1)*time.Second))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	require.Equal(t, []string{"k", "shown"}, w.facts(w.a), "of concurrent calls one counts")
	all, err := w.ListKeys(ctx, w.a)
	require.NoError(t, err)
	curve.Shown, next.Shown = all[1].Shown, all[1].Shown
	require.True(t, curve.Shown.After(w.now))
	require.Equal(t, []token.SigningKey{one, curve, next}, all, "all of the algorithm, and of no other")

	third := anEllipticKey(t, "kid-third", 3, token.KeyNext)
	_, err = w.PublishKeys(ctx, w.a, []token.SigningKey{third}, fact(w.a, "k", 0))
	require.NoError(t, err)
	all, err = w.ShowKeys(ctx, w.a, token.AlgES256, fact(w.a, "again", time.Hour))
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{one, curve, next, third}, all, "a repeat changes nothing")
	require.Equal(t, []string{"k", "shown", "k"}, w.facts(w.a))

	theirs, err := w.ListKeys(ctx, w.b)
	require.NoError(t, err)
	require.Len(t, theirs, 3)
	for _, key := range theirs {
		require.Zero(t, key.Shown, "another tenant's keys are its own")
	}
	shown := anEllipticKey(t, "kid-shown", 4, token.KeyNext)
	shown.Shown = w.now
	all, err = w.PublishKeys(ctx, w.a, []token.SigningKey{shown}, fact(w.a, "k", 0))
	require.NoError(t, err)
	require.Equal(t, shown, all[4])
}
