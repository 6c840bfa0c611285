package edge_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/services/router/internal/limit"
)

func TestEdge_ManagementRate(t *testing.T) {
	t.Parallel()
	const clients = "https://acme.eu.example.test/api/v2/clients"
	t.Run("every_answer_tells_of_the_bucket", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Described = &described{}
		w.deps.Limiter, w.deps.Management = limit.New(2000, 4000, w.clock.Now), limit.New(500, 1000, w.clock.Now)
		for i, path := range []string{"clients", "clients/x", "nonsense", "", "openapi.json", "docs"} {
			rec := w.ask(t, "https", "https://acme.eu.example.test/api/v2/"+path)
			require.Equal(t, "1000", rec.Header().Get("X-Ratelimit-Limit"), path)
			require.Equal(t, strconv.Itoa(999-i), rec.Header().Get("X-Ratelimit-Remaining"), path)
			require.Equal(t, strconv.FormatInt(w.clock.Now().Unix()+1, 10), rec.Header().Get("X-Ratelimit-Reset"), path)
		}
		rec := w.ask(t, "https", "https://acme.eu.example.test/authorize")
		require.Equal(t, "4000", rec.Header().Get("X-Ratelimit-Limit"), "a login has nothing to do with it")
		require.Equal(t, "999", w.ask(t, "https", "https://acme.us.example.test/api/v2/clients").Header().Get("X-Ratelimit-Remaining"), "nor has another tenant")
	})
	t.Run("past_it_is_429_that_says_when_to_come_back", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Management = limit.New(0.4, 1, w.clock.Now) // one call in 2.5 s
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", clients).Code)
		rec := w.ask(t, "https", clients)
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Nil(t, w.got, "nothing may reach a service")
		var body httpkit.Problem
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
		require.Equal(t, httpkit.Problem{
			StatusCode: 429, Error: "Too Many Requests", ErrorCode: "too_many_requests",
			Message: "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.",
		}, body)
		require.Equal(t, "1", rec.Header().Get("X-Ratelimit-Limit"))
		require.Equal(t, "0", rec.Header().Get("X-Ratelimit-Remaining"))
		require.Equal(t, "3", rec.Header().Get("Retry-After"), "2.5 s, rounded up")
		require.Equal(t, strconv.FormatInt(w.clock.Now().Unix()+3, 10), rec.Header().Get("X-Ratelimit-Reset"))
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.eu.example.test/authorize").Code, "logins go on")
		w.clock.Advance(3 * time.Second)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", clients).Code)
	})
	t.Run("what_the_tenants_own_bucket_refuses_is_refused_first", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Limiter, w.deps.Management = limit.New(1, 1, w.clock.Now), limit.New(500, 1000, w.clock.Now)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", clients).Code)
		rec := w.ask(t, "https", clients)
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Equal(t, "1", rec.Header().Get("X-Ratelimit-Limit"))
	})
}
