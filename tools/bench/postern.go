package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
)

// postern is a running dev cloud with a tenant of this run's own. Its processor time is that of the product, of the process with the
// engines (Vault, Temporal, NATS), and of PostgreSQL with its children.
type postern struct {
	pids    []int
	private string // where operators ask
	base    string // of the tenant, plain HTTP
	apps    applications
	m       struct{ id, secret string }
	aud     map[string]string // by algorithm
}

func newPostern(ctx context.Context, devJSON string) (*postern, error) {
	raw, err := os.ReadFile(devJSON) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, err
	}
	var dev struct {
		BaseDomain  string         `json:"base_domain"`
		HTTPAddr    string         `json:"http_addr"`
		PrivateAddr string         `json:"private_addr"`
		PIDs        map[string]int `json:"pids"`
	}
	if err := json.Unmarshal(raw, &dev); err != nil {
		return nil, err
	}
	p := &postern{private: "http://" + dev.PrivateAddr}
	for _, pid := range dev.PIDs {
		p.pids = append(p.pids, pid)
	}
	_, port, err := net.SplitHostPort(dev.HTTPAddr)
	if err != nil {
		return nil, err
	}
	a, host := newAgent(), dev.BaseDomain+":"+port
	name := "bench-" + strings.ToLower(rand.Text()[:12])
	var begun struct{ ID, Token string }
	err = a.call(ctx, http.MethodPost, "http://api."+host+"/v1/signups", "", map[string]string{
		"account": name, "email": name + "@example.com", "password": rand.Text(), "region": "us",
	}, &begun)
	if err != nil {
		return nil, err
	}
	var s struct {
		Status string
		Tenant struct {
			ManagementAPI struct {
				Audience     string `json:"audience"`
				ClientID     string `json:"client_id"`
				ClientSecret string `json:"client_secret"`
			} `json:"management_api"`
		}
	}
	err = await(ctx, "the tenant", func() error {
		if err := a.call(ctx, http.MethodGet, "http://api."+host+"/v1/signups/"+begun.ID, begun.Token, nil, &s); err != nil {
			return err
		}
		if s.Status != "ready" {
			return fmt.Errorf("it is %s", s.Status)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.base = "http://" + name + ".us." + host
	t, err := a.token(ctx, p.base+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.Tenant.ManagementAPI.ClientID}, "client_secret": {s.Tenant.ManagementAPI.ClientSecret}, "audience": {s.Tenant.ManagementAPI.Audience},
	})
	if err != nil {
		return nil, err
	}
	return p, p.setUp(ctx, a, t.AccessToken)
}

type object = map[string]any

// people is how many there are to log in: a login is counted on its user, and one person does not log in sixteen times at once.
const people = 256

func email(n int) string { return fmt.Sprintf("ada%d@example.com", n) }

func (p *postern) setUp(ctx context.Context, a *agent, bearer string) error {
	create := func(path string, body, out any) error {
		return a.call(ctx, http.MethodPost, p.base+"/api/v2/"+path, bearer, body, out)
	}
	type made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	var job made
	if err := create("clients", object{"name": "job", "app_type": "non_interactive", "token_endpoint_auth_method": "client_secret_post", "grant_types": []string{"client_credentials"}}, &job); err != nil {
		return err
	}
	p.m.id, p.m.secret, p.aud = job.ID, job.Secret, map[string]string{}
	for _, alg := range []string{"RS256", "ES256"} {
		p.aud[alg] = "https://bench.example/" + strings.ToLower(alg)
		if err := create("resource-servers", object{"name": alg, "identifier": p.aud[alg], "signing_alg": alg, "scopes": []object{{"value": "read:x"}}}, nil); err != nil {
			return err
		}
		if err := create("client-grants", object{"client_id": job.ID, "audience": p.aud[alg], "scope": []string{"read:x"}}, nil); err != nil {
			return err
		}
	}
	const password = "Correct-horse-7"
	for n := range people {
		if err := create("users", object{"connection": "Username-Password-Authentication", "email": email(n), "password": password, "email_verified": true, "name": "Ada Byron"}, nil); err != nil {
			return err
		}
	}
	var entered atomic.Int64
	p.apps = applications{}
	for _, alg := range idTokenAlgs {
		var web made
		err := create("clients", object{
			"name": "web " + alg, "app_type": "regular_web", "oidc_conformant": true, "token_endpoint_auth_method": "client_secret_post", "callbacks": []string{callback},
			"grant_types": []string{"authorization_code", "refresh_token"}, "jwt_configuration": object{"alg": alg},
			"refresh_token": object{"rotation_type": "rotating", "expiration_type": "expiring", "token_lifetime": 2592000, "idle_token_lifetime": 1296000},
		}, &web)
		if err != nil {
			return err
		}
		p.apps[alg] = &application{
			authorize: p.base + "/authorize", token: p.base + "/oauth/token", userinfo: p.base + "/userinfo", id: web.ID, secret: web.Secret, scope: "openid email profile offline_access",
			stop: func(context.Context, *agent) func(context.Context, string, int, []byte) (string, error) { return nil },
			login: func(ctx context.Context, a *agent, target string) (string, error) {
				return a.walk(ctx, target, func(ctx context.Context, at string, status int, page []byte) (string, error) {
					if !strings.Contains(at, "/u/login") {
						return "", fmt.Errorf("%s: %d %.200s", at, status, page)
					}
					status, answer, header, err := a.send(ctx, http.MethodPost, at, form, url.Values{"username": {email(int(entered.Add(1)) % people)}, "password": {password}}.Encode())
					if err == nil && header.Get("Location") == "" {
						err = fmt.Errorf("the password: %d %.200s", status, answer)
					}
					return header.Get("Location"), err
				})
			},
		}
	}
	return nil
}

func (*postern) name() string   { return "Postern" }
func (p *postern) cpu() float64 { return cpuOf(p.pids) }
func (*postern) most() int      { return anyNumber }
func (*postern) stop()          {}

func (p *postern) calls(ctx context.Context, scenario string) func(int) (call, error) {
	switch scenario {
	case machineRS256, machineES256:
		return machine(p.base+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {p.m.id}, "client_secret": {p.m.secret}, "audience": {p.aud[scenario[len(scenario)-5:]]}})
	case discovery:
		return document(p.base + "/.well-known/openid-configuration")
	case keySet:
		return document(p.base + "/.well-known/jwks.json")
	}
	return p.apps.calls(ctx, scenario)
}
