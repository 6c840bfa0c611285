package httpapi_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const quotaHeader = "Auth0-Client-Quota-Limit"

func TestQuota(t *testing.T) {
	t.Parallel()

	t.Run("refuses_what_is_beyond_it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 2, PerDay: 50, Enforced: true} })
		b := w.browser()
		for _, told := range []string{"b=per_hour;q=2;r=1;t=3600,b=per_day;q=50;r=49;t=43200", "b=per_hour;q=2;r=0;t=3600,b=per_day;q=50;r=48;t=43200"} {
			res := b.machine()
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Equal(t, told, res.Header.Get(quotaHeader))
			require.Empty(t, res.Header.Get("X-RateLimit-Limit"))
		}
		w.signer.Away(fault.Unavailable("no signature is asked for what is refused"))
		res := b.machine()
		requireOAuth(t, res, http.StatusTooManyRequests, "too_many_requests", "Client quota exceeded")
		require.Equal(t, "b=per_hour;q=2;r=0;t=3600,b=per_day;q=50;r=48;t=43200", res.Header.Get(quotaHeader))
		require.Equal(t, []string{"2", "0", "1772370000", "3600"}, []string{
			res.Header.Get("X-RateLimit-Limit"), res.Header.Get("X-RateLimit-Remaining"), res.Header.Get("X-RateLimit-Reset"), res.Header.Get("Retry-After"),
		})
		require.Equal(t, []string{"seccft", "seccft", "feccft"}, w.facts(w.queue))
		require.Equal(t, "Client quota exceeded", w.lastFact(w.queue).Description)
	})

	t.Run("counts_no_token_that_was_not_given", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1, Enforced: true} })
		b := w.browser()
		requireOAuth(t, b.machine("client_secret", "wrong"), 401, "invalid_client", "Client authentication failed")
		require.Equal(t, http.StatusForbidden, b.machine("scope", "admin:x").StatusCode)
		w.signer.Away(fault.Unavailable("away"))
		require.Equal(t, http.StatusServiceUnavailable, b.machine().StatusCode)
		w.signer.Away(nil)
		w.queue.FailNext(fault.Unavailable("away"))
		require.Equal(t, http.StatusServiceUnavailable, b.machine().StatusCode)
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		require.Equal(t, http.StatusTooManyRequests, b.machine().StatusCode)
	})

	t.Run("the_tenants_default_counts_where_the_client_has_none", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{ClientQuota: &token.Quota{PerDay: 1, Enforced: true}}
		})
		b, stranger := w.browser(), w.browser()
		stranger.tenant = w.bolt
		require.Equal(t, "b=per_day;q=1;r=0;t=43200", b.machine().Header.Get(quotaHeader))
		require.Equal(t, http.StatusTooManyRequests, b.machine().StatusCode)
		require.Empty(t, stranger.machine().Header.Get(quotaHeader))
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerDay: 7, Enforced: true} })
		require.Equal(t, "b=per_day;q=7;r=5;t=43200", b.machine().Header.Get(quotaHeader), "what was counted stays counted")
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{} })
		require.Empty(t, b.machine().Header.Get(quotaHeader), "its own of no buckets is none")
	})

	t.Run("what_is_not_enforced_is_told", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1} })
		b := w.browser()
		for range 3 {
			res := b.machine()
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, "b=per_hour;q=1;r=0;t=3600", res.Header.Get(quotaHeader))
		}
		w.quotas.Add(t.Context())
		require.Equal(t, "token_quota_consumption_warning", w.lastFact(w.queue).Type)
	})

	t.Run("is_told_to_its_client_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1, Enforced: true} })
		b := w.browser()
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		for _, more := range [][]string{
			{"client_secret", "wrong"},
			{"client_secret", ""},
			{"client_id", "machine "},
			{"client_id", "MACHINE"},
			{"client_id", "nobody"},
			{"client_id", "machine\x00"},
			{"client_id", strings.Repeat("m", 4096)},
		} {
			res := b.machine(more...)
			require.Contains(t, []int{http.StatusBadRequest, http.StatusUnauthorized}, res.StatusCode, more)
			require.Empty(t, res.Header.Get(quotaHeader), more)
			require.Empty(t, res.Header.Get("X-RateLimit-Limit"), more)
		}
		w.client("second", func(c *token.Client) {
			c.GrantTypes, c.Quota = []oauth.GrantType{oauth.GrantClientCredentials}, &token.Quota{PerHour: 1, Enforced: true}
		})
		w.config.Change(func(c *tokentest.Configuration) {
			c.Grants[tokentest.Key{Tenant: w.acme.ID, ID: "second " + apiAudience}] = &token.ClientGrant{ClientID: "second", Audience: apiAudience}
		})
		require.Equal(t, http.StatusOK, b.machine("client_id", "second", "client_secret", "second-secret").StatusCode, "another client's is another's")
		require.Equal(t, http.StatusTooManyRequests, b.machine().StatusCode)
	})

	t.Run("a_client_without_one_costs_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		before := w.store.Calls()
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		w.quotas.Add(t.Context())
		require.Equal(t, before, w.store.Calls())
	})

	t.Run("the_day_is_told_where_it_is_longer_to_wait_for", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1, PerDay: 2, Enforced: true} })
		b := w.browser()
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		require.Equal(t, "3600", b.machine().Header.Get("Retry-After"), "the hour is full, the day is not")
		w.clock.Advance(time.Hour)
		require.Equal(t, http.StatusOK, b.machine().StatusCode, "another hour")
		res := b.machine()
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, "b=per_hour;q=1;r=0;t=3600,b=per_day;q=2;r=0;t=39600", res.Header.Get(quotaHeader))
		require.Equal(t, []string{"2", "0", "1772409600", "39600"}, []string{
			res.Header.Get("X-RateLimit-Limit"), res.Header.Get("X-RateLimit-Remaining"), res.Header.Get("X-RateLimit-Reset"), res.Header.Get("Retry-After"),
		})
		w.clock.Advance(11*time.Hour - 500*time.Millisecond)
		require.Equal(t, "1", b.machine().Header.Get("Retry-After"), "never 0, which would be now")
		w.clock.Advance(500 * time.Millisecond)
		require.Equal(t, "b=per_hour;q=1;r=0;t=3600,b=per_day;q=2;r=1;t=86400", b.machine().Header.Get(quotaHeader))
	})

	t.Run("strangers_neither_see_nor_spend_it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1, Enforced: true} })
		b, stranger := w.browser(), w.browser()
		stranger.tenant = w.bolt
		for name, res := range map[string]answer{
			"a_wrong_secret": b.machine("client_secret", "wrong"), "nobody": b.machine("client_id", "nobody"), "no_secret": b.machine("client_secret", ""),
			"another_tenants_of_that_name": stranger.machine(), "a_header_of_theirs": b.machine("client_id", "machine\r\n"+quotaHeader+": x"),
		} {
			require.Empty(t, res.Header.Values(quotaHeader), name)
		}
		require.Equal(t, http.StatusOK, b.machine().StatusCode)
		refused := b.machine("client_secret", "wrong")
		requireOAuth(t, refused, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		require.Empty(t, refused.Header.Get(quotaHeader), "nor that it is exhausted")
	})

	t.Run("values_that_nobody_would_set", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			quota token.Quota
			told  string
		}{
			"the_largest":       {token.Quota{PerHour: 1<<31 - 1, Enforced: true}, "b=per_hour;q=2147483647;r=2147483646;t=3600"},
			"beyond_counting":   {token.Quota{PerHour: math.MaxInt64, Enforced: true}, "b=per_hour;q=9223372036854775807;r=9223372036854775806;t=3600"},
			"negative":          {token.Quota{PerHour: -1, PerDay: -1, Enforced: true}, ""},
			"a_day_of_less":     {token.Quota{PerHour: 5, PerDay: 1, Enforced: true}, "b=per_hour;q=5;r=4;t=3600,b=per_day;q=1;r=0;t=43200"},
			"enforcing_nothing": {token.Quota{Enforced: true}, ""},
		} {
			w := newWorld(t)
			w.client("machine", func(m *token.Client) { m.Quota = &c.quota })
			res := w.browser().machine()
			require.Equal(t, http.StatusOK, res.StatusCode, name)
			require.Equal(t, c.told, res.Header.Get(quotaHeader), name)
			w.quotas.Add(t.Context())
			warned := w.lastFact(w.queue).Type == "token_quota_consumption_warning"
			require.Equal(t, c.quota.PerDay == 1, warned, name)
		}
	})

	t.Run("of_many_at_once_no_more_than_it_has", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 5, Enforced: true} })
		statuses := make(chan int, 20)
		for range cap(statuses) {
			b := w.browser()
			go func() { statuses <- b.machine().StatusCode }()
		}
		got := map[int]int{}
		for range cap(statuses) {
			got[<-statuses]++
		}
		require.Equal(t, map[int]int{http.StatusOK: 5, http.StatusTooManyRequests: 15}, got)
	})

	t.Run("is_of_machines_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		w.client("web", func(c *token.Client) { c.Quota = &token.Quota{PerHour: 1, Enforced: true} })
		for range 3 {
			res := b.password()
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Empty(t, res.Header.Get(quotaHeader))
		}
	})
}
