package httpapi_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// keysWorld is a world and a token that may do all with keys.
func keysWorld(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	_, err := w.store.PublishKeys(t.Context(), w.acme.ID, []token.SigningKey{
		tokentest.SharedSigner(t, 2).EllipticKey(t, "acme-elliptic-next", 2, token.KeyNext),
	}, token.Fact{Tenant: w.acme.ID})
	require.NoError(t, err)
	w.source.Add(w.acme.ID, w.signer, map[string]int{token.AlgES256: 2})
	return w, w.administrator("read:signing_keys", "create:signing_keys", "update:signing_keys")
}

// signingKeys gives the list of keys, by key ID the names of the states that are true.
func (w *world) signingKeys(bearer string) (list []map[string]any, states map[string]string) {
	w.t.Helper()
	res := w.browser().manage(http.MethodGet, "/keys/signing", bearer)
	require.Equal(w.t, http.StatusOK, res.StatusCode, res.body)
	require.NoError(w.t, json.Unmarshal([]byte(res.body), &list))
	states = map[string]string{}
	for _, key := range list {
		id, _ := key["kid"].(string)
		for _, state := range []string{"current", "next", "previous", "revoked"} {
			if key[state] == true {
				states[id] += state
			}
		}
	}
	return list, states
}

func requireKeyProblem(t *testing.T, a answer, status int, code, sentence string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	got := a.json(t)
	require.Equal(t, sentence, got["message"])
	require.Equal(t, http.StatusText(status), got["error"])
	if code == "" {
		require.NotContains(t, got, "errorCode")
	} else {
		require.Equal(t, code, got["errorCode"])
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	w, bearer := keysWorld(t)
	list, states := w.signingKeys(bearer)
	require.Equal(t, map[string]string{"acme-current": "current", "acme-next": "next"}, states)
	require.Equal(t, "acme-current", list[0]["kid"])

	w.clock.Advance(time.Minute)
	res := w.browser().manage(http.MethodPost, "/keys/signing/rotate", bearer)
	require.Equal(t, http.StatusCreated, res.StatusCode, res.body)
	next, _ := res.json(t)["kid"].(string)
	require.Len(t, res.json(t), 2, "cert and kid")
	cert, _ := res.json(t)["cert"].(string)
	block, _ := pem.Decode([]byte(cert))
	require.NotNil(t, block)
	_, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	list, states = w.signingKeys(bearer)
	require.Equal(t, map[string]string{"acme-current": "previous", "acme-next": "current", next: "next"}, states)
	require.Equal(t, "acme-next", list[0]["kid"])
	require.Equal(t, list[0]["current_since"], list[2]["current_until"])
	require.NotContains(t, list[1], "current_since", "the next one has not begun")
	require.Equal(t, "key.rotated", string(w.lastFact(w.store).Name))
	require.Equal(t, []string{next}, w.lastFact(w.store).KeyIDs)

	requireKeyProblem(t, w.browser().manage(http.MethodPut, "/keys/signing/acme-next/revoke", bearer), http.StatusBadRequest, "operation_not_supported",
		"Only a previously used signing key can be revoked")
	for _, unknown := range []string{"nobody", "bolt-current", "acme-elliptic", strings.Repeat("x", 255), "..%2f..%2fetc"} {
		requireKeyProblem(t, w.browser().manage(http.MethodPut, "/keys/signing/"+unknown+"/revoke", bearer), http.StatusNotFound, "", "The signing key does not exist")
		requireKeyProblem(t, w.browser().manage(http.MethodGet, "/keys/signing/"+unknown, bearer), http.StatusNotFound, "", "The signing key does not exist")
	}

	fresh := w.administrator("read:signing_keys", "create:signing_keys", "update:signing_keys")
	res = w.browser().manage(http.MethodPut, "/keys/signing/acme-current/revoke", bearer)
	require.Equal(t, http.StatusOK, res.StatusCode, res.body)
	require.Equal(t, "acme-current", res.json(t)["kid"])
	require.Len(t, res.json(t), 2, "cert and kid")
	require.Equal(t, http.StatusUnauthorized, w.browser().manage(http.MethodGet, "/keys/signing", bearer).StatusCode, "the caller's own token was signed by it")
	_, states = w.signingKeys(fresh)
	require.Equal(t, map[string]string{"acme-current": "revoked", "acme-next": "current", next: "next"}, states)
	one := w.browser().manage(http.MethodGet, "/keys/signing/acme-current", fresh).json(t)
	require.Equal(t, true, one["revoked"])
	require.NotEmpty(t, one["revoked_at"])
	require.NotContains(t, w.browser().get("/.well-known/jwks.json", nil).body, `"acme-current`)
	require.Equal(t, "key.revoked", string(w.lastFact(w.store).Name))
}

// Stock SDKs send null where an operation has no body.
func TestSigningKeys_take_a_null_for_no_body(t *testing.T) {
	t.Parallel()
	w, bearer := keysWorld(t)
	send := func(method, path string) int {
		req := httptest.NewRequestWithContext(t.Context(), method, "/api/v2/keys/signing/"+path, strings.NewReader("null\n"))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+bearer)
		return w.browser().do(req).StatusCode
	}
	require.Equal(t, http.StatusCreated, send(http.MethodPost, "rotate"))
	require.Equal(t, http.StatusOK, send(http.MethodPut, "acme-current/revoke"))
}

func TestSigningKeys_walls(t *testing.T) {
	t.Parallel()
	w, _ := keysWorld(t)
	reader := w.administrator("read:signing_keys")
	const insufficient = "Insufficient scope, expected any of: "
	requireKeyProblem(t, w.browser().manage(http.MethodPost, "/keys/signing/rotate", reader), http.StatusForbidden, "insufficient_scope", insufficient+"create:signing_keys,update:signing_keys")
	requireKeyProblem(t, w.browser().manage(http.MethodPut, "/keys/signing/acme-current/revoke", reader), http.StatusForbidden, "insufficient_scope", insufficient+"update:signing_keys")
	requireKeyProblem(t, w.browser().manage(http.MethodPost, "/keys/signing/rotate", ""), http.StatusUnauthorized, "", "Missing authentication")
	bolt := w.browser()
	bolt.tenant = w.bolt
	updater := w.administrator("update:signing_keys")
	require.Equal(t, http.StatusUnauthorized, bolt.manage(http.MethodPost, "/keys/signing/rotate", updater).StatusCode, "another tenant's administrator")
	_, states := w.signingKeys(reader)
	require.Equal(t, map[string]string{"acme-current": "current", "acme-next": "next"}, states, "nothing has changed")
}

func TestSigningKeys_rotate_five_times_a_day(t *testing.T) {
	t.Parallel()
	w, bearer := keysWorld(t)
	for range 5 {
		w.clock.Advance(time.Minute)
		require.Equal(t, http.StatusCreated, w.browser().manage(http.MethodPost, "/keys/signing/rotate", bearer).StatusCode)
	}
	before, _ := w.signingKeys(bearer)
	res := w.browser().manage(http.MethodPost, "/keys/signing/rotate", bearer)
	requireKeyProblem(t, res, http.StatusTooManyRequests, "too_many_requests",
		"Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.")
	require.Equal(t, "86161", res.Header.Get("Retry-After"))
	require.Equal(t, "5", res.Header.Get("X-RateLimit-Limit"))
	require.Equal(t, "0", res.Header.Get("X-RateLimit-Remaining"))
	require.Equal(t, strconv.FormatInt(w.clock.Now().Unix()+86162, 10), res.Header.Get("X-RateLimit-Reset"), "where the wire tells when to come back")
	after, _ := w.signingKeys(bearer)
	require.Equal(t, before, after)
}

func TestSigningKeys_rotate_while_engines_are_away(t *testing.T) {
	t.Parallel()
	w, bearer := keysWorld(t)
	w.source.Away(fault.Unavailable("vault is away"))
	res := w.browser().manage(http.MethodPost, "/keys/signing/rotate", bearer)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.Equal(t, "1", res.Header.Get("Retry-After"))
	_, states := w.signingKeys(bearer)
	require.Equal(t, map[string]string{"acme-current": "current", "acme-next": "next"}, states)
	w.source.Away(nil)
	require.Equal(t, http.StatusCreated, w.browser().manage(http.MethodPost, "/keys/signing/rotate", bearer).StatusCode)
}

func TestJWKS_without_algorithms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := func() (list []map[string]any) {
		raw, err := json.Marshal(w.browser().get("/.well-known/jwks.json", nil).json(t)["keys"])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &list))
		return list
	}
	with := keys()
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{RemoveAlgFromJWKS: true} })
	without := keys()
	require.Len(t, without, len(with))
	for i := range with {
		require.NotEmpty(t, with[i]["alg"])
		require.NotContains(t, without[i], "alg")
		delete(with[i], "alg")
		require.Equal(t, with[i], without[i], "all else is as before")
	}
	bearer := w.administrator("read:signing_keys")
	require.Equal(t, http.StatusOK, w.browser().manage(http.MethodGet, "/keys/signing", bearer).StatusCode, "this house's own verifiers still hold a key to its algorithm")
}
