package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// agent is one keep-alive client with cookies of its own and no redirects followed.
type agent struct {
	http    *http.Client
	cookies map[string]string // by name; a product has one host
}

// newAgent makes one; every name leads to this machine.
func newAgent() *agent {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}
	return &agent{cookies: map[string]string{}, http: &http.Client{
		Transport: transport, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// another gives an agent with cookies of its own, which shares this one's connections.
func (a *agent) another() *agent { return &agent{cookies: map[string]string{}, http: a.http} }

// send asks and reads the answer whole.
func (a *agent) send(ctx context.Context, method, target string, header http.Header, body string) (status int, answer []byte, h http.Header, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	maps.Copy(req.Header, header)
	for name, value := range a.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // as a browser sends it: a name and a value
	}
	res, err := a.http.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(a.cookies, c.Name)
			continue
		}
		a.cookies[c.Name] = c.Value
	}
	return res.StatusCode, answer, res.Header, err
}

var form = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}

// get asks for a document and wants a 200.
func (a *agent) get(ctx context.Context, target string, header http.Header) error {
	status, answer, _, err := a.send(ctx, http.MethodGet, target, header, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %.200s", target, status, answer)
	}
	return err
}

// tokens is an answer of a token endpoint.
type tokens struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
}

// token posts to a token endpoint and wants tokens.
func (a *agent) token(ctx context.Context, endpoint string, params url.Values) (tokens, error) {
	status, answer, _, err := a.send(ctx, http.MethodPost, endpoint, form, params.Encode())
	if err != nil {
		return tokens{}, err
	}
	var t tokens
	if status != http.StatusOK {
		return t, fmt.Errorf("POST %s: %d %.300s", endpoint, status, answer)
	}
	if err := json.Unmarshal(answer, &t); err != nil {
		return t, err
	}
	if t.AccessToken == "" {
		return t, errors.New("no access token")
	}
	return t, nil
}

// call sends JSON with a bearer token and reads JSON.
func (a *agent) call(ctx context.Context, method, target, bearer string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if bearer != "" {
		header.Set("Authorization", "Bearer "+bearer)
	}
	status, answer, _, err := a.send(ctx, method, target, header, string(raw))
	if err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %.300s", method, target, status, answer)
	}
	if out == nil || len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// walk follows redirects until one leads to the callback, and gives its code. At each stop that is no redirect, or leads where stop knows
// better, stop says where to go on.
func (a *agent) walk(ctx context.Context, target string, stop func(ctx context.Context, at string, status int, page []byte) (next string, err error)) (string, error) {
	for range 20 {
		status, page, header, err := a.send(ctx, http.MethodGet, target, http.Header{"Accept": {"text/html"}}, "")
		if err != nil {
			return "", err
		}
		next := header.Get("Location")
		if next == "" || status < 300 || status > 399 {
			if stop == nil {
				return "", fmt.Errorf("GET %s: %d %.300s", target, status, page)
			}
			if next, err = stop(ctx, target, status, page); err != nil {
				return "", err
			}
		}
		base, err := url.Parse(target)
		if err != nil {
			return "", err
		}
		to, err := base.Parse(next)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(to.String(), callback) {
			if code := to.Query().Get("code"); code != "" {
				return code, nil
			}
			return "", fmt.Errorf("no code: %s", to)
		}
		target = to.String()
	}
	return "", errors.New("too many redirects")
}
