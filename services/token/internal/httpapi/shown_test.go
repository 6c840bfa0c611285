package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// curves gives the IDs of the keys in a key set that are no RSA keys.
func (b *agent) curves() []string {
	b.w.t.Helper()
	res := b.get("/.well-known/jwks.json", nil)
	require.Equal(b.w.t, http.StatusOK, res.StatusCode, res.body)
	var doc struct {
		Keys []struct{ Kid, Kty string }
	}
	require.NoError(b.w.t, json.Unmarshal([]byte(res.body), &doc))
	ids := []string{}
	for _, key := range doc.Keys {
		if key.Kty != "RSA" {
			ids = append(ids, key.Kid)
		}
	}
	return ids
}

func TestJWKS_has_EC_keys_once_a_token_wants_one(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	require.Equal(t, http.StatusOK, b.machine().StatusCode)
	require.Empty(t, b.curves(), "the wire's verifiers know RSA alone")

	w.api(func(r *token.ResourceServer) { r.SigningAlg = token.AlgES256 })
	require.Empty(t, b.curves(), "an API alone has signed nothing")
	first, _ := b.machine().json(t)["access_token"].(string)
	require.Equal(t, apiAudience, w.verified(first, token.AlgES256)["aud"], "the first token verifies at once")
	require.Equal(t, []string{"acme-elliptic"}, b.curves())
	require.Equal(t, token.KeysPublished, w.lastFact(w.store).Name)

	before := w.clock.Now()
	require.Equal(t, http.StatusOK, b.machine().StatusCode)
	require.Equal(t, before, w.clock.Now(), "the next one waits for nothing")

	w.api(func(r *token.ResourceServer) { r.SigningAlg = token.AlgRS256 })
	w.clock.Advance(2 * time.Minute)
	require.Equal(t, http.StatusOK, b.machine().StatusCode)
	require.Equal(t, apiAudience, w.verified(first, token.AlgES256)["aud"], "what was signed goes on to verify")

	stranger := w.browser()
	stranger.tenant = w.bolt
	require.Empty(t, stranger.curves(), "another tenant has none")
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{RemoveAlgFromJWKS: true} })
	require.Equal(t, []string{"acme-elliptic"}, b.curves(), "also without alg")
}

func TestJWKS_a_key_that_cannot_be_shown_signs_nothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	require.Equal(t, http.StatusOK, b.machine().StatusCode)
	w.api(func(r *token.ResourceServer) { r.SigningAlg = token.AlgES256 })
	w.store.FailNext(fault.Unavailable("postgres is away"))
	require.Equal(t, http.StatusServiceUnavailable, b.machine().StatusCode)
	require.Empty(t, b.curves())
	require.Equal(t, http.StatusOK, b.machine().StatusCode)
	require.Equal(t, []string{"acme-elliptic"}, b.curves())
	w.store.FailNext(fault.Unavailable("postgres is away"))
	require.Equal(t, http.StatusOK, b.machine().StatusCode, "from then on nothing is asked")
}
