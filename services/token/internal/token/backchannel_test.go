package token_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const (
	logoutURL = "https://rp.example/backchannel"
	acmeHost  = "acme.eu.postern.localhost:8443"
)

var acme = tenancy.Tenant{ID: "tnt_acme", Name: "acme", Host: acmeHost}

// clients are the far end of back-channel logout.
type clients struct {
	mu     sync.Mutex
	heard  []string // logout tokens, by order
	urls   []string
	answer func(url string) (int, error)
}

func (c *clients) SendLogout(_ context.Context, url, raw string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.urls = append(c.heard, raw), append(c.urls, url)
	if c.answer != nil {
		return c.answer(url)
	}
	return 200, nil
}

// telling is a session at clients, and what tells them of its end.
type telling struct {
	t      *testing.T
	clock  *clock.Fake
	store  *storetest.Fake
	config *tokentest.Configuration
	signer *tokentest.Signer
	far    *clients
	teller *token.Teller
}

func newTelling(t *testing.T) *telling {
	t.Helper()
	w := &telling{
		t: t, clock: clock.At("2026-03-01T12:00:00Z"), store: storetest.NewFake(), config: tokentest.NewConfiguration(),
		signer: tokentest.SharedSigner(t, 0), far: &clients{},
	}
	_, err := w.store.PublishKeys(t.Context(), acme.ID, []token.SigningKey{w.signer.Key(t, "kid-1", 1, token.KeyCurrent)}, token.Fact{})
	require.NoError(t, err)
	issuer := &token.Issuer{Keys: keyring.New(w.store, w.clock.Now), Signer: w.signer}
	w.teller = &token.Teller{Queue: w.store, Config: w.config, Issuer: issuer, Sender: w.far, Now: w.clock.Now}
	w.client("web", token.Backchannel{URL: logoutURL})
	return w
}

func (w *telling) client(id string, b token.Backchannel) {
	w.config.Change(func(c *tokentest.Configuration) {
		c.Clients[tokentest.Key{Tenant: acme.ID, ID: id}] = &token.Client{ID: id, Name: "App " + id, Backchannel: b}
	})
}

// session opens one at the clients.
func (w *telling) session(id string, at ...string) {
	w.t.Helper()
	ctx, now := w.t.Context(), w.clock.Now()
	tx := token.Transaction{State: token.HashOf("state of " + id), Expires: now.Add(time.Hour)}
	require.NoError(w.t, w.store.SaveTransaction(ctx, acme.ID, tx))
	s := token.Session{
		ID: id, Secret: token.HashOf(id), UserID: "auth0|ada", AuthTime: now, IdleUntil: now.Add(time.Hour), Until: now.Add(time.Hour),
		Host: acmeHost, TenantName: "acme", Created: now,
	}
	require.NoError(w.t, w.store.OpenSession(ctx, acme.ID, token.Opening{Session: s, State: tx.State}))
	for _, client := range at {
		require.NoError(w.t, w.store.ContinueSession(ctx, acme.ID, token.SessionUse{SessionID: id, ClientID: client, Now: now, IdleUntil: s.IdleUntil}))
	}
}

func (w *telling) end(id string, by token.Initiator) {
	w.t.Helper()
	n, err := w.store.EndSessions(w.t.Context(), acme.ID, token.SessionEnd{SessionID: id, By: by, Now: w.clock.Now()}, false)
	require.NoError(w.t, err)
	require.Equal(w.t, 1, n)
}

func (w *telling) tell() int {
	w.t.Helper()
	n, err := w.tellIn(w.t.Context())
	require.NoError(w.t, err)
	return n
}

// tellIn tells what is due and waits until it is told.
func (w *telling) tellIn(ctx context.Context) (int, error) {
	n, err := w.teller.Tell(ctx)
	return n, errors.Join(err, w.teller.Wait())
}

// lines gives what the audit log shows.
func (w *telling) lines() (out []token.Fact) {
	for _, f := range w.store.Facts() {
		if f.Type != "" {
			out = append(out, f)
		}
	}
	return out
}

func (w *telling) claims(raw string) (header, claims map[string]any) {
	w.t.Helper()
	parts := strings.Split(raw, ".")
	require.Len(w.t, parts, 3)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(w.t, err)
	require.NoError(w.t, rsa.VerifyPKCS1v15(&w.signer.Private.PublicKey, crypto.SHA256, sum[:], sig))
	for i, into := range []*map[string]any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(w.t, err)
		require.NoError(w.t, json.Unmarshal(b, into))
	}
	return header, claims
}

// The token is exactly what the specification (OIDC Back-Channel Logout §2.4) and the wire want, and can be taken for no ID token.
func TestTeller_logout_token(t *testing.T) {
	t.Parallel()
	w := newTelling(t)
	w.session("sid-1", "web")
	w.end("sid-1", token.ByLogout)
	require.Equal(t, 1, w.tell())
	require.Equal(t, []string{logoutURL}, w.far.urls)
	header, claims := w.claims(w.far.heard[0])
	require.Equal(t, map[string]any{"alg": "RS256", "typ": "logout+jwt", "kid": "kid-1"}, header)
	jti := claims["jti"]
	require.NotEmpty(t, jti)
	now := float64(w.clock.Now().Unix())
	require.Equal(t, map[string]any{
		"iss": "https://" + acmeHost + "/", "sub": "auth0|ada", "aud": "web", "iat": now, "exp": now + 120, "jti": jti, "sid": "sid-1", "trace_id": jti,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}, claims, "no nonce (§2.4)")
	require.Zero(t, w.tell(), "told once")

	line := w.lines()[0]
	require.Equal(t, "oidc_backchannel_logout_succeeded", line.Type)
	require.Equal(t, []string{"acme", "web", "App web", "auth0|ada", "sid-1", "acme.eu.postern.localhost"}, []string{line.TenantName, line.ClientID, line.ClientName, line.UserID, line.SessionID, line.Hostname})
	require.Equal(t, map[string]any{
		"request": map[string]any{"method": "POST", "backchannel_logout_uri": logoutURL}, "response": map[string]any{"statusCode": 200},
		"initiator": "rp-logout", "session_id": "sid-1", "attempt": 1,
	}, line.Details)
	require.NotContains(t, w.far.heard[0], line.Description)
}

// A client hears what it wants to, and of a logout in any case.
func TestTeller_initiators(t *testing.T) {
	t.Parallel()
	all := []token.Initiator{token.ByLogout, token.ByRevocation, token.ByPassword, token.ByIdentifier, token.ByDeletion, token.ByDeactivation, token.ByExpiry}
	for name, tt := range map[string]struct {
		wants token.Backchannel
		hears []token.Initiator
	}{
		"nothing chosen": {token.Backchannel{URL: logoutURL}, all[:1]},
		"some":           {token.Backchannel{URL: logoutURL, Initiators: []string{"session-revoked", "account-deleted"}}, []token.Initiator{token.ByLogout, token.ByRevocation, token.ByDeletion}},
		"all":            {token.Backchannel{URL: logoutURL, All: true}, all},
		"no URL":         {token.Backchannel{All: true}, nil},
	} {
		w := newTelling(t)
		w.client("web", tt.wants)
		var heard []token.Initiator
		for _, by := range all {
			w.session("sid of "+string(by), "web")
			w.end("sid of "+string(by), by)
			before := len(w.far.heard)
			require.Equal(t, 1, w.tell(), name)
			if len(w.far.heard) > before {
				heard = append(heard, by)
				require.Equal(t, string(by), w.lines()[len(w.lines())-1].Details["initiator"])
			}
		}
		require.Equal(t, tt.hears, heard, name)
		require.Empty(t, w.store.LogoutMessages(), "what nobody wants to hear is not kept")
		require.Len(t, w.lines(), len(heard))
	}
	w := newTelling(t)
	w.session("sid-1", "web")
	w.end("sid-1", token.ByLogout)
	w.config.Change(func(c *tokentest.Configuration) { delete(c.Clients, tokentest.Key{Tenant: acme.ID, ID: "web"}) })
	require.Equal(t, 1, w.tell())
	require.Empty(t, w.store.LogoutMessages(), "a client that is gone hears nothing")
	require.Empty(t, w.far.heard)
}

func TestTeller_session_metadata(t *testing.T) {
	t.Parallel()
	for name, include := range map[string]bool{"wanted": true, "not wanted": false} {
		w := newTelling(t)
		w.client("web", token.Backchannel{URL: logoutURL, Metadata: include})
		w.session("sid-1", "web")
		_, err := w.store.UpdateSession(t.Context(), acme.ID, "sid-1", map[string]string{"k": "v"}, w.clock.Now())
		require.NoError(t, err)
		w.end("sid-1", token.ByLogout)
		w.tell()
		_, claims := w.claims(w.far.heard[0])
		if include {
			require.Equal(t, map[string]any{"k": "v"}, claims["session_metadata"], name)
		} else {
			require.NotContains(t, claims, "session_metadata", name)
		}
	}
}

// A client that does not answer is told again, after a while that grows, under the same jti, until a day has passed.
func TestTeller_tells_again(t *testing.T) {
	t.Parallel()
	w := newTelling(t)
	w.far.answer = func(string) (int, error) { return 503, fault.Invalid("", "The server answered with status 503") }
	w.session("sid-1", "web")
	w.end("sid-1", token.ByLogout)
	began, last, jtis := w.clock.Now(), w.clock.Now(), map[any]bool{}
	var pauses []time.Duration
	for len(w.store.LogoutMessages()) > 0 {
		if w.tell() > 0 {
			_, claims := w.claims(w.far.heard[len(w.far.heard)-1])
			jtis[claims["jti"]] = true
			require.InDelta(t, w.clock.Now().Add(2*time.Minute).Unix(), claims["exp"], 0, "each attempt is good for two minutes")
			pauses, last = append(pauses, w.clock.Now().Sub(last)), w.clock.Now()
		}
		w.clock.Advance(time.Second)
		require.Less(t, w.clock.Now().Sub(began), 25*time.Hour, "given up at last")
	}
	require.Equal(t, []time.Duration{0, 5 * time.Second, 10 * time.Second, 20 * time.Second}, pauses[:4])
	require.IsNonDecreasing(t, pauses)
	require.LessOrEqual(t, pauses[len(pauses)-1], time.Hour)
	require.Len(t, jtis, 1, "a client knows it for the same message")
	for _, line := range w.lines() {
		require.Equal(t, "oidc_backchannel_logout_failed", line.Type)
		require.Equal(t, map[string]any{"statusCode": 503}, line.Details["response"])
		require.Equal(t, []string{"The server answered with status 503"}, line.Details["errors"])
	}
	require.Len(t, w.lines(), len(pauses))
}

func TestTeller_recovers(t *testing.T) {
	t.Parallel()

	t.Run("when_the_client_does", func(t *testing.T) {
		t.Parallel()
		w := newTelling(t)
		w.far.answer = func(string) (int, error) { return 0, fault.Invalid("", "The URL could not be reached") }
		w.session("sid-1", "web")
		w.end("sid-1", token.ByLogout)
		w.tell()
		w.far.answer = nil
		require.Zero(t, w.tell(), "not yet")
		w.clock.Advance(5 * time.Second)
		require.Equal(t, 1, w.tell())
		require.Empty(t, w.store.LogoutMessages())
		require.Equal(t, "oidc_backchannel_logout_succeeded", w.lines()[1].Type)
		require.Equal(t, 2, w.lines()[1].Details["attempt"])
	})

	t.Run("when_something_of_ours_is_away_the_tenants_log_is_silent", func(t *testing.T) {
		t.Parallel()
		for name, breakIt := range map[string]func(*telling, error){
			"vault":       func(w *telling, err error) { w.signer.Away(err) },
			"the clients": func(w *telling, err error) { w.config.Away(err) },
		} {
			w := newTelling(t)
			w.session("sid-1", "web")
			w.end("sid-1", token.ByLogout)
			breakIt(w, fault.Unavailable("away"))
			_, err := w.tellIn(t.Context())
			require.True(t, fault.Is(err, fault.KindUnavailable), name)
			require.Empty(t, w.lines(), name)
			breakIt(w, nil)
			w.clock.Advance(5 * time.Second)
			require.Equal(t, 1, w.tell())
			require.Len(t, w.far.heard, 1, name)
		}
	})

	t.Run("when_the_process_dies_with_a_message_in_hand", func(t *testing.T) {
		t.Parallel()
		w := newTelling(t)
		w.session("sid-1", "web")
		w.end("sid-1", token.ByLogout)
		dying, kill := context.WithCancel(t.Context())
		w.far.answer = func(string) (int, error) {
			kill()
			return 0, context.Canceled
		}
		_, err := w.tellIn(dying)
		require.NoError(t, err)
		require.Empty(t, w.lines(), "it was not the client who failed")
		w.far.answer = nil
		require.Zero(t, w.tell(), "another may still have it in hand")
		w.clock.Advance(30 * time.Second)
		require.Equal(t, 1, w.tell())
		require.Len(t, w.lines(), 1)
	})

	t.Run("when_the_store_fails_after_the_client_heard", func(t *testing.T) {
		t.Parallel()
		w := newTelling(t)
		w.session("sid-0", "web")
		w.end("sid-0", token.ByLogout)
		w.tell() // from now on the keys are in memory, and the store is asked for messages alone
		w.session("sid-1", "web")
		w.end("sid-1", token.ByLogout)
		w.store.FailAfter(1, fault.Unavailable("postgres is away"))
		_, err := w.tellIn(t.Context())
		require.Error(t, err)
		w.clock.Advance(30 * time.Second)
		require.Equal(t, 1, w.tell())
		_, first := w.claims(w.far.heard[1])
		_, second := w.claims(w.far.heard[2])
		require.Equal(t, first["jti"], second["jti"], "heard twice, known by its jti (§2.6)")
		require.Empty(t, w.store.LogoutMessages())
	})
}

// Clients that hang keep those of another tenant waiting for nothing, and those of their own only while as many hang as a tenant may have
// under way; who is told begins at once with what came later.
func TestTeller_clients_that_hang(t *testing.T) {
	t.Parallel()
	w := newTelling(t)
	const share = 8
	var slow []string
	for i := range share + 2 {
		id := fmt.Sprintf("slow-%d", i)
		w.client(id, token.Backchannel{URL: "https://slow.example/"})
		slow = append(slow, id)
	}
	hang, started := make(chan struct{}), make(chan string, 100)
	w.teller.Sender = senderFunc(func(ctx context.Context, url, _ string) (int, error) {
		started <- url
		if url == logoutURL {
			return 200, nil
		}
		select {
		case <-hang:
			return 200, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	w.session("sid-1", slow...)
	w.end("sid-1", token.ByLogout)
	n, err := w.teller.Tell(t.Context())
	require.NoError(t, err)
	require.Equal(t, share, n, "and it waits for nobody")
	n, err = w.teller.Tell(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "a tenant has no more under way")

	w.other(t)
	n, err = w.teller.Tell(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n, "another tenant's is told meanwhile")
	for url := ""; url != logoutURL; {
		url = <-started
	}
	close(hang)
	for range 3 { // what was left of the first tenant's
		<-w.teller.Freed()
		_, err = w.teller.Tell(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.teller.Wait())
		if len(w.store.LogoutMessages()) == 0 {
			break
		}
	}
	require.Empty(t, w.store.LogoutMessages())
}

// other ends a session of another tenant at its one client.
func (w *telling) other(t *testing.T) {
	t.Helper()
	ctx, now := t.Context(), w.clock.Now()
	const tenant = tenancy.ID("tnt_other")
	_, err := w.store.PublishKeys(ctx, tenant, []token.SigningKey{w.signer.Key(t, "kid-2", 1, token.KeyCurrent)}, token.Fact{})
	require.NoError(t, err)
	w.config.Change(func(c *tokentest.Configuration) {
		c.Clients[tokentest.Key{Tenant: tenant, ID: "web"}] = &token.Client{ID: "web", Name: "Web", Backchannel: token.Backchannel{URL: logoutURL}}
	})
	tx := token.Transaction{State: token.HashOf("other"), Expires: now.Add(time.Hour)}
	require.NoError(t, w.store.SaveTransaction(ctx, tenant, tx))
	s := token.Session{
		ID: "sid-2", Secret: token.HashOf("sid-2"), UserID: "auth0|ada", AuthTime: now, IdleUntil: now.Add(time.Hour), Until: now.Add(time.Hour),
		Host: "other.example", TenantName: "other", Created: now,
	}
	require.NoError(t, w.store.OpenSession(ctx, tenant, token.Opening{Session: s, State: tx.State}))
	require.NoError(t, w.store.ContinueSession(ctx, tenant, token.SessionUse{SessionID: s.ID, ClientID: "web", Now: now, IdleUntil: s.IdleUntil}))
	_, err = w.store.EndSessions(ctx, tenant, token.SessionEnd{SessionID: s.ID, By: token.ByLogout, Now: now}, false)
	require.NoError(t, err)
}

type senderFunc func(ctx context.Context, url, raw string) (int, error)

func (f senderFunc) SendLogout(ctx context.Context, url, raw string) (int, error) {
	return f(ctx, url, raw)
}
