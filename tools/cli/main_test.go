package main // a program has no outside to import it from; the tests run it as one

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMain lets the test program be the command line itself, so that exit codes, signals and files are the real ones.
func TestMain(m *testing.M) {
	if os.Getenv("POSTERN_CLI_UNDER_TEST") == "yes" {
		os.Exit(start())
	}
	os.Exit(m.Run())
}

const (
	ownerToken   = "owner-t0ken"
	clientSecret = "management-s3cret"
	password     = "a password of the owner's"
)

// fakeCloud is a Platform API and one tenant at the same address.
type fakeCloud struct {
	server *httptest.Server
	ca     string

	mu     sync.Mutex
	asked  []string           // method and path of each request, with its query
	answer map[string]answers // by method and path
	bodies map[string]string  // the last body, by method and path
}

// answers are given one after the other; the last one stays.
type answers []reply

type reply struct {
	status  int
	body    any
	headers map[string]string
}

func newCloud(t *testing.T) *fakeCloud {
	t.Helper()
	c := &fakeCloud{bodies: map[string]string{}}
	c.server = httptest.NewTLSServer(c)
	t.Cleanup(c.server.Close)
	c.ca = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(c.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw}), 0o600))
	steps := func(states ...string) []map[string]any {
		var out []map[string]any
		for i, state := range states {
			s := map[string]any{"name": fmt.Sprintf("step_%d", i), "state": state}
			if state == "done" {
				s["started"], s["ended"] = "2026-03-01T12:00:00Z", "2026-03-01T12:00:00.037Z"
			}
			out = append(out, s)
		}
		return out
	}
	c.answer = map[string]answers{
		"POST /v1/signups": {{202, map[string]any{"id": "sgn_1", "token": ownerToken, "status": "pending"}, nil}},
		"GET /v1/signups/sgn_1": {
			{200, map[string]any{"status": "pending", "steps": steps("pending", "pending")}, nil},
			{200, map[string]any{"status": "provisioning", "steps": steps("done", "running")}, nil},
			{200, map[string]any{"status": "ready", "steps": steps("done", "done"), "tenant": c.tenant(true)}, nil},
			{200, map[string]any{"status": "ready", "steps": steps("done", "done"), "tenant": c.tenant(false)}, nil},
		},
		"POST /v1/tokens":         {{201, map[string]any{"token": ownerToken, "account": "acme"}, nil}},
		"GET /v1/tenants":         {{200, map[string]any{"tenants": []any{c.tenant(false)}}, nil}},
		"GET /v1/tenants/tnt_1":   {{200, c.tenant(false), nil}},
		"POST /v1/tenants":        {{202, map[string]any{"id": "op_1"}, nil}},
		"GET /v1/operations/op_1": {{200, map[string]any{"status": "ready", "tenant": c.tenant(true)}, nil}},
		"GET /v1/regions":         {{200, map[string]any{"regions": []any{}}, nil}},
		"POST /oauth/token":       {{200, map[string]any{"access_token": "access-t0ken"}, nil}},
		"GET /.well-known/openid-configuration": {{200, map[string]any{
			"issuer": c.server.URL + "/", "jwks_uri": c.server.URL + "/.well-known/jwks.json",
		}, nil}},
		"GET /.well-known/jwks.json": {{200, map[string]any{"keys": []any{map[string]any{"kid": "1"}, map[string]any{"kid": "2"}}}, nil}},
		"GET /api/v2/clients": {
			{200, map[string]any{"clients": []any{client("c1", "First\x1b[2J")}, "next": "a+b/c="}, nil},
			{200, map[string]any{"clients": []any{client("c2", "Second")}}, nil},
		},
		"GET /api/v2/clients/c1":                {{200, client("c1", "First"), nil}},
		"POST /api/v2/clients":                  {{201, client("c3", "New"), nil}},
		"POST /api/v2/clients/c1/rotate-secret": {{200, client("c1", "First"), nil}},
		"DELETE /api/v2/clients/c1":             {{204, nil, nil}},
	}
	return c
}

func client(id, name string) map[string]any {
	return map[string]any{"client_id": id, "name": name, "app_type": "spa", "client_secret": "client-s3cret", "signing_keys": []any{map[string]any{"pkcs7": "client-s3cret"}}}
}

func (c *fakeCloud) domain() string { return strings.TrimPrefix(c.server.URL, "https://") }

func (c *fakeCloud) tenant(once bool) map[string]any {
	api := map[string]any{"audience": c.server.URL + "/api/v2/", "client_id": "mgmt"}
	if once {
		api["client_secret"] = clientSecret
	}
	return map[string]any{
		"id": "tnt_1", "name": "acme", "region": "eu", "domain": c.domain(), "issuer": c.server.URL + "/", "state": "active", "management_api": api,
	}
}

func (c *fakeCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := r.Method + " " + r.URL.EscapedPath()
	c.mu.Lock()
	c.asked = append(c.asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
	c.bodies[key] = string(body)
	queue := c.answer[key]
	a := reply{404, map[string]any{"message": "Not Found"}, nil}
	if len(queue) > 0 {
		a = queue[0]
	}
	if len(queue) > 1 {
		c.answer[key] = queue[1:]
	}
	c.mu.Unlock()
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if a.body != nil {
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

func (c *fakeCloud) set(key string, a ...reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answer[key] = a
}

func (c *fakeCloud) count(prefix string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(c.asked), func(line string) bool { return !strings.HasPrefix(line, prefix) }))
}

// person is somebody with a folder of their own.
type person struct {
	cloud *fakeCloud
	dir   string
	env   map[string]string
	stdin string
}

func newPerson(t *testing.T, c *fakeCloud) *person {
	t.Helper()
	return &person{cloud: c, dir: t.TempDir(), env: map[string]string{"POSTERN_API": c.server.URL, "POSTERN_CA_FILE": c.ca, "POSTERN_PASSWORD": password}}
}

func (p *person) keys() string { return filepath.Join(p.dir, "keys", "credentials.json") }

func (p *person) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...) //nolint:gosec // this very program
	cmd.Dir = p.dir
	cmd.Env = []string{"POSTERN_CLI_UNDER_TEST=yes", "POSTERN_CLI_CONFIG=" + p.keys(), "TZ=UTC"}
	for name, value := range maps.All(p.env) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = strings.NewReader(p.stdin)
	return cmd
}

type result struct {
	out, progress string
	code          int
}

func (p *person) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := p.command(ctx, args...)
	var out, progress bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &progress
	err := cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		require.NoError(t, err)
	}
	return result{out.String(), progress.String(), cmd.ProcessState.ExitCode()}
}

// ok runs a command that must succeed.
func (p *person) ok(t *testing.T, args ...string) result {
	t.Helper()
	r := p.run(t, args...)
	require.Zero(t, r.code, r.progress)
	return r
}

func signedUp(t *testing.T) *person {
	t.Helper()
	p := newPerson(t, newCloud(t))
	p.ok(t, "signup", "--account", "acme", "--email", "owner@example.com", "--region", "eu")
	return p
}

var signup = []string{"signup", "--account", "acme", "--email", "owner@example.com", "--region", "eu"}

func TestSignup(t *testing.T) {
	t.Parallel()
	t.Run("waits_tells_each_step_once_and_shows_the_tenant", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		r := p.ok(t, signup...)
		require.Equal(t, "step_0             done     37 ms\nstep_1             done     37 ms\n", r.progress)
		require.Contains(t, r.out, clientSecret)
		require.Contains(t, r.out, p.cloud.domain())
		require.JSONEq(t, `{"account":"acme","email":"owner@example.com","password":"`+password+`","region":"eu"}`, p.cloud.bodies["POST /v1/signups"])
		require.NotContains(t, r.out+r.progress, password)
		require.NotContains(t, r.out+r.progress, ownerToken)
	})
	t.Run("json_is_the_tenant_object_and_nothing_else", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		r := p.ok(t, append(signup, "--json")...)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.out), &got))
		require.Equal(t, p.cloud.tenant(true), got)
	})
	t.Run("a_password_that_was_made_is_shown_before_the_wait", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_PASSWORD"] = ""
		p.cloud.set("GET /v1/signups/sgn_1", reply{200, map[string]any{"status": "provisioning"}, nil})
		r := p.run(t, append(signup, "--wait", "300ms")...)
		require.Equal(t, 1, r.code)
		var sent struct{ Password string }
		require.NoError(t, json.Unmarshal([]byte(p.cloud.bodies["POST /v1/signups"]), &sent))
		require.Contains(t, r.progress, "password of owner@example.com (shown once): "+sent.Password)
		require.Contains(t, r.progress, "still provisioning")
	})
	t.Run("an_interrupted_wait_is_taken_up_by_the_same_command", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		later := p.cloud.answer["GET /v1/signups/sgn_1"]
		p.cloud.set("GET /v1/signups/sgn_1", reply{200, map[string]any{"status": "provisioning"}, nil})
		require.Equal(t, 1, p.run(t, append(signup, "--wait", "300ms")...).code)
		p.cloud.set("GET /v1/signups/sgn_1", later...)
		require.Contains(t, p.ok(t, signup...).out, clientSecret)
		require.Equal(t, 1, p.cloud.count("POST /v1/signups"))
		p.ok(t, "token")
	})
	t.Run("a_sign_up_that_the_cloud_has_forgotten_is_begun_anew", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		later := p.cloud.answer["GET /v1/signups/sgn_1"]
		p.cloud.set("GET /v1/signups/sgn_1", reply{200, map[string]any{"status": "provisioning"}, nil})
		require.Equal(t, 1, p.run(t, append(signup, "--wait", "300ms")...).code)
		p.cloud.set("GET /v1/signups/sgn_1", append([]reply{{404, map[string]any{"message": "There is no such sign-up"}, nil}}, later...)...)
		require.Contains(t, p.ok(t, signup...).out, clientSecret)
		require.Equal(t, 2, p.cloud.count("POST /v1/signups"))
	})
	t.Run("a_cloud_that_is_away_for_a_moment_is_waited_for", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.cloud.set("GET /v1/signups/sgn_1", append([]reply{{503, nil, nil}, {502, "x", nil}, {429, map[string]any{}, nil}},
			p.cloud.answer["GET /v1/signups/sgn_1"]...)...)
		p.ok(t, signup...)
	})
	t.Run("a_taken_name_is_said_and_no_key_is_touched", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		before, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		p.cloud.set("POST /v1/signups", reply{409, map[string]any{"message": "This account name is taken", "errorCode": "account_taken"}, nil})
		r := p.run(t, signup...)
		require.Equal(t, 1, r.code)
		require.Equal(t, "postern: This account name is taken (409 account_taken)\n", r.progress)
		after, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		require.Equal(t, string(before), string(after))
	})
	t.Run("a_failed_one_says_why_and_keeps_no_key", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.cloud.set("GET /v1/signups/sgn_1", reply{200, map[string]any{"status": "failed", "error": "the keys could not be made\x1b[2J"}, nil})
		r := p.run(t, signup...)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "the keys could not be made")
		require.NotContains(t, r.progress, "\x1b")
		raw, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		require.NotContains(t, string(raw), ownerToken)
	})
	t.Run("ctrl_c_ends_the_wait_with_130_and_keeps_the_key", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.cloud.set("GET /v1/signups/sgn_1", reply{200, map[string]any{"status": "provisioning"}, nil})
		cmd := p.command(t.Context(), signup...)
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return p.cloud.count("GET /v1/signups/sgn_1") > 1 }, 30*time.Second, time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		_ = cmd.Wait()
		require.Equal(t, 130, cmd.ProcessState.ExitCode())
		raw, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		require.Contains(t, string(raw), ownerToken)
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	t.Run("are_their_owners_alone_and_leave_nothing_beside", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		info, err := os.Stat(p.keys())
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		info, err = os.Stat(filepath.Dir(p.keys()))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		beside, err := os.ReadDir(filepath.Dir(p.keys()))
		require.NoError(t, err)
		require.Len(t, beside, 1)
	})
	t.Run("of_commands_that_run_at_once_are_all_kept", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		var all sync.WaitGroup
		codes := make([]int, 6)
		for i := range codes {
			all.Go(func() {
				p := *p
				p.env = maps.Clone(p.env)
				codes[i] = p.run(t, "signup", "--account", fmt.Sprintf("acme-%d", i), "--email", "owner@example.com").code
			})
		}
		all.Wait()
		require.Equal(t, make([]int, 6), codes)
		var kept map[string]struct{ Accounts map[string]any }
		raw, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &kept))
		require.Len(t, kept[p.cloud.server.URL].Accounts, 6)
	})
	t.Run("a_file_that_is_none_is_said_and_left_as_it_is", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		require.NoError(t, os.MkdirAll(filepath.Dir(p.keys()), 0o700))
		require.NoError(t, os.WriteFile(p.keys(), []byte("{half"), 0o600))
		r := p.run(t, "tenants", "list")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "is not a credentials file")
		raw, err := os.ReadFile(p.keys())
		require.NoError(t, err)
		require.Equal(t, "{half", string(raw))
	})
	t.Run("a_lock_left_by_a_killed_command_is_taken_over", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		require.NoError(t, os.MkdirAll(filepath.Dir(p.keys()), 0o700))
		require.NoError(t, os.WriteFile(p.keys()+".lock", nil, 0o600))
		old := time.Now().Add(-time.Minute)
		require.NoError(t, os.Chtimes(p.keys()+".lock", old, old))
		p.ok(t, signup...)
	})
	t.Run("to_a_dev_cloud_are_kept_with_it", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		data := filepath.Join(p.dir, ".postern")
		require.NoError(t, os.Mkdir(data, 0o700))
		dev, err := json.Marshal(map[string]any{
			"urls": map[string]any{"platform_api": p.cloud.server.URL}, "ca_file": p.cloud.ca,
			"owner": map[string]any{"email": "dev@example.com", "account": "dev", "token": "dev-t0ken"},
		})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(data, "dev.json"), dev, 0o600))
		p.env = map[string]string{"POSTERN_CLI_CONFIG": "", "HOME": p.dir, "POSTERN_PASSWORD": password}
		p.ok(t, "tenants", "list")
		require.Equal(t, 1, p.cloud.count("GET /v1/tenants Bearer dev-t0ken"), "its owner needs no sign-in")
		p.ok(t, signup...)
		raw, err := os.ReadFile(filepath.Join(data, "cli.json")) //nolint:gosec // a folder of the test's own
		require.NoError(t, err)
		require.Contains(t, string(raw), ownerToken)
		require.NotContains(t, string(raw), "dev-t0ken", "dev.json has that one")
	})
}

func TestLogin(t *testing.T) {
	t.Parallel()
	t.Run("reads_the_password_from_standard_input_and_shows_no_secret", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_PASSWORD"], p.stdin = "", "from stdin \r\n"
		r := p.ok(t, "login", "--email", "owner@example.com", "--json")
		require.JSONEq(t, `{"account":"acme","email":"owner@example.com"}`, r.out)
		require.JSONEq(t, `{"email":"owner@example.com","password":"from stdin "}`, p.cloud.bodies["POST /v1/tokens"])
		require.NotContains(t, r.out+r.progress, ownerToken)
		p.ok(t, "tenants", "list")
	})
	t.Run("names_the_account_when_the_address_is_in_several", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_PASSWORD"] = "pw"
		p.ok(t, "login", "--email", "owner@example.com", "--account", "acme")
		require.JSONEq(t, `{"email":"owner@example.com","password":"pw","account":"acme"}`, p.cloud.bodies["POST /v1/tokens"])
	})
	t.Run("without_a_password_nothing_is_sent", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_PASSWORD"] = ""
		require.Equal(t, 1, p.run(t, "login", "--email", "owner@example.com").code)
		require.Zero(t, p.cloud.count("POST"))
	})
}

func TestTenants(t *testing.T) {
	t.Parallel()
	t.Run("create_waits_and_keeps_the_key", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.ok(t, "login", "--email", "owner@example.com")
		require.Contains(t, p.ok(t, "tenants", "create", "--account", "acme", "--region", "us", "--json").out, clientSecret)
		require.Equal(t, "access-t0ken\n", p.ok(t, "token").out)
		require.Contains(t, p.cloud.bodies["POST /oauth/token"], clientSecret)
	})
	t.Run("list_and_show_have_tables_and_json", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		require.Contains(t, p.ok(t, "tenants", "list").out, "acme  eu      "+p.cloud.domain())
		var list []map[string]any
		require.NoError(t, json.Unmarshal([]byte(p.ok(t, "tenants", "list", "--json").out), &list))
		require.Equal(t, []map[string]any{p.cloud.tenant(false)}, list)
		require.Contains(t, p.ok(t, "tenants", "show", "tnt_1").out, "tnt_1")
		p.cloud.set("GET /v1/tenants", reply{200, map[string]any{}, nil})
		require.JSONEq(t, `[]`, p.ok(t, "tenants", "list", "--json").out)
	})
	t.Run("without_a_key_it_says_how_to_get_one", func(t *testing.T) {
		t.Parallel()
		r := newPerson(t, newCloud(t)).run(t, "tenants", "list")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "postern login")
	})
}

func TestClients(t *testing.T) {
	t.Parallel()
	t.Run("secrets_are_shown_only_where_they_were_asked_for", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		for _, args := range [][]string{{"clients", "list", "--json"}, {"clients", "list"}, {"clients", "show", "c1"}, {"clients", "show", "c1", "--json"}} {
			p.cloud.set("GET /api/v2/clients", newCloud(t).answer["GET /api/v2/clients"]...)
			r := p.ok(t, args...)
			require.Contains(t, r.out, "First")
			require.NotContains(t, r.out, "s3cret", args)
			require.NotContains(t, r.out, "\x1b", args)
		}
		for _, args := range [][]string{
			{"clients", "show", "c1", "--reveal-secrets"},
			{"clients", "create", "--name", "New", "--type", "spa", "--callback", "https://a.test/cb"},
			{"clients", "rotate-secret", "c1"},
		} {
			require.Contains(t, p.ok(t, args...).out, "client-s3cret", args)
		}
		require.JSONEq(t, `{"name":"New","app_type":"spa","callbacks":["https://a.test/cb"],"oidc_conformant":true,"jwt_configuration":{"alg":"RS256"}}`,
			p.cloud.bodies["POST /api/v2/clients"])
		p.ok(t, "clients", "delete", "c1")
	})
	t.Run("list_reads_all_pages", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		var list []map[string]any
		require.NoError(t, json.Unmarshal([]byte(p.ok(t, "clients", "list", "--json").out), &list))
		require.Len(t, list, 2)
		require.Equal(t, 1, p.cloud.count("GET /api/v2/clients?include_fields=false&fields=client_secret,signing_keys,encryption_key,addons&take=100&from=a%2Bb%2Fc%3D "))
	})
	t.Run("ids_are_escaped", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		require.Equal(t, 1, p.run(t, "clients", "show", "../users/x?y").code)
		require.Equal(t, 1, p.cloud.count("GET /api/v2/clients/..%2Fusers%2Fx%3Fy?include_fields=false"))
	})
	t.Run("a_refusal_is_in_the_clouds_words", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/clients/c1", reply{403, map[string]any{"message": "Insufficient scope, expected any of: read:clients", "errorCode": "insufficient_scope"}, nil})
		r := p.run(t, "clients", "show", "c1")
		require.Equal(t, "postern: Insufficient scope, expected any of: read:clients (403 insufficient_scope)\n", r.progress)
		p.cloud.set("POST /oauth/token", reply{401, map[string]any{"error": "access_denied", "error_description": "Unauthorized"}, nil})
		r = p.run(t, "token")
		require.Contains(t, r.progress, "Unauthorized (401 access_denied)")
		require.NotContains(t, r.progress, clientSecret)
	})
}

func event(n int) map[string]any {
	return map[string]any{
		"log_id": fmt.Sprintf("900%053d", n), "date": "2026-03-01T12:00:00.000Z", "type": "seccft", "client_name": "c\x1b]0;x\x07", "user_name": "é", "description": fmt.Sprintf("event %d", n),
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	t.Run("the_newest_are_shown_oldest_first_and_cannot_steer_the_terminal", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/logs", reply{200, []any{event(2), event(1)}, nil})
		out := p.ok(t, "logs", "--count", "2", "--query", "type:s").out
		require.Less(t, strings.Index(out, "event 1"), strings.Index(out, "event 2"))
		require.NotContains(t, out, "\x1b")
		require.Contains(t, out, "é")
		require.Equal(t, 1, p.cloud.count("GET /api/v2/logs?per_page=2&q=type%3As&sort=date%3A-1 "))
	})
	t.Run("json_is_one_event_a_line_with_all_it_has", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/logs", reply{200, []any{event(2), event(1)}, nil})
		lines := strings.Split(strings.TrimSpace(p.ok(t, "logs", "--json").out), "\n")
		require.Len(t, lines, 2)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(lines[0]), &got))
		require.Equal(t, event(1), got)
	})
	t.Run("a_count_out_of_bounds_asks_nobody", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		require.Contains(t, p.run(t, "logs", "--count", "101").progress, "want 1 to 100")
		require.Zero(t, p.cloud.count("GET /api/v2/logs"))
	})
}

func TestLogs_Follow(t *testing.T) {
	t.Parallel()
	// follow runs until as many lines came, then presses Ctrl-C.
	follow := func(t *testing.T, p *person, lines int) (out []string, code int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := p.command(ctx, "logs", "--follow", "--json")
		pipe, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		for scan := bufio.NewScanner(pipe); len(out) < lines && scan.Scan(); {
			var e struct{ Description string }
			require.NoError(t, json.Unmarshal(scan.Bytes(), &e))
			out = append(out, e.Description)
		}
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		_ = cmd.Wait()
		return out, cmd.ProcessState.ExitCode()
	}
	t.Run("loses_and_repeats_nothing_through_outages_and_ended_tokens", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/logs",
			reply{200, []any{event(2), event(1)}, nil}, // the newest, first
			reply{200, []any{event(3), event(4)}, nil},
			reply{503, nil, nil},
			reply{200, []any{}, nil},
			reply{401, map[string]any{"message": "Expired token received for JSON Web Token validation."}, nil},
			reply{429, map[string]any{}, map[string]string{"Retry-After": "1"}},
			reply{200, []any{event(5)}, nil},
			reply{200, []any{}, nil})
		out, code := follow(t, p, 5)
		require.Equal(t, []string{"event 1", "event 2", "event 3", "event 4", "event 5"}, out)
		require.Zero(t, code, "Ctrl-C is how one ends it")
		from := func(n int) string {
			return "GET /api/v2/logs?from=" + event(n)["log_id"].(string) + "&take=100 "
		}
		require.Equal(t, 1, p.cloud.count(from(2)))
		require.Equal(t, 5, p.cloud.count(from(4)), "the checkpoint stays until there is more")
		require.Equal(t, 2, p.cloud.count("POST /oauth/token"), "one token to begin with, one when it ended")
	})
	t.Run("begins_at_the_beginning_when_there_is_nothing_yet", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/logs", reply{200, []any{}, nil}, reply{200, []any{}, nil}, reply{200, []any{event(1)}, nil}, reply{200, []any{}, nil})
		out, _ := follow(t, p, 1)
		require.Equal(t, []string{"event 1"}, out)
		require.Equal(t, 2, p.cloud.count("GET /api/v2/logs?take=100 "))
	})
	t.Run("a_new_token_that_is_refused_too_is_the_end", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/logs", reply{200, []any{}, nil}, reply{401, map[string]any{"message": "Invalid token"}, nil})
		r := p.run(t, "logs", "--follow")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "Invalid token (401)")
		require.Equal(t, 3, p.cloud.count("GET /api/v2/logs"))
	})
}

func TestCloud(t *testing.T) {
	t.Parallel()
	t.Run("a_certificate_of_an_unknown_authority_is_refused_with_the_remedy", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_CA_FILE"] = ""
		r := p.run(t, signup...)
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "is not trusted (name its authority with --ca or POSTERN_CA_FILE)")
		require.NotContains(t, r.progress, password)
		require.NoFileExists(t, p.keys())
		require.Zero(t, p.cloud.count(""), "nothing was sent")
	})
	t.Run("an_authority_file_that_holds_none_is_said", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_CA_FILE"] = filepath.Join(p.dir, "empty.pem")
		require.NoError(t, os.WriteFile(p.env["POSTERN_CA_FILE"], nil, 0o600))
		require.Contains(t, p.run(t, "tenants", "list").progress, "holds no certificate")
	})
	t.Run("no_cloud_at_all_is_said_with_the_remedy", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env["POSTERN_API"] = ""
		require.Contains(t, p.run(t, "tenants", "list").progress, "make run")
		p.env["POSTERN_API"] = "api.example.com"
		require.Contains(t, p.run(t, "tenants", "list").progress, "is no URL of a Platform API")
	})
	t.Run("a_trailing_slash_is_the_same_cloud", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.env["POSTERN_API"] += "/"
		p.ok(t, "tenants", "list")
	})
	t.Run("help_needs_no_cloud", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env = nil
		require.Contains(t, p.ok(t, "help", "signup").out, "Signs a company up")
		require.Contains(t, p.ok(t, "--help").out, "doctor")
	})
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	t.Run("says_what_is_fine", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		r := p.ok(t, "doctor")
		require.Equal(t, 4, strings.Count(r.out, "ok   "), r.out)
		require.NotContains(t, r.out, "s3cret")
	})
	t.Run("says_what_is_not_and_ends_with_1", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /.well-known/openid-configuration", reply{200, map[string]any{"issuer": "https://evil.test/"}, nil})
		r := p.run(t, "doctor", "--json")
		require.Equal(t, 1, r.code)
		var findings []struct {
			What, Why string
			OK        bool
		}
		require.NoError(t, json.Unmarshal([]byte(r.out), &findings))
		require.Len(t, findings, 4)
		require.False(t, findings[2].OK)
		require.Contains(t, findings[2].Why, "evil.test")
		require.Contains(t, r.progress, "1 of 4 checks failed")
	})
}
