package httpapi_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/httpapi"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

var (
	acme   = tenancy.Tenant{ID: "tnt_01ACME", Name: "acme", Host: "acme.eu.postern.test", Canonical: "acme.eu.postern.test"}
	globex = tenancy.Tenant{ID: "tnt_01GLOBEX", Name: "globex", Host: "globex.eu.postern.test", Canonical: "globex.eu.postern.test"}
)

// world is the service over a fake store, as the router and a token holder see it.
type world struct {
	t       *testing.T
	handler http.Handler
	api     *mgmtkit.API
	store   *storetest.Fake
	clients *client.Service
	site    site // what clients publish about themselves
	seal    *tenancy.Seal
	keys    map[tenancy.ID]*ecdsa.PrivateKey
	clock   *clock.Fake

	mu   sync.Mutex
	acts []audit.Act // lines without a change
	told []audit.Act // lines of what was done to clients
	lost error       // what storing one answers
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, site: site{}, store: storetest.NewFake(), clock: clock.At("2026-03-01T12:00:00Z"), keys: map[tenancy.ID]*ecdsa.PrivateKey{}}
	for _, tenant := range []tenancy.Tenant{acme, globex} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		w.keys[tenant.ID] = key
	}
	var err error
	w.seal, err = tenancy.NewSeal(bytes.Repeat([]byte{7}, 32), w.clock.Now)
	require.NoError(t, err)
	w.clients = client.NewService(witness{w.store, w}, w.clock.Now, client.WithDocuments(w.site))
	engine := httpkit.NewEngine(httpkit.Config{Service: "client", Log: slog.New(slog.DiscardHandler), Seal: w.seal})
	keys := jwtkit.NewCachedKeys(func(_ context.Context, tenant tenancy.ID) ([]byte, error) {
		return json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: w.keys[tenant].Public(), KeyID: "kid-" + string(tenant), Algorithm: "ES256", Use: "sig"},
		}})
	}, w.clock.Now)
	w.api = httpapi.Register(engine, httpapi.Deps{
		Clients: w.clients, Verifier: &jwtkit.Verifier{Keys: keys, Now: w.clock.Now}, Recorder: w, Now: w.clock.Now,
		Certificates: func(context.Context, tenancy.ID) []httpapi.Certificate {
			return []httpapi.Certificate{{PEM: "-----BEGIN CERTIFICATE-----", PKCS7: "-----BEGIN PKCS7-----", Subject: "/CN=acme.eu.postern.test"}}
		},
	})
	w.handler = engine
	return w
}

// witness is the world's store, which remembers the lines that writes to clients leave.
type witness struct {
	*storetest.Fake

	w *world
}

// CreateClient implements client.Store.
func (s witness) CreateClient(ctx context.Context, tenant tenancy.ID, c client.Client, everywhere bool) error {
	s.w.tell(audit.From(ctx).Answered(c))
	return s.Fake.CreateClient(ctx, tenant, c, everywhere)
}

// UpdateClient implements client.Store.
func (s witness) UpdateClient(ctx context.Context, tenant tenancy.ID, c client.Client) error {
	s.w.tell(audit.From(ctx).Answered(c))
	return s.Fake.UpdateClient(ctx, tenant, c)
}

func (w *world) tell(act audit.Act) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, act)
}

// Record implements mgmtkit.Recorder.
func (w *world) Record(_ context.Context, _ tenancy.ID, act audit.Act) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, act)
	return w.lost
}

// token is a Management API token of the tenant with the scopes.
func (w *world) token(t tenancy.Tenant, scopes string) string {
	w.t.Helper()
	claims := map[string]any{
		"iss": t.Issuer(), "sub": "caller@clients", "aud": t.ManagementAudience(), "azp": "caller", "gty": "client-credentials",
		"iat": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Hour).Unix(), "scope": scopes,
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.keys[t.ID], KeyID: "kid-" + string(t.ID)}}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	require.NoError(w.t, err)
	payload, err := json.Marshal(claims)
	require.NoError(w.t, err)
	signed, err := signer.Sign(payload)
	require.NoError(w.t, err)
	raw, err := signed.CompactSerialize()
	require.NoError(w.t, err)
	return raw
}

// everyScope is what the operations of this service ask for.
const everyScope = "read:clients create:clients update:clients delete:clients read:client_keys update:client_keys " +
	"read:client_credentials create:client_credentials update:client_credentials delete:client_credentials " +
	"read:resource_servers create:resource_servers update:resource_servers delete:resource_servers " +
	"read:client_grants create:client_grants update:client_grants delete:client_grants read:organization_client_grants " +
	"read:connections create:connections update:connections delete:connections " +
	"read:token_exchange_profiles create:token_exchange_profiles update:token_exchange_profiles delete:token_exchange_profiles " +
	"read:scim_config create:scim_config update:scim_config delete:scim_config read:scim_token create:scim_token delete:scim_token " +
	"read:actions"

// answer is what came back.
type answer struct {
	status int
	raw    string
	body   map[string]any   // when it is an object
	list   []map[string]any // when it is an array
	header http.Header
}

// request goes through the router's door as t with a raw body.
func (w *world) request(t tenancy.Tenant, scopes, method, path, body string) answer {
	w.t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, "/api/v2"+path, in)
	sealed, err := w.seal.Header(t)
	require.NoError(w.t, err)
	r.Header.Set(tenancy.Header, sealed)
	r.Header.Set("Authorization", "Bearer "+w.token(t, scopes))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return w.serve(r)
}

func (w *world) serve(r *http.Request) answer {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	a := answer{status: rec.Code, raw: rec.Body.String(), header: rec.Header()}
	switch {
	case strings.HasPrefix(a.raw, "{"):
		require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &a.body))
	case strings.HasPrefix(a.raw, "["):
		require.NoError(w.t, json.Unmarshal(rec.Body.Bytes(), &a.list))
	}
	return a
}

// do is request as acme with every scope and a body that is encoded here.
func (w *world) do(method, path string, body any) answer {
	w.t.Helper()
	raw := ""
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(w.t, err)
		raw = string(b)
	}
	return w.request(acme, everyScope, method, path, raw)
}

// created posts and wants 201.
func (w *world) created(path string, body any) map[string]any {
	w.t.Helper()
	a := w.do(http.MethodPost, path, body)
	require.Equal(w.t, http.StatusCreated, a.status, a.raw)
	return a.body
}

func (w *world) refused(a answer, status int, code, message string) {
	w.t.Helper()
	require.Equal(w.t, status, a.status, a.raw)
	got, _ := a.body["errorCode"].(string)
	require.Equal(w.t, code, got, a.raw)
	require.InEpsilon(w.t, status, a.body["statusCode"], 0, a.raw)
	require.Equal(w.t, http.StatusText(status), a.body["error"], a.raw)
	require.Equal(w.t, message, a.body["message"], a.raw)
}

type m = map[string]any
