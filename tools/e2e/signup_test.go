//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// into decodes the answer, which must have the status.
func (r reply) into(t *testing.T, status int, out any) {
	t.Helper()
	require.Equal(t, status, r.status, r.body)
	require.NoError(t, json.Unmarshal([]byte(r.body), out), r.body)
}

// person sends requests as one browser or program would.
type person struct{ *http.Client }

// send sends body as JSON; nil sends none. token may be empty.
func (p person) send(t *testing.T, method, target, token string, body any) reply {
	t.Helper()
	r, err := p.try(t, method, target, token, body)
	require.NoError(t, err)
	return r
}

// try is send for whom no answer is one too. It fails no test: any goroutine may call it.
func (p person) try(t *testing.T, method, target, token string, body any) (reply, error) {
	t.Helper()
	var content io.Reader
	kind := ""
	switch b := body.(type) {
	case nil:
	case url.Values:
		content, kind = strings.NewReader(b.Encode()), "application/x-www-form-urlencoded"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return reply{}, err
		}
		content, kind = bytes.NewReader(raw), "application/json"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, content)
	if err != nil {
		return reply{}, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := p.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(raw)}, err
}

// signup is an account's sign-up, watched by the one who asked for it.
type signup struct {
	cloud   *ownCloud
	person  person
	account string
	email   string
	id      string
	token   string
	shown   int    // how often the management secret was shown
	tenant  tenant // as it was when that was shown
}

type progress struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Steps  []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"steps"`
	Tenant *tenant `json:"tenant"`
}

func (p progress) step(name string) string {
	for _, s := range p.Steps {
		if s.Name == name {
			return s.State
		}
	}
	return "unknown"
}

// signUp begins a sign-up and does not wait.
func (c *ownCloud) signUp(t *testing.T, account, email, region string) *signup {
	t.Helper()
	s := &signup{cloud: c, person: person{stranger(t, c.Cloud)}, account: account, email: email}
	var begun struct{ ID, Token string }
	r := s.person.send(t, http.MethodPost, c.URLs.PlatformAPI+"/v1/signups", "", map[string]string{
		"account": account, "email": email, "password": "a long e2e password", "region": region,
	})
	r.into(t, http.StatusAccepted, &begun)
	s.id, s.token = begun.ID, begun.Token
	return s
}

// look asks how far the sign-up is.
func (s *signup) look(t *testing.T) (progress, error) {
	t.Helper()
	var p progress
	r, err := s.person.try(t, http.MethodGet, s.cloud.URLs.PlatformAPI+"/v1/signups/"+s.id, s.token, nil)
	if err != nil {
		return p, err
	}
	if r.status != http.StatusOK {
		return p, fmt.Errorf("asking for the sign-up: %d %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		return p, err
	}
	if p.Tenant != nil && p.Tenant.ManagementAPI.ClientSecret != "" {
		s.shown++
		s.tenant = *p.Tenant
	}
	return p, nil
}

// tenantID is the tenant's ID, before anybody is told.
func (s *signup) tenantID(t *testing.T) string {
	t.Helper()
	return one[string](t, s.cloud, "postern_control", "select tenant_id from control.operations where id = $1", s.id)
}

// await waits until the sign-up is as wanted.
func (s *signup) await(t *testing.T, wanted func(progress) bool) progress {
	t.Helper()
	var p progress
	testkit.Eventually(t, soon, func() (err error) {
		if p, err = s.look(t); err == nil && !wanted(p) {
			err = fmt.Errorf("the sign-up is %+v", p)
		}
		return err
	})
	return p
}

// over is when nothing of a sign-up is left to be done.
func over(p progress) bool {
	for _, s := range p.Steps {
		if s.State != "done" {
			return false
		}
	}
	return p.Status == "ready"
}

func failed(p progress) bool { return p.Status == "failed" }

// machine asks for a management token, as the tenant's first client.
func (s *signup) machine(t *testing.T, scope string) (reply, error) {
	t.Helper()
	return s.person.try(t, http.MethodPost, s.tenant.Issuer+"oauth/token", "", s.credentials(scope))
}

func (s *signup) credentials(scope string) map[string]string {
	api := s.tenant.ManagementAPI
	ask := map[string]string{
		"grant_type": "client_credentials", "client_id": api.ClientID, "client_secret": api.ClientSecret, "audience": api.Audience,
	}
	if scope != "" {
		ask["scope"] = scope
	}
	return ask
}

// manage gives a management token.
func (s *signup) manage(t *testing.T) string {
	t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	testkit.Eventually(t, soon, func() error {
		r, err := s.machine(t, "")
		if err != nil {
			return err
		}
		if r.status != http.StatusOK {
			return fmt.Errorf("asking for a token: %d %s", r.status, r.body)
		}
		return json.Unmarshal([]byte(r.body), &got)
	})
	return got.Token
}

// call asks the Management API and decodes its answer.
func (s *signup) call(t *testing.T, method, path, token string, body, out any) {
	t.Helper()
	r := s.person.send(t, method, s.tenant.ManagementAPI.Audience+path, token, body)
	require.Less(t, r.status, 300, "%s %s: %s", method, path, r.body)
	if out != nil {
		require.NoError(t, json.Unmarshal([]byte(r.body), out), r.body)
	}
}

var errNotYet = errors.New("not yet")
