//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// TestEnginesAway takes engines away from a tenant that is in use: what can go on goes on, what cannot says so, nothing is lost.
func TestEnginesAway(t *testing.T) {
	cloud := breakable(t)
	app := newApplication(t, cloud)

	t.Run("vault", func(t *testing.T) { vaultAway(t, app) })
	t.Run("nats", func(t *testing.T) { natsAway(t, app) })
	t.Run("postgres", func(t *testing.T) { postgresAway(t, app) })
	t.Run("temporal", func(t *testing.T) { temporalAway(t, app) })
}

func vaultAway(t *testing.T, app *application) {
	t.Helper()
	kids, access := app.kids(t), app.access(t, app.code(t, app.browser, "openid email", "none"))
	unseal := app.cloud.away(t, "/vault/seal", "/vault/unseal")

	require.Equal(t, kids, app.kids(t))
	require.Equal(t, http.StatusOK, app.get(t, ".well-known/openid-configuration", ""))
	require.Equal(t, http.StatusOK, app.get(t, "userinfo", access))
	require.Equal(t, http.StatusOK, app.get(t, "api/v2/users", app.management), "reading what needs no key")
	code := app.code(t, app.browser, "openid", "none")
	refused := func(r reply, err error) {
		t.Helper()
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, r.status, r.body)
		require.Contains(t, r.body, `"error":"temporarily_unavailable"`)
		require.NotContains(t, r.body, "token\":")
		seconds, err := strconv.Atoi(r.header.Get("Retry-After"))
		require.NoError(t, err)
		require.Positive(t, seconds)
	}
	for range 5 {
		refused(app.machine(t, ""))
	}
	refused(app.exchange(t, code))

	unseal()
	began := time.Now()
	testkit.Eventually(t, soon, func() error { return isOK(app.machine(t, "")) })
	t.Logf("signs again %s after Vault is back", time.Since(began).Round(time.Millisecond))
	app.access(t, code) // which an engine that was away cost nobody
}

func isOK(r reply, err error) error {
	if err == nil && r.status != http.StatusOK {
		err = fmt.Errorf("%d %s", r.status, r.body)
	}
	return err
}

func natsAway(t *testing.T, app *application) {
	t.Helper()
	machine := app.tenant.ManagementAPI.ClientID
	before := len(app.settledLogs(t))
	start := app.cloud.away(t, "/nats/stop", "/nats/start")

	tokens, logins := machineMarks(t, 24), userMarks(t, 6)
	var changes []string
	for i, mark := range tokens {
		require.NoError(t, isOK(app.machine(t, mark)))
		if i%4 > 0 {
			continue
		}
		app.access(t, app.code(t, app.browser, logins[i/4], "none"))
		changes = append(changes, fmt.Sprintf("change %d", i))
		app.call(t, http.MethodPatch, "clients/"+app.id, app.management, map[string]string{"description": changes[len(changes)-1]}, nil)
	}
	require.NotEmpty(t, app.code(t, app.newBrowser(t), "openid", ""), "with the password")
	require.Equal(t, http.StatusOK, app.get(t, ".well-known/jwks.json", ""))

	start()
	began := time.Now()
	news := app.settledLogs(t)[before:]
	t.Logf("all is in the log %s after NATS is back", time.Since(began).Round(time.Millisecond))
	require.Equal(t, tokens, scopesOf(news, "seccft", machine), "each once, in their order")
	require.Equal(t, logins, scopesOf(news, "seacft", app.id), "each once, in their order")
	require.Equal(t, logins, scopesOf(news, "ssa", app.id), "each once, in their order")
	require.Equal(t, []string{"openid"}, scopesOf(news, "s", app.id))
	var seen []string
	for _, e := range news {
		if e.Type == "sapi" {
			seen = append(seen, fmt.Sprint(e.Details.Request.Body["description"]))
		}
	}
	require.Equal(t, changes, seen, "each once, in their order")
}

func postgresAway(t *testing.T, app *application) {
	t.Helper()
	machine := app.tenant.ManagementAPI.ClientID
	kids, tokens := app.kids(t), machineMarks(t, 8)
	before := len(app.settledLogs(t)) // and the client is known now

	// Somebody goes on asking all the time: at no moment is there another answer than these.
	var mu sync.Mutex
	answers := map[int]int{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			for _, path := range []string{"clients?per_page=1", "users?per_page=1", "logs?per_page=1"} {
				r, err := app.person.try(t, http.MethodGet, app.tenant.Issuer+"api/v2/"+path, app.management, nil)
				mu.Lock()
				if answers[r.status]++; err != nil || r.status >= 500 && r.status != http.StatusServiceUnavailable {
					t.Errorf("%s: %d %s %v", path, r.status, r.body, err)
				}
				mu.Unlock()
			}
		}
	}()
	end := sync.OnceFunc(func() {
		close(stop)
		<-stopped
	})
	t.Cleanup(end)

	start := app.cloud.away(t, "/postgres/stop", "/postgres/start")
	require.Equal(t, kids, app.kids(t))
	require.Equal(t, http.StatusOK, app.get(t, ".well-known/openid-configuration", ""))
	for _, mark := range tokens {
		require.NoError(t, isOK(app.machine(t, mark)))
	}
	for _, path := range []string{"api/v2/clients", "api/v2/users", "api/v2/logs", "api/v2/clients/" + app.id, "userinfo"} {
		token := app.management
		if path == "userinfo" {
			token = "an opaque token whose row cannot be read"
		}
		r := app.person.send(t, http.MethodGet, app.tenant.Issuer+path, token, nil)
		assert.Equal(t, http.StatusServiceUnavailable, r.status, "%s: %s", path, r.body)
		assert.NotEmpty(t, r.header.Get("Retry-After"), path)
	}
	r := app.person.send(t, http.MethodPatch, app.tenant.Issuer+"api/v2/clients/"+app.id, app.management, map[string]string{"description": "no"})
	assert.Equal(t, http.StatusServiceUnavailable, r.status, r.body)
	_, err := app.tryCode(t, app.browser, "openid", "none")
	require.ErrorContains(t, err, "answered 503", "a login")
	r = app.person.send(t, http.MethodPost, app.cloud.URLs.PlatformAPI+"/v1/signups", "", map[string]string{
		"account": randomName(), "email": "late@example.com", "password": "a long e2e password", "region": "us",
	})
	assert.Equal(t, http.StatusServiceUnavailable, r.status, "a sign-up: %s", r.body)

	start()
	began := time.Now()
	testkit.Eventually(t, soon, func() error {
		for _, path := range []string{"clients", "users", "logs"} {
			if err := isOK(app.person.try(t, http.MethodGet, app.tenant.Issuer+"api/v2/"+path, app.management, nil)); err != nil {
				return err
			}
		}
		_, err := app.tryCode(t, app.browser, "openid", "none")
		return err
	})
	t.Logf("well again %s after PostgreSQL is back", time.Since(began).Round(time.Millisecond))
	end()
	mu.Lock()
	t.Logf("who went on asking was answered %v", answers)
	require.Positive(t, answers[http.StatusOK])
	require.Positive(t, answers[http.StatusServiceUnavailable])
	mu.Unlock()
	require.Equal(t, tokens, scopesOf(app.settledLogs(t)[before:], "seccft", machine), "each once, in their order")
	app.cloud.mended(t)
}

func temporalAway(t *testing.T, app *application) {
	t.Helper()
	cloud := app.cloud
	start := cloud.away(t, "/temporal/stop", "/temporal/start")
	app.access(t, app.code(t, app.newBrowser(t), "openid", ""))
	require.NoError(t, isOK(app.machine(t, "")))
	app.call(t, http.MethodPatch, "clients/"+app.id, app.management, map[string]string{"description": "none of Temporal's business"}, nil)
	s := cloud.signUp(t, randomName(), randomName()+"@example.com", "eu")
	p, err := s.look(t)
	require.NoError(t, err)
	require.Equal(t, "pending", p.Status)
	start()
	began := time.Now()
	s.await(t, over)
	t.Logf("the sign-up that waited is over %s after Temporal is back", time.Since(began).Round(time.Millisecond))
}

// TestRestart stops the dev cloud and starts it again, first as one should, then as one should not.
func TestRestart(t *testing.T) {
	cloud := breakable(t)
	app := newApplication(t, cloud)
	kids, access := app.kids(t), app.access(t, app.code(t, app.browser, "openid email", "none"))
	logs := app.settledLogs(t)

	tenants := app.person.send(t, http.MethodGet, cloud.URLs.PlatformAPI+"/v1/tenants", app.token, nil)
	require.Equal(t, http.StatusOK, tenants.status, tenants.body)

	for _, end := range []struct {
		name string
		sig  os.Signal
	}{{"stopped", os.Interrupt}, {"killed", syscall.SIGKILL}} {
		t.Run(end.name, func(t *testing.T) {
			cloud.holdRouters(t) // until the engine ends: the bucket is in memory
			halfway := cloud.signUp(t, randomName(), randomName()+"@example.com", "eu")
			halfway.await(t, func(p progress) bool { return p.step("await_routers") == "running" })

			began := time.Now()
			cloud.end(t, end.sig)
			ended := time.Since(began)
			boot := cloud.start(t)
			t.Logf("%s: all processes gone after %s; started again: ready after %s", end.name, ended.Round(10*time.Millisecond), boot.Round(10*time.Millisecond))

			require.Equal(t, tenants.body, app.person.send(t, http.MethodGet, cloud.URLs.PlatformAPI+"/v1/tenants", app.token, nil).body)
			require.Equal(t, kids, app.kids(t))
			require.Equal(t, http.StatusOK, app.get(t, "userinfo", access), "a token goes on")
			require.NotEmpty(t, app.code(t, app.browser, "openid", "none"), "a session goes on")
			require.NotEmpty(t, app.code(t, app.newBrowser(t), "openid", ""), "the user is there")
			require.Equal(t, logs, app.settledLogs(t)[:len(logs)])
			halfway.await(t, over) // a running workflow goes on
			require.Equal(t, 1, halfway.shown)
			require.NoError(t, isOK(halfway.machine(t, "")))
		})
	}
}
