package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// hydra is Ory Hydra on a PostgreSQL of its own, with JWT access tokens of one algorithm. Login and consent are accepted at once by this
// program, whose processor time does not count.
type hydra struct {
	alg           string
	cmd           *exec.Cmd
	db            *postgres
	public, admin string
	app           application
}

func newHydra(ctx context.Context, program, alg string) (*hydra, error) {
	h := &hydra{alg: alg}
	var ports [2]int
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	var err error
	if h.db, err = startPostgres(ctx); err != nil {
		return nil, err
	}
	h.public, h.admin = "http://127.0.0.1:"+strconv.Itoa(ports[0]), "http://127.0.0.1:"+strconv.Itoa(ports[1])
	env := append(os.Environ(),
		"DSN="+h.db.url()+"&max_conns=20", "SERVE_PUBLIC_PORT="+strconv.Itoa(ports[0]), "SERVE_ADMIN_PORT="+strconv.Itoa(ports[1]),
		"URLS_SELF_ISSUER="+h.public, "URLS_LOGIN="+h.public+"/bench/login", "URLS_CONSENT="+h.public+"/bench/consent", "SECRETS_SYSTEM=a system secret of the bench",
		"STRATEGIES_ACCESS_TOKEN=jwt", "LOG_LEVEL=error", "SERVE_PUBLIC_REQUEST_LOG_DISABLE_FOR_HEALTH=true", "SQA_OPT_OUT=true",
		"OAUTH2_HASHERS_ALGORITHM=pbkdf2", "OAUTH2_HASHERS_PBKDF2_ITERATIONS=1000", "OAUTH2_EXPOSE_INTERNAL_ERRORS=false",
	)
	migrate := exec.CommandContext(ctx, program, "migrate", "sql", "-e", "--yes")
	migrate.Env = env
	if out, err := migrate.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("migrating Hydra: %w: %.500s", err, out)
	}
	h.cmd = exec.Command(program, "serve", "all", "--dev") //nolint:noctx // ended by stop
	h.cmd.Env = env
	log, err := os.Create(filepath.Join(h.db.dir, "hydra.log"))
	if err != nil {
		return nil, err
	}
	h.cmd.Stdout, h.cmd.Stderr = log, log
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	a := newAgent()
	if err := await(ctx, "Hydra", func() error { return a.get(ctx, h.admin+"/health/ready", nil) }); err != nil {
		return nil, err
	}
	if alg != "RS256" { // the newest key of the set signs
		if err := a.call(ctx, http.MethodPost, h.admin+"/admin/keys/hydra.jwt.access-token", "", object{"alg": alg, "kid": "bench", "use": "sig"}, nil); err != nil {
			return nil, err
		}
	}
	return h, h.setUp(ctx, a)
}

func (h *hydra) setUp(ctx context.Context, a *agent) error {
	for _, c := range []object{
		{"client_id": "machine", "client_secret": "machine-secret", "grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": "client_secret_post", "scope": "read:x", "audience": []string{"https://bench.example/"}},
		{
			"client_id": "web", "client_secret": "web-secret", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
			"redirect_uris": []string{callback}, "token_endpoint_auth_method": "client_secret_post", "scope": "openid email profile offline_access", "access_token_strategy": "opaque",
			"skip_consent": true,
		},
	} {
		if err := a.call(ctx, http.MethodPost, h.admin+"/admin/clients", "", c, nil); err != nil {
			return err
		}
	}
	stop := func(context.Context, *agent) func(context.Context, string, int, []byte) (string, error) {
		own := newAgent()
		return func(ctx context.Context, at string, status int, page []byte) (string, error) {
			return h.accept(ctx, own, at, status, page)
		}
	}
	h.app = application{
		authorize: h.public + "/oauth2/auth", token: h.public + "/oauth2/token", userinfo: h.public + "/userinfo", id: "web", secret: "web-secret", scope: "openid email profile offline_access", stop: stop,
		login: func(ctx context.Context, a *agent, target string) (string, error) {
			return a.walk(ctx, target, stop(ctx, a))
		},
	}
	return nil
}

// accept stands for the login and consent application.
func (h *hydra) accept(ctx context.Context, own *agent, at string, status int, page []byte) (string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	var kind string
	body := object{"remember": true, "remember_for": 3600}
	switch {
	case strings.HasSuffix(u.Path, "/bench/login"):
		kind = "login"
		body["subject"] = "ada"
	case strings.HasSuffix(u.Path, "/bench/consent"):
		kind = "consent"
		body["grant_scope"] = strings.Fields(h.app.scope)
		body["session"] = object{"id_token": object{"email": "ada@example.com", "name": "Ada Byron"}}
	default:
		return "", fmt.Errorf("%s: %d %.300s", at, status, page)
	}
	var answer struct {
		To string `json:"redirect_to"`
	}
	err = own.call(ctx, http.MethodPut, h.admin+"/admin/oauth2/auth/requests/"+kind+"/accept?"+kind+"_challenge="+url.QueryEscape(u.Query().Get(kind+"_challenge")), "", body, &answer)
	return answer.To, err
}

func (h *hydra) name() string { return "Ory Hydra" }

func (h *hydra) cpu() float64 { return cpuOf([]int{h.cmd.Process.Pid, h.db.cmd.Process.Pid}) }

// most keeps below its pool of connections: past that its requests wait for each other's second connection, and none is answered.
func (*hydra) most() int { return 16 }

func (h *hydra) stop() {
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	_ = h.cmd.Wait()
	h.db.stop()
}

func (h *hydra) calls(ctx context.Context, scenario string) func(int) (call, error) {
	switch scenario {
	case machineRS256, machineES256:
		if !strings.HasSuffix(scenario, h.alg) {
			return nil
		}
		return machine(h.app.token, url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "scope": {"read:x"}, "audience": {"https://bench.example/"}})
	case discovery:
		return document(h.public + "/.well-known/openid-configuration")
	case keySet:
		return document(h.public + "/.well-known/jwks.json")
	}
	if h.alg != "RS256" { // what people do is measured once
		return nil
	}
	return applications{"RS256": &h.app}.calls(ctx, scenario)
}
