package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

// thumbprint is that of some key.
const thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

func tryTokens(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	code := w.save(t)
	tok := token.AccessToken{
		Hash: token.HashOf("opaque"), ClientID: "client", UserID: "auth0|1", Scope: token.Scope{"openid"}, SessionID: "sid-1",
		Thumbprint: thumbprint, Code: code.Code, Issued: w.now, Expires: w.now.Add(time.Hour),
	}
	require.NoError(t, w.RedeemCode(ctx, w.a, token.Redemption{Code: code.Code, Now: w.now, Token: &tok, Fact: w.fact("seacft")}))
	got, err := w.FindAccessToken(ctx, w.a, tok.Hash, w.now)
	require.NoError(t, err)
	require.Equal(t, tok, got)
	certified := tok
	certified.Hash, certified.Thumbprint = token.HashOf("of a certificate"), token.BoundToCertificate(thumbprint)
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: &certified, Fact: w.fact("sepft")}))
	got, err = w.FindAccessToken(ctx, w.a, certified.Hash, w.now)
	require.NoError(t, err)
	require.Equal(t, certified.Thumbprint, got.Thumbprint)
	_, err = w.FindAccessToken(ctx, w.b, tok.Hash, w.now)
	notFoundHere(t, err)
	_, err = w.FindAccessToken(ctx, w.a, tok.Hash, tok.Expires)
	notFoundHere(t, err)

	require.NoError(t, w.RevokeCode(ctx, w.b, code.Code, w.now), "nothing to revoke is no error")
	_, err = w.FindAccessToken(ctx, w.a, tok.Hash, w.now)
	require.NoError(t, err, "a stranger's revocation revokes nothing")
	require.NoError(t, w.RevokeCode(ctx, w.a, code.Code, w.now))
	_, err = w.FindAccessToken(ctx, w.a, tok.Hash, w.now)
	notFoundHere(t, err)
}

func tryAssertions(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	one, until := token.HashOf("one"), w.now.Add(time.Minute)
	require.NoError(t, w.UseAssertion(ctx, w.a, one, until))
	testkit.RequireFault(t, w.UseAssertion(ctx, w.a, one, until), fault.KindConflict)
	require.NoError(t, w.UseAssertion(ctx, w.b, one, until), "another tenant's is another one")
	require.NoError(t, w.UseAssertion(ctx, w.a, token.HashOf("two"), until))

	var wg sync.WaitGroup
	var won atomic.Int64
	for range 4 {
		wg.Go(func() {
			if w.UseAssertion(ctx, w.a, token.HashOf("three"), until) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, won.Load(), "of concurrent uses one wins")

	opaque := token.AccessToken{Hash: token.HashOf("opaque"), ClientID: "client", UserID: "auth0|a", Scope: token.Scope{"openid"}, Issued: w.now, Expires: until}
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Opaque: &opaque, Fact: w.fact("sepft")}))
	got, err := w.FindAccessToken(ctx, w.a, opaque.Hash, w.now)
	require.NoError(t, err)
	require.Equal(t, opaque, got)
	_, err = w.FindAccessToken(ctx, w.b, opaque.Hash, w.now)
	notFoundHere(t, err)
	require.NoError(t, w.SaveTokens(ctx, w.a, token.Settlement{Fact: w.fact("sepft")}))
	require.Equal(t, []string{"sepft", "sepft"}, w.facts(w.a))
}
