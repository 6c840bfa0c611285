package storetest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Store is all that the suite tries.
type Store interface {
	token.KeyStore
	token.LoginStore
	token.CodeStore
	token.OpaqueStore
	token.AssertionStore
	token.RefreshStore
	token.RefreshAdmin
	token.DeviceKeyStore
	token.ConsentStore
	token.PushStore
	token.TransferStore
	token.SessionAdmin
	token.LogoutQueue
	token.DeviceStore
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
	token.QuotaStore
	Sweep(ctx context.Context, now time.Time) (int, error)
}

// Opened is a store and a way to see the facts it wrote for a tenant, oldest first, by their type or, without one, their name.
type Opened struct {
	Store Store
	Facts func(tenant tenancy.ID) []string
}

// Run tries a store against its contract. Each subtest opens its own.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	t.Helper()
	for name, try := range map[string]func(*testing.T, *world){
		"keys":         tryKeys,
		"key_rotation": tryKeyRotation,
		"shown keys":   tryShownKeys,
		"transactions": tryTransactions,
		"sessions":     trySessions,
		"codes":        tryCodes,
		"tokens":       tryTokens,
		"assertions":   tryAssertions,
		"refresh":      tryRefreshTokens,
		"rotation":     tryRotation,
		"binding":      tryBinding,
		"leeway":       tryLeeway,
		"migration":    tryMigration,
		"refresh ends": tryRefreshEnds,
		"token counts": tryTokenCounts,
		"online":       tryOnline,
		"transfers":    tryTransfers,
		"management":   tryRefreshAdmin,
		"devices":      tryDeviceKeys,
		"consents":     tryConsents,
		"pushed":       tryPushed,
		"device codes": tryDeviceCodes,
		"completions":  tryCompletions,
		"participants": tryParticipants,
		"reopening":    tryReopening,
		"replacing":    tryReplacing,
		"admin":        trySessionAdmin,
		"ends before":  tryEndsBefore,
		"ends of both": tryEndsWithRefreshTokens,
		"underway":     tryEndsUnderway,
		"logins":       tryLoginsUnderway,
		"revoked":      tryRevokedSessions,
		"withdrawn":    tryWithdrawnConsents,
		"families":     tryEndedFamilies,
		"revoking":     tryRevokedUnderway,
		"messages":     tryLogoutMessages,
		"claims":       tryClaims,
		"expiry":       tryExpiry,
		"facts":        tryFacts,
		"removal":      tryRemoval,
		"sweep":        trySweep,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := testkit.Tenants(2)
			o := open(t)
			try(t, &world{Store: o.Store, facts: o.Facts, a: ids[0], b: ids[1], now: clock.At("2026-03-01T12:00:00Z").Now()})
		})
	}
}

type world struct {
	Store

	facts func(tenancy.ID) []string
	a, b  tenancy.ID
	now   time.Time
}

func (w *world) fact(kind string) token.Fact {
	return token.Fact{Tenant: w.a, Time: w.now, Name: token.LoginSucceeded, Type: kind}
}

func notFoundHere(t *testing.T, err error) {
	t.Helper()
	testkit.RequireFault(t, err, fault.KindNotFound)
}

func aKey(t *testing.T, kid string, version int, state token.KeyState) token.SigningKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	at := clock.At("2026-03-01T12:00:00Z").Now()
	key := token.SigningKey{
		KeyVersion: token.KeyVersion{Alg: token.AlgRS256, Version: version, Public: &private.PublicKey}, KeyID: kid, State: state,
		Certificate: []byte("der of " + kid), Created: at,
	}
	if state == token.KeyCurrent {
		key.Since = at
	}
	return key
}

func tryKeys(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	one, two := aKey(t, "kid-one", 1, token.KeyCurrent), aKey(t, "kid-two", 2, token.KeyNext)
	none, err := w.ListKeys(ctx, w.a)
	require.NoError(t, err, "no keys are no error")
	require.Empty(t, none)

	all, err := w.PublishKeys(ctx, w.a, []token.SigningKey{one, two}, w.fact("k"))
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{one, two}, all, "what was published comes back as it was, by version")

	again := aKey(t, "kid-other", 1, token.KeyCurrent)
	all, err = w.PublishKeys(ctx, w.a, []token.SigningKey{again}, w.fact("k"))
	require.NoError(t, err)
	require.Equal(t, []token.SigningKey{one, two}, all, "a version that is there keeps its key ID")
	require.Equal(t, []string{"k"}, w.facts(w.a), "a publication that changed nothing leaves no fact")

	strangers, err := w.ListKeys(ctx, w.b)
	require.NoError(t, err)
	require.Empty(t, strangers, "a stranger sees no keys")
	all, err = w.PublishKeys(ctx, w.b, []token.SigningKey{aKey(t, "kid-one", 1, token.KeyCurrent)}, token.Fact{Tenant: w.b, Time: w.now, Name: token.KeysPublished, Type: "k"})
	require.NoError(t, err)
	require.Len(t, all, 1, "another tenant's key ID and version are its own")

	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			key := aKey(t, "kid-three", 3, token.KeyNext)
			key.KeyID += randomSuffix()
			_, err := w.PublishKeys(ctx, w.a, []token.SigningKey{key}, w.fact("k"))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	all, err = w.ListKeys(ctx, w.a)
	require.NoError(t, err)
	require.Len(t, all, 3, "of concurrent publications of one version one wins")
	require.Equal(t, []string{"k", "k"}, w.facts(w.a))

	other := anEllipticKey(t, "kid-elliptic", 1, token.KeyCurrent)
	all, err = w.PublishKeys(ctx, w.a, []token.SigningKey{other}, w.fact("k"))
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Equal(t, []token.SigningKey{one, other, two}, all[:3], "each algorithm counts its versions for itself, and has its own current key")
}

func randomSuffix() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return string([]byte{'a' + b[0]%26, 'a' + b[1]%26, 'a' + b[2]%26, 'a' + b[3]%26})
}

func (w *world) transaction(state string) token.Transaction {
	return token.Transaction{
		State: token.HashOf(state), Browser: token.HashOf("browser"), Began: w.now, Expires: w.now.Add(time.Hour),
		Request: token.Request{
			ClientID: "client", RedirectURI: "https://app.example/cb", RedirectSent: true, Mode: token.ModeQuery, State: "s", Nonce: "n",
			Scope: token.Scope{"openid", "email"}, Audience: "https://api.example", Challenge: "c", ChallengeMethod: "S256", Thumbprint: thumbprint,
			Prompt: []string{"login"}, MaxAge: 0, LoginHint: "ada@example.com", Subject: "auth0|1", Connection: "db", Locales: "de",
			Types: token.ResponseType{Code: true, IDToken: true}, Issuer: "https://acme/", ScreenHint: "signup", ACRValues: []string{"urn:x"},
			Claims: token.ClaimsRequest{IDToken: []string{"email"}, Userinfo: []string{"name"}},
		},
	}
}

func tryTransactions(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	tx := w.transaction("state")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	got, err := w.FindTransaction(ctx, w.a, tx.State, w.now)
	require.NoError(t, err)
	require.Equal(t, tx, got, "a transaction comes back as it was")

	_, err = w.FindTransaction(ctx, w.b, tx.State, w.now)
	notFoundHere(t, err)
	_, err = w.FindTransaction(ctx, w.a, token.HashOf("another"), w.now)
	notFoundHere(t, err)
	_, err = w.FindTransaction(ctx, w.a, tx.State, tx.Expires)
	notFoundHere(t, err)

	notFoundHere(t, w.CompleteTransaction(ctx, w.a, w.completion(tx, "by a stranger"))) // nobody logged in yet
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: w.session("sid-1"), State: tx.State, Fact: w.fact("s")}))
	notFoundHere(t, w.CompleteTransaction(ctx, w.b, w.completion(tx, "by a stranger")))
	require.NoError(t, w.CompleteTransaction(ctx, w.a, w.completion(tx, "code")))
	notFoundHere(t, w.CompleteTransaction(ctx, w.a, w.completion(tx, "again")))
	_, err = w.FindCode(ctx, w.a, token.HashOf("code"), w.now)
	require.NoError(t, err)
	for _, code := range []string{"by a stranger", "again"} {
		_, err = w.FindCode(ctx, w.a, token.HashOf(code), w.now)
		notFoundHere(t, err)
		_, err = w.FindCode(ctx, w.b, token.HashOf(code), w.now)
		notFoundHere(t, err)
	}
}

func (w *world) session(id string) token.Session {
	return token.Session{
		ID: id, Secret: token.HashOf("cookie of " + id), UserID: "auth0|1", Connection: token.Connection{ID: "con_1", Name: "db", Strategy: "auth0"},
		AuthTime: w.now, LastUsed: w.now, IdleUntil: w.now.Add(time.Hour), Until: w.now.Add(24 * time.Hour), Host: "acme.example:8443", TenantName: "acme", Created: w.now,
		First: token.Origin{IP: "203.0.113.7", UserAgent: "ua"}, Last: token.Origin{IP: "203.0.113.7", UserAgent: "ua"},
	}
}

func (w *world) end(id string) token.SessionEnd {
	return token.SessionEnd{SessionID: id, By: token.ByLogout, Now: w.now}
}

func trySessions(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	s, tx := w.session("sid-1"), w.transaction("state")
	notFoundHere(t, w.OpenSession(ctx, w.a, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	_, err := w.FindSession(ctx, w.a, s.Secret, w.now)
	notFoundHere(t, err)

	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	notFoundHere(t, w.OpenSession(ctx, w.b, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	got, err := w.FindSession(ctx, w.a, s.Secret, w.now)
	require.NoError(t, err)
	require.Equal(t, s, got)
	found, err := w.FindTransaction(ctx, w.a, tx.State, w.now)
	require.NoError(t, err)
	require.Equal(t, "sid-1", found.SessionID, "the transaction knows its session")

	_, err = w.FindSession(ctx, w.b, s.Secret, w.now)
	notFoundHere(t, err)
	_, err = w.FindSession(ctx, w.a, s.Secret, s.IdleUntil)
	notFoundHere(t, err)

	use := token.SessionUse{SessionID: s.ID, Now: w.now.Add(time.Minute), IdleUntil: s.Until.Add(time.Hour), ClientID: "client", Given: w.given("by session"), Fact: new(w.fact("ssa"))}
	notFoundHere(t, w.ContinueSession(ctx, w.b, use))
	require.NoError(t, w.ContinueSession(ctx, w.a, use))
	got, err = w.FindSession(ctx, w.a, s.Secret, w.now)
	require.NoError(t, err)
	require.Equal(t, s.Until, got.IdleUntil, "idle never outlives absolute")
	_, err = w.FindCode(ctx, w.a, token.HashOf("by session"), w.now)
	require.NoError(t, err)

	second := w.session("sid-2")
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: second, Replaces: s.ID, State: tx.State, Fact: w.fact("s")}))
	_, err = w.FindSession(ctx, w.a, s.Secret, w.now)
	notFoundHere(t, err)
	use.Given = w.given("after the end")
	notFoundHere(t, w.ContinueSession(ctx, w.a, use))
	_, err = w.FindCode(ctx, w.a, token.HashOf("after the end"), w.now)
	notFoundHere(t, err)

	notFoundHere(t, w.EndSession(ctx, w.b, w.end(second.ID), w.fact("slo")))
	require.NoError(t, w.EndSession(ctx, w.a, w.end(second.ID), w.fact("slo")))
	notFoundHere(t, w.EndSession(ctx, w.a, w.end(second.ID), w.fact("slo")))
	require.Equal(t, []string{"s", "ssa", "s", "slo"}, w.facts(w.a), "a step leaves its fact, and one that changed nothing leaves none")
	require.Empty(t, w.facts(w.b))
}

func (w *world) code(raw string) token.Authorization {
	return token.Authorization{
		ClientID: "client", UserID: "auth0|1", Audience: "https://api.example", Scope: token.Scope{"openid", "read:x"},
		Connection: token.Connection{ID: "con_1", Name: "db", Strategy: "auth0"}, SessionID: "sid-1", Nonce: "n", AuthTime: w.now,
		WantAuthTime: true, Code: token.HashOf(raw), RedirectURI: "https://app.example/cb", RedirectSent: true,
		Challenge: "c", ChallengeMethod: "S256", Thumbprint: thumbprint, Claims: token.ClaimsRequest{IDToken: []string{"email"}}, Issued: w.now, Expires: w.now.Add(time.Minute),
	}
}

func (w *world) given(raw string) token.Given {
	code := w.code(raw)
	return token.Given{Code: &code}
}

func (w *world) completion(tx token.Transaction, raw string) token.Completion {
	return token.Completion{State: tx.State, SessionID: "sid-1", ClientID: "client", Now: w.now, Given: w.given(raw)}
}

// save stores a code the way logins do.
func (w *world) save(t *testing.T) token.Authorization {
	t.Helper()
	tx, code := w.transaction("state of the code"), w.code("code")
	require.NoError(t, w.SaveTransaction(t.Context(), w.a, tx))
	require.NoError(t, w.OpenSession(t.Context(), w.a, token.Opening{Session: w.session("sid-1"), State: tx.State, Fact: w.fact("s")}))
	require.NoError(t, w.CompleteTransaction(t.Context(), w.a, token.Completion{SessionID: "sid-1", ClientID: "client", Now: w.now, State: tx.State, Given: token.Given{Code: &code}}))
	return code
}

func tryCodes(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	code := w.save(t)
	got, err := w.FindCode(ctx, w.a, code.Code, w.now)
	require.NoError(t, err)
	require.Equal(t, code, got, "a code stands for what it was made of")
	_, err = w.FindCode(ctx, w.b, code.Code, w.now)
	notFoundHere(t, err)
	_, err = w.FindCode(ctx, w.a, code.Code, code.Expires)
	notFoundHere(t, err)

	redemption := token.Redemption{Code: code.Code, Now: w.now, Fact: w.fact("seacft")}
	notFoundHere(t, w.RedeemCode(ctx, w.b, redemption))
	late := redemption
	late.Now = code.Expires
	notFoundHere(t, w.RedeemCode(ctx, w.a, late))

	var mu sync.Mutex
	var wg sync.WaitGroup
	won := 0
	for range 8 {
		wg.Go(func() {
			err := w.RedeemCode(ctx, w.a, redemption)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.KindNotFound) {
				t.Errorf("the loser got %v, want not found", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 1, won, "of concurrent redemptions one wins")
	got, err = w.FindCode(ctx, w.a, code.Code, w.now)
	require.NoError(t, err)
	require.True(t, got.Redeemed, "a used code is still known as used")
	require.Equal(t, []string{"s", "seacft"}, w.facts(w.a))
}

func tryFacts(t *testing.T, w *world) {
	t.Helper()
	require.NoError(t, w.RecordFact(t.Context(), w.fact("fp")))
	require.Equal(t, []string{"fp"}, w.facts(w.a))
	require.Empty(t, w.facts(w.b))
}

func tryRemoval(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	_, err := w.PublishKeys(ctx, w.a, []token.SigningKey{aKey(t, "kid-one", 1, token.KeyCurrent)}, w.fact("k"))
	require.NoError(t, err)
	code, tx := w.save(t), w.transaction("state")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))

	require.NoError(t, w.UseAssertion(ctx, w.a, token.HashOf("assertion"), w.now.Add(time.Hour)))
	require.NoError(t, w.RemoveTenant(ctx, w.b))
	_, err = w.FindCode(ctx, w.a, code.Code, w.now)
	require.NoError(t, err, "a stranger's removal removes nothing")

	require.NoError(t, w.RemoveTenant(ctx, w.a))
	require.NoError(t, w.RemoveTenant(ctx, w.a), "a repeat is fine")
	_, err = w.FindCode(ctx, w.a, code.Code, w.now)
	notFoundHere(t, err)
	_, err = w.FindTransaction(ctx, w.a, tx.State, w.now)
	notFoundHere(t, err)
	keys, err := w.ListKeys(ctx, w.a)
	require.NoError(t, err)
	require.Empty(t, keys)
	require.NoError(t, w.UseAssertion(ctx, w.a, token.HashOf("assertion"), w.now.Add(time.Hour)), "nothing is remembered")
}

func trySweep(t *testing.T, w *world) {
	t.Helper()
	ctx := t.Context()
	code := w.save(t)
	s, tx := w.session("sid-1"), w.transaction("state")
	require.NoError(t, w.SaveTransaction(ctx, w.a, tx))
	require.NoError(t, w.OpenSession(ctx, w.a, token.Opening{Session: s, State: tx.State, Fact: w.fact("s")}))
	require.NoError(t, w.SaveTransaction(ctx, w.b, w.transaction("of another tenant")))

	require.NoError(t, w.UseAssertion(ctx, w.a, token.HashOf("assertion"), code.Expires))

	n, err := w.Sweep(ctx, w.now)
	require.NoError(t, err)
	require.Zero(t, n, "what is alive stays")
	n, err = w.Sweep(ctx, code.Expires)
	require.NoError(t, err)
	require.Equal(t, 2, n, "the code is over, and the assertion")
	_, err = w.FindSession(ctx, w.a, s.Secret, w.now)
	require.NoError(t, err)
	n, err = w.Sweep(ctx, deadFrom(s))
	require.NoError(t, err)
	require.Equal(t, 3, n, "the session and both tenants' transactions are over")
}
