package httpapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/httpapi"
	"github.com/postern-id/postern/services/log/internal/store/storetest"
)

// verifier takes scopes for a token.
type verifier struct{}

func (verifier) VerifyAccess(_ context.Context, _ tenancy.Tenant, raw, _ string) (jwtkit.Claims, error) {
	if raw == "bad" {
		return jwtkit.Claims{}, fault.Unauthenticated("Invalid token")
	}
	return jwtkit.Claims{Subject: "c@clients", AuthorizedParty: "c", Scope: strings.Fields(raw)}, nil
}

type door struct {
	handler http.Handler
	seal    *tenancy.Seal
	log     *auditlog.Service
}

// newDoor opens a door to a log with five entries: odd ones are logins of a user, even ones machine tokens.
func newDoor(t *testing.T) door {
	t.Helper()
	now := clock.At(storetest.Today().Add(15 * time.Hour).Format(time.RFC3339)).Now
	seal, err := tenancy.NewSeal(make([]byte, 32), now)
	require.NoError(t, err)
	log := auditlog.NewService(auditlog.Deps{Store: storetest.NewFake(), Log: slog.New(slog.DiscardHandler), Now: now})
	require.NoError(t, log.Upkeep(t.Context()))
	var batch []auditlog.Entry
	for n := range 5 {
		e := storetest.Entry(n)
		if n%2 == 0 {
			e.Type, e.UserID, e.ClientID = "seccft", "", "m2m"
		}
		batch = append(batch, e)
	}
	require.NoError(t, log.Ingest(t.Context(), batch))
	engine := httpkit.NewEngine(httpkit.Config{Service: "log", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, verifier{}, log, now)
	return door{engine, seal, log}
}

func (d door) get(t *testing.T, tenant tenancy.ID, token, path string) (*httptest.ResponseRecorder, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2"+path, nil)
	header, err := d.seal.Header(tenancy.Tenant{ID: tenant, Name: "acme", Host: "acme.test", Canonical: "acme.test", Base: "https://acme.test:8443"})
	require.NoError(t, err)
	req.Header.Set(tenancy.Header, header)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, req)
	return w, w.Body.String()
}

type line struct {
	LogID string `json:"log_id"`
	Type  string `json:"type"`
	Date  string `json:"date"`
}

func lines(t *testing.T, body string) []line {
	t.Helper()
	var out []line
	require.NoError(t, json.Unmarshal([]byte(body), &out), body)
	return out
}

func TestLogs_an_entry_has_explicit_nulls(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, body := d.get(t, storetest.TenantA, "read:logs", "/logs?per_page=1&sort=date:1")
	var entries []map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &entries))
	require.Len(t, entries, 1)
	id := entries[0]["log_id"]
	assert.Len(t, id, 56)
	assert.Equal(t, map[string]any{
		"date": storetest.Today().Format(time.DateOnly) + "T12:00:00.000Z", "type": "seccft", "description": nil, "connection": nil, "connection_id": nil,
		"client_id": "m2m", "client_name": nil, "ip": "192.0.2.1", "user_agent": nil, "hostname": nil, "user_id": nil, "user_name": nil,
		"audience": nil, "scope": nil, "strategy": nil, "strategy_type": nil, "organization_id": nil, "organization_name": nil, "details": nil,
		"location_info": nil, "isMobile": false, "log_id": id, "_id": id,
	}, entries[0])
	_, body = d.get(t, storetest.TenantA, "read:logs", "/logs/"+id.(string)) //nolint:forcetypeassert // a test
	var one map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &one))
	assert.Equal(t, entries[0], one)
}

func TestLogs_search(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	for query, want := range map[string]string{
		"":                                "seccft s seccft s seccft",
		"?q=" + url.QueryEscape("type:s"): "s s",
		"?search=" + url.QueryEscape(`user_id:"auth0|3"`): "s",
		"?q=type:s&page=1&per_page=1":                     "s",
		"?sort=type:1&per_page=3":                         "s s seccft",
	} {
		res, body := d.get(t, storetest.TenantA, "read:logs", "/logs"+query)
		require.Equal(t, http.StatusOK, res.Code, body)
		assert.Empty(t, res.Header().Get("Link"))
		var types []string
		for _, l := range lines(t, body) {
			types = append(types, l.Type)
		}
		assert.Equal(t, want, strings.Join(types, " "), query)
	}
	_, body := d.get(t, storetest.TenantA, "read:logs", "/logs?include_totals=true&per_page=2&page=1&fields=type")
	assert.JSONEq(t, `{"start":2,"limit":2,"length":2,"total":2,"logs":[{"type":"seccft"},{"type":"s"}]}`, body)
	_, body = d.get(t, storetest.TenantA, "read:logs", "/users/auth0%7C1/logs?include_totals=true")
	assert.Contains(t, body, `"length":1`)
	assert.Contains(t, body, `"user_id":"auth0|1"`)

	for query, status := range map[string]int{
		"?page=20": 400, "?per_page=101": 400, "?sort=details:1": 400, "?sort=date": 400, "?q=" + url.QueryEscape(`"`): 400,
		"?q=" + strings.Repeat("x", 5000): 414, "?from=1": 400, "?take=101": 400,
	} {
		res, body := d.get(t, storetest.TenantA, "read:logs", "/logs"+query)
		assert.Equal(t, status, res.Code, "%.40s %s", query, body)
		var p httpkit.Problem
		require.NoError(t, json.Unmarshal([]byte(body), &p))
		assert.Equal(t, status, p.StatusCode)
	}
}

func TestLogs_checkpoint_follows_the_log_to_its_end_and_on(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	path, seen := "/logs?take=2&q=ignored&sort=type:1", 0
	last := ""
	for range 3 {
		res, body := d.get(t, storetest.TenantA, "read:logs", path)
		require.Equal(t, http.StatusOK, res.Code, body)
		for _, l := range lines(t, body) {
			assert.Greater(t, l.LogID, last)
			last = l.LogID
			seen++
		}
		link := res.Header().Get("Link")
		require.Regexp(t, `^<https://acme\.test:8443/api/v2/logs\?from=[0-9]{56}&take=2>; rel="next"$`, link)
		path = strings.TrimPrefix(link[1:strings.IndexByte(link, '>')], "https://acme.test:8443/api/v2")
	}
	assert.Equal(t, 5, seen)
	res, body := d.get(t, storetest.TenantA, "read:logs", path)
	assert.JSONEq(t, `[]`, body)
	assert.Contains(t, res.Header().Get("Link"), "from="+last, "the same link, to ask again")
	require.NoError(t, d.log.Ingest(t.Context(), []auditlog.Entry{storetest.Entry(9)}))
	_, body = d.get(t, storetest.TenantA, "read:logs", path)
	assert.Len(t, lines(t, body), 1)
}

func TestLogs_scopes_and_strangers(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, body := d.get(t, storetest.TenantA, "read:logs", "/logs")
	all := lines(t, body)
	for _, path := range []string{"/logs", "/logs?take=50"} {
		_, body := d.get(t, storetest.TenantA, "read:logs_users", path)
		for _, l := range lines(t, body) {
			assert.Equal(t, "s", l.Type, "only what is about users")
		}
	}
	res, _ := d.get(t, storetest.TenantA, "read:logs_users", "/logs/"+all[0].LogID)
	assert.Equal(t, http.StatusNotFound, res.Code)
	res, body = d.get(t, storetest.TenantA, "read:users", "/logs")
	assert.Equal(t, http.StatusForbidden, res.Code)
	assert.Contains(t, body, "Insufficient scope, expected any of: read:logs,read:logs_users")
	res, _ = d.get(t, storetest.TenantA, "bad", "/logs")
	assert.Equal(t, http.StatusUnauthorized, res.Code)

	for _, path := range []string{"/logs", "/logs?take=50", "/users/auth0%7C1/logs", "/stats/daily"} {
		_, body := d.get(t, storetest.TenantB, "read:logs read:stats", path)
		assert.JSONEq(t, `[]`, body, path)
	}
	res, _ = d.get(t, storetest.TenantB, "read:logs", "/logs/"+all[0].LogID)
	assert.Equal(t, http.StatusNotFound, res.Code)
}

func TestStats(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	_, body := d.get(t, storetest.TenantA, "read:stats", "/stats/active-users")
	assert.Equal(t, "2", strings.TrimSpace(body))
	day := storetest.Today().Format("20060102")
	_, body = d.get(t, storetest.TenantA, "read:stats", "/stats/daily?from="+day+"&to="+day)
	at := storetest.Today().Format(time.DateOnly)
	assert.JSONEq(t, `[{"date":"`+at+`T00:00:00.000Z","logins":2,"signups":0,"leaked_passwords":0,"created_at":"`+at+`T15:00:00.000Z","updated_at":"`+at+`T15:00:00.000Z"}]`, body)
	res, _ := d.get(t, storetest.TenantA, "read:stats", "/stats/daily?from=yesterday")
	assert.Equal(t, http.StatusBadRequest, res.Code)
}
