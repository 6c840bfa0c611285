package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// nowhere is a response writer that keeps nothing but the header and the status.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkDocuments is discovery and JWKS inside the handler: edge seal, settings, the document as it is kept.
func BenchmarkDocuments(b *testing.B) {
	ten := tenantOf("tnt_acme", "acme")
	config := tokentest.NewConfiguration()
	config.Settings[ten.ID] = &token.Settings{}
	store, signer := storetest.NewFake(), tokentest.SharedSigner(b, 0)
	if _, err := store.PublishKeys(b.Context(), ten.ID, []token.SigningKey{
		signer.Key(b, "kid-current-0123456789", 1, token.KeyCurrent), tokentest.SharedSigner(b, 1).Key(b, "kid-next-0123456789012", 2, token.KeyNext),
		signer.EllipticKey(b, "kid-curve-012345678901", 1, token.KeyCurrent), tokentest.SharedSigner(b, 1).EllipticKey(b, "kid-curve-next-0123456", 2, token.KeyNext),
	}, token.Fact{}); err != nil {
		b.Fatal(err)
	}
	seal, err := tenancy.NewSeal([]byte(strings.Repeat("k", 32)), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, httpapi.Deps{Settings: config, Ring: keyring.New(store, time.Now)})
	sealed, err := seal.Header(ten)
	if err != nil {
		b.Fatal(err)
	}
	for name, path := range map[string]string{"discovery": "/.well-known/openid-configuration", "jwks": "/.well-known/jwks.json"} {
		b.Run(name, func(b *testing.B) {
			req := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
			req.Header.Set(tenancy.Header, sealed)
			req.Header.Set("X-Forwarded-For", "203.0.113.7")
			b.ReportAllocs()
			for b.Loop() {
				w := &nowhere{header: http.Header{}}
				engine.ServeHTTP(w, req)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}
