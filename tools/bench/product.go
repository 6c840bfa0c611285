package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// The scenarios, in the order of the table.
const (
	machineRS256 = "client credentials RS256"
	machineES256 = "client credentials ES256"
	refreshing   = "refresh, rotating" // with an algorithm of idTokenAlgs behind it
	codeLogin    = "code login by session"
	userinfo     = "userinfo"
	discovery    = "discovery"
	keySet       = "JWKS"
)

// idTokenAlgs are what ID tokens are signed by. With HS256 there is no key pair, and what is compared is what the products do beside the
// signature; with RS256 that of Go against that of OpenSSL weighs as much as all else.
var idTokenAlgs = []string{"RS256", "HS256"}

// product is a server under load.
type product interface {
	name() string
	// cpu gives the processor seconds that all its server processes have used so far.
	cpu() float64
	// calls gives each worker its own call of a scenario. What a worker needs first, such as a login, is done before it gives one. Nil:
	// the product has no such scenario.
	calls(ctx context.Context, scenario string) func(worker int) (call, error)
	// most is how many requests at a time it stands.
	most() int
	stop()
}

// anyNumber is the most that a product stands which has no bound of its own.
const anyNumber = math.MaxInt

const callback = "https://app.example/cb"

// applications are of a product, by the algorithm of their ID tokens.
type applications map[string]*application

// calls gives the scenarios of people; nil when the product has no application of the scenario's algorithm.
func (x applications) calls(ctx context.Context, scenario string) func(int) (call, error) {
	alg := "RS256"
	for _, other := range idTokenAlgs {
		if strings.HasSuffix(scenario, other) {
			alg = other
		}
	}
	if x[alg] == nil {
		return nil
	}
	return x[alg].calls(ctx, scenario)
}

// application is a web application that logs people in at a product.
type application struct {
	authorize, token, userinfo string
	id, secret                 string
	scope                      string
	// login walks an agent to its first code, which leaves it with a session.
	login func(ctx context.Context, a *agent, target string) (code string, err error)
	stop  func(ctx context.Context, a *agent) func(ctx context.Context, at string, status int, page []byte) (string, error)
}

func (x *application) target() string {
	return x.authorize + "?" + url.Values{
		"client_id": {x.id}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {x.scope}, "state": {"a state of enough letters"}, "nonce": {"a nonce of enough letters"},
	}.Encode()
}

func (x *application) exchange(ctx context.Context, a *agent, code string) (tokens, error) {
	return a.token(ctx, x.token, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {x.id}, "client_secret": {x.secret}, "code": {code}, "redirect_uri": {callback},
	})
}

// enter logs an agent in.
func (x *application) enter(ctx context.Context, a *agent) (tokens, error) {
	code, err := x.login(ctx, a, x.target())
	if err != nil {
		return tokens{}, fmt.Errorf("logging in: %w", err)
	}
	return x.exchange(ctx, a, code)
}

// browsers is how many people each worker takes turns for, since nobody logs in a hundred times a second. More of them would
// fall out of the memory of oidc-provider, which holds 1,000 things.
const browsers = 4

// calls gives the scenarios of people who are logged in.
func (x *application) calls(ctx context.Context, scenario string) func(int) (call, error) {
	return func(int) (call, error) {
		first := newAgent()
		var own []call
		for range browsers {
			a := first.another()
			t, err := x.enter(ctx, a)
			if err != nil {
				return nil, err
			}
			c, err := x.call(scenario, a, t)
			if err != nil {
				return nil, err
			}
			own = append(own, c)
		}
		turn := 0
		return func(ctx context.Context) error {
			turn++
			return own[turn%browsers](ctx)
		}, nil
	}
}

// call gives a scenario of one person.
func (x *application) call(scenario string, a *agent, t tokens) (call, error) {
	switch {
	case strings.HasPrefix(scenario, codeLogin):
		return func(ctx context.Context) error {
			code, err := a.walk(ctx, x.target(), x.stop(ctx, a))
			if err != nil {
				return err
			}
			_, err = x.exchange(ctx, a, code)
			return err
		}, nil
	case strings.HasPrefix(scenario, refreshing):
		refresh := t.RefreshToken
		if refresh == "" {
			return nil, fmt.Errorf("no refresh token at %s", x.token)
		}
		return func(ctx context.Context) error {
			next, err := a.token(ctx, x.token, url.Values{"grant_type": {"refresh_token"}, "client_id": {x.id}, "client_secret": {x.secret}, "refresh_token": {refresh}})
			if err == nil && next.RefreshToken == "" {
				err = fmt.Errorf("the refresh token is not rotated")
			}
			refresh = next.RefreshToken
			return err
		}, nil
	default:
		header := map[string][]string{"Authorization": {"Bearer " + t.AccessToken}}
		return func(ctx context.Context) error {
			return a.get(ctx, x.userinfo, header)
		}, nil
	}
}

// compressed asks for what browsers and SDKs take, and has it left as it comes: what unpacking costs is not the server's.
var compressed = http.Header{"Accept-Encoding": {"gzip"}}

// document gives the calls of a public document.
func document(target string) func(int) (call, error) {
	return func(int) (call, error) {
		a := newAgent()
		return func(ctx context.Context) error {
			return a.get(ctx, target, compressed)
		}, nil
	}
}

// machine gives the calls of client credentials.
func machine(endpoint string, params url.Values) func(int) (call, error) {
	return func(int) (call, error) {
		a := newAgent()
		return func(ctx context.Context) error {
			_, err := a.token(ctx, endpoint, params)
			return err
		}, nil
	}
}
