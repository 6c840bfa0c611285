package httpkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// A proof that held once is remembered, and no longer than it holds.
func TestProof_remembered(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z")
	seal, err := tenancy.NewSeal(make([]byte, 32), now.Now)
	require.NoError(t, err)
	engine := httpkit.NewEngine(httpkit.Config{Service: "test", Log: slog.New(slog.DiscardHandler), Seal: seal})
	engine.GET("/", func(c *gin.Context) {
		tenant, _ := tenancy.From(c.Request.Context())
		c.String(http.StatusOK, string(tenant.ID))
	})
	ask := func(headers ...string) (int, string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header["Postern-Tenant"] = headers
		rec := httptest.NewRecorder()
		engine.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	one, err := seal.Header(tenancy.Tenant{ID: "tnt_1"})
	require.NoError(t, err)
	two, err := seal.Header(tenancy.Tenant{ID: "tnt_2"})
	require.NoError(t, err)
	for range 3 {
		for header, want := range map[string]string{one: "tnt_1", two: "tnt_2"} {
			status, tenant := ask(header)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, want, tenant)
		}
	}
	for i := range len(one) {
		forged := []byte(one)
		forged[i] ^= 1
		status, _ := ask(string(forged))
		require.Equal(t, http.StatusForbidden, status, "byte %d of a header whose original is remembered", i)
	}
	status, _ := ask(one, two)
	require.Equal(t, http.StatusForbidden, status, "two known ones")
	now.Advance(tenancy.SealLife + time.Second)
	status, _ = ask(one)
	require.Equal(t, http.StatusForbidden, status, "remembered and expired")
}
