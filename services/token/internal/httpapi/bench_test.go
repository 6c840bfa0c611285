package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/events"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// stamp is a signer that costs nothing, so that what is measured is all but the signature.
type stamp struct{ sig [256]byte }

func (s *stamp) Sign(context.Context, tenancy.ID, token.SigningKey, string, []byte) ([]byte, error) {
	return s.sig[:], nil
}

// sink takes encoded events as the queue in memory does, and forgets them.
type sink struct{ bytes int }

func (s *sink) Deliver(_ context.Context, _, _ string, payload []byte) error {
	s.bytes += len(payload)
	return nil
}

// BenchmarkClientCredentials is a request inside the handler: edge seal, parsing, client, checks, claims, event; not the signature.
func BenchmarkClientCredentials(b *testing.B) {
	ten := tenantOf("tnt_acme", "acme")
	config := tokentest.NewConfiguration()
	key := func(id string) tokentest.Key { return tokentest.Key{Tenant: ten.ID, ID: id} }
	config.Clients[key("machine")] = &token.Client{ID: "machine", Secret: "machine-secret", AuthMethod: oauth.AuthPost, GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials}}
	config.ResourceServers[key(apiAudience)] = &token.ResourceServer{Identifier: apiAudience, Scopes: []string{"read:x"}}
	config.Grants[key("machine "+apiAudience)] = &token.ClientGrant{Scope: []string{"read:x", "write:x"}}
	store := storetest.NewFake()
	if _, err := store.PublishKeys(b.Context(), ten.ID, []token.SigningKey{tokentest.SharedSigner(b, 0).Key(b, "kid-current-0123456789", 1, token.KeyCurrent)}, token.Fact{}); err != nil {
		b.Fatal(err)
	}
	seal, err := tenancy.NewSeal([]byte(strings.Repeat("k", 32)), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, httpapi.Deps{Endpoint: token.NewEndpoint(token.EndpointDeps{
		Config: config, Policy: token.NewPolicy(config, storetest.NewFake()), Now: time.Now,
		Issuer: &token.Issuer{Keys: keyring.New(store, time.Now), Signer: &stamp{}},
		Grants: []token.Grant{&token.ClientCredentials{Config: config, Queue: events.Queue{Buffer: &sink{}}}},
		Auth:   token.NewAuthenticator(config, nil, storetest.NewFake()), Proofs: token.NewProofs(nil, storetest.NewFake()),
	})})
	sealed, err := seal.Header(ten)
	if err != nil {
		b.Fatal(err)
	}
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "audience": {apiAudience}}.Encode()
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set(tenancy.Header, sealed)
		req.Header.Set("X-Forwarded-For", "203.0.113.7")
		rec := httptest.NewRecorder()
		engine.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Body.String())
		}
	}
}
