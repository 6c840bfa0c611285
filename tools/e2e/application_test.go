//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// application is a tenant's web application with one person who uses it, spoken for in plain HTTP.
type application struct {
	*signup

	management string // a token
	id, secret string
	password   string
	browser    person // the person's, with its cookies
}

const redirectURI = "https://app.example.com/callback"

// newApplication signs an account up and gives it an application and a user who is logged in.
func newApplication(t *testing.T, cloud *ownCloud) *application {
	t.Helper()
	a := newApplicationIn(t, cloud, "us")
	require.NotEmpty(t, a.code(t, a.browser, "openid", ""))
	return a
}

// newApplicationIn is newApplication in a region, with a user who is not logged in yet.
func newApplicationIn(t *testing.T, cloud *ownCloud, region string) *application {
	t.Helper()
	a := &application{signup: cloud.signUp(t, randomName(), randomName()+"@example.com", region), password: "Correct-horse-7-" + randomName()}
	a.await(t, over)
	a.management = a.manage(t)
	a.register(t, nil)
	a.call(t, http.MethodPost, "users", a.management, map[string]any{
		"connection": "Username-Password-Authentication", "email": a.email, "password": a.password, "email_verified": true,
	}, nil)
	a.browser = a.newBrowser(t)
	return a
}

// register makes the tenant's client that a is from now on; settings are what differs from others.
func (a *application) register(t *testing.T, settings map[string]any) {
	t.Helper()
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	body := map[string]any{
		"name": "App", "app_type": "regular_web", "oidc_conformant": true, "token_endpoint_auth_method": "client_secret_post",
		"grant_types": []string{"authorization_code"}, "jwt_configuration": map[string]string{"alg": "RS256"}, "callbacks": []string{redirectURI},
	}
	maps.Copy(body, settings)
	a.call(t, http.MethodPost, "clients", a.management, body, &client)
	a.id, a.secret = client.ID, client.Secret
}

func (a *application) newBrowser(t *testing.T) person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	p := person{stranger(t, a.cloud.Cloud)}
	p.Jar = jar
	return p
}

// code goes through /authorize, and the login page when it is shown, to the code that the application gets.
func (a *application) code(t *testing.T, p person, scope, prompt string) string {
	t.Helper()
	code, err := a.tryCode(t, p, scope, prompt)
	require.NoError(t, err)
	return code
}

func (a *application) tryCode(t *testing.T, p person, scope, prompt string) (string, error) {
	t.Helper()
	query := url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {redirectURI}, "scope": {scope}, "state": {"s"}, "nonce": {"n"},
	}
	if prompt != "" {
		query.Set("prompt", prompt)
	}
	at := a.tenant.Issuer + "authorize?" + query.Encode()
	for range 8 {
		r, err := p.try(t, http.MethodGet, at, "", nil)
		if err != nil {
			return "", err
		}
		if here, _ := url.Parse(at); here.Path == "/u/login" && r.status == http.StatusOK {
			if r, err = p.try(t, http.MethodPost, at, "", url.Values{"username": {a.email}, "password": {a.password}}); err != nil {
				return "", err
			}
		}
		if r.status != http.StatusFound && r.status != http.StatusSeeOther {
			return "", fmt.Errorf("%s answered %d %s", at, r.status, r.body)
		}
		next, err := url.Parse(r.header.Get("Location"))
		if err != nil {
			return "", err
		}
		here, err := url.Parse(at)
		if err != nil {
			return "", err
		}
		at = here.ResolveReference(next).String()
		if strings.HasPrefix(at, redirectURI) {
			if code := next.Query().Get("code"); code != "" {
				return code, nil
			}
			return "", fmt.Errorf("no code but %s", at)
		}
	}
	return "", fmt.Errorf("no end of redirects, the last to %s", at)
}

// exchange redeems a code.
func (a *application) exchange(t *testing.T, code string) (reply, error) {
	t.Helper()
	return a.person.try(t, http.MethodPost, a.tenant.Issuer+"oauth/token", "", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {a.id}, "client_secret": {a.secret}, "code": {code}, "redirect_uri": {redirectURI},
	})
}

// access redeems a code that must be good and gives the access token.
func (a *application) access(t *testing.T, code string) string {
	t.Helper()
	var tokens struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
	}
	r, err := a.exchange(t, code)
	require.NoError(t, err)
	r.into(t, http.StatusOK, &tokens)
	require.NotEmpty(t, tokens.IDToken)
	return tokens.AccessToken
}

// get gives the status of a page of the tenant.
func (a *application) get(t *testing.T, path, token string) int {
	t.Helper()
	return a.person.send(t, http.MethodGet, a.tenant.Issuer+path, token, nil).status
}

// kids are the key IDs that the tenant publishes.
func (a *application) kids(t *testing.T) []string {
	t.Helper()
	var jwks struct{ Keys []struct{ Kid string } }
	a.person.send(t, http.MethodGet, a.tenant.Issuer+".well-known/jwks.json", "", nil).into(t, http.StatusOK, &jwks)
	kids := make([]string, 0, len(jwks.Keys))
	for _, k := range jwks.Keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

// logEntry is what the audit log shows of an event.
type logEntry struct {
	ID        string `json:"log_id"`
	Type      string `json:"type"`
	ClientID  string `json:"client_id"`
	Scope     string `json:"scope"`
	UserAgent string `json:"user_agent"`
	Details   struct {
		Request struct {
			Body map[string]any `json:"body"`
		} `json:"request"`
	} `json:"details"`
}

// logs reads the audit log behind an entry (empty: all of it), in the order of intake.
func (a *application) logs(t *testing.T, behind string) []logEntry {
	t.Helper()
	var all []logEntry
	for from := behind; ; {
		var page []logEntry
		a.call(t, http.MethodGet, "logs?take=100&from="+from, a.management, nil, &page)
		if len(page) == 0 {
			return all
		}
		all, from = append(all, page...), page[len(page)-1].ID
	}
}

// settledLogs waits until all that has happened by now is in the audit log, and gives that.
func (a *application) settledLogs(t *testing.T) []logEntry {
	t.Helper()
	return a.settledBehind(t, "")
}

// settledBehind is settledLogs for what is behind an entry.
func (a *application) settledBehind(t *testing.T, behind string) []logEntry {
	t.Helper()
	const fence = "read:logs" // no other request here asks for it
	isFence := func(e logEntry) bool {
		return e.Type == "seccft" && e.ClientID == a.tenant.ManagementAPI.ClientID && e.Scope == fence
	}
	all := a.logs(t, behind)
	seen := len(all)
	a.cloud.settled(t, a.tenant.ID) // what stood in an outbox is in the stream
	testkit.Eventually(t, soon, func() error { return isOK(a.machine(t, fence)) })
	testkit.Eventually(t, soon, func() error {
		if len(all) > 0 {
			behind = all[len(all)-1].ID
		}
		if all = append(all, a.logs(t, behind)...); !slices.ContainsFunc(all[seen:], isFence) {
			return fmt.Errorf("%w: the last event in the log", errNotYet)
		}
		return nil
	})
	return slices.DeleteFunc(all, isFence)
}

// scopesOf gives the scopes of a client's entries of a type, in their order.
func scopesOf(entries []logEntry, typ, client string) []string {
	var scopes []string
	for _, e := range entries {
		if e.Type == typ && e.ClientID == client {
			scopes = append(scopes, e.Scope)
		}
	}
	return scopes
}

// marks are n lists of scopes, no two alike, by which requests are told apart in the log: each has the first word and some of the others.
func marks(t *testing.T, n int, first string, others ...string) []string {
	t.Helper()
	require.LessOrEqual(t, n, 1<<len(others), "too few scopes to tell so many apart")
	out := make([]string, 0, n)
	for i := range n {
		mark := first
		for bit, word := range others {
			if i>>bit&1 == 1 {
				mark += " " + word
			}
		}
		out = append(out, mark)
	}
	return out
}

// machineMarks are marks of scopes that the management client has.
func machineMarks(t *testing.T, n int) []string {
	t.Helper()
	return marks(t, n, "read:stats", "read:clients", "create:clients", "update:clients", "delete:clients", "read:users", "create:users", "update:users", "delete:users")
}

// userMarks are marks of scopes that any client may ask for.
func userMarks(t *testing.T, n int) []string {
	t.Helper()
	return marks(t, n, "openid", "email", "profile", "address", "phone")
}
