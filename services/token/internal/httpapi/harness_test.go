package httpapi_test

import (
	"cmp"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/assertion"
	"github.com/postern-id/postern/services/token/internal/dpop"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/limit"
	"github.com/postern-id/postern/services/token/internal/quota"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const (
	apiAudience = "https://api.example/"
	callback    = "https://app.example/cb"
	password    = "correct horse battery staple"
	adaID       = "auth0|ada"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge   = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// world is a token service whose neighbours and engines are fakes, with two tenants that are set up alike.
type world struct {
	t      *testing.T
	clock  *clock.Fake
	config *tokentest.Configuration
	users  *tokentest.Users
	signer *tokentest.Signer // acme's; bolt has its own key, which its tokens are not signed with here
	source *tokentest.Source
	store  *storetest.Fake
	queue  *storetest.Fake
	quotas *quota.Meter
	seal   *tenancy.Seal
	acme   tenancy.Tenant
	bolt   tenancy.Tenant

	handler http.Handler
}

func tenantOf(id, name string) tenancy.Tenant {
	host := name + ".eu.postern.localhost:8443"
	return tenancy.Tenant{ID: tenancy.ID(id), Name: name, Region: "eu", Cell: "eu", Host: host, Canonical: host, Base: "https://" + host}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, clock: clock.At("2026-03-01T12:00:00Z"), config: tokentest.NewConfiguration(), users: tokentest.NewUsers(),
		signer: tokentest.SharedSigner(t, 0), source: tokentest.NewSource(t), store: storetest.NewFake(), queue: storetest.NewFake(),
		acme: tenantOf("tnt_acme", "acme"), bolt: tenantOf("tnt_bolt", "bolt"),
	}
	w.quotas = quota.New(quota.Deps{Store: w.store, Record: w.queue, Log: slog.New(slog.DiscardHandler), Now: w.clock.Now})
	var err error
	w.seal, err = tenancy.NewSeal([]byte(strings.Repeat("k", 32)), w.clock.Now)
	require.NoError(t, err)
	for _, ten := range []tenancy.Tenant{w.acme, w.bolt} {
		w.setUp(ten)
	}
	ring := keyring.New(w.store, w.clock.Now, keyring.Waiting(tokentest.Passing(w.clock)))
	policy := token.NewPolicy(w.config, w.store)
	auth := token.NewAuthenticator(w.config, assertion.Reader{}, w.store)
	proofs := token.NewProofs(dpop.Reader{}, w.store)
	issuer := &token.Issuer{Keys: ring, Signer: w.signer}
	passwords := func(kind oauth.GrantType) token.Grant {
		return &token.Password{Kind: kind, Config: w.config, Policy: policy, Users: w.users, Store: w.store, Record: w.store}
	}
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: w.seal})
	httpapi.Mount(engine, httpapi.Deps{
		Settings: w.config, Apps: w.config,
		Endpoint: token.NewEndpoint(token.EndpointDeps{
			Config: w.config, Policy: policy, Users: w.users, Issuer: issuer, Now: w.clock.Now,
			Grants: []token.Grant{
				&token.ClientCredentials{Config: w.config, Quotas: w.quotas, Queue: w.queue}, &token.Code{Store: w.store, Record: w.store},
				passwords(oauth.GrantPassword), passwords(oauth.GrantPasswordRealm),
				&token.Refresh{Store: w.store, Config: w.config, Sessions: w.store, Record: w.store}, &token.Device{Store: w.store, Record: w.store},
				&token.OnBehalfOf{Config: w.config, Policy: policy, Verifier: keyring.NewVerifier(ring, w.clock.Now), Store: w.store, Record: w.store},
			},
			Auth: auth, Proofs: proofs,
		}),
		Revoker: &token.Revoker{Auth: auth, Config: w.config, Store: w.store, Codes: w.store, Sessions: w.store, Users: w.users, Now: w.clock.Now},
		Logins: token.NewLogins(token.LoginDeps{
			Config: w.config, Policy: policy, Users: w.users, Store: w.store, Transfers: w.store, Consents: w.store, Pushes: w.store, Auth: auth, Proofs: proofs,
			Objects: assertion.Reader{}, Hints: keyring.Hints{Ring: ring},
			Devices: w.store, Guesses: limit.New(10, time.Minute, w.clock.Now), GuessesAll: limit.New(20, time.Second, w.clock.Now), Issuer: issuer, Now: w.clock.Now,
		}),
		Userinfo: &token.Userinfo{Config: w.config, Store: w.store, Verifier: keyring.NewVerifier(ring, w.clock.Now), Users: w.users, Proofs: proofs, Now: w.clock.Now},
		Ring:     ring,
		Devices: &token.DeviceAuthorizer{
			Auth: auth, Config: w.config, Policy: policy, Store: w.store, Record: w.store, Limiter: limit.New(5, time.Second, w.clock.Now), Now: w.clock.Now,
		},
	})
	httpapi.MountManagement(mgmtkit.New(engine, &jwtkit.Verifier{Keys: ring.Documents(), Now: w.clock.Now}), httpapi.Management{
		Ring: ring, Keys: token.NewKeys(token.KeyDeps{Source: w.source, Store: w.store, Now: w.clock.Now}),
		Sessions: &token.Sessions{Store: w.store, Users: w.users, Now: w.clock.Now}, Consents: w.store,
		Devices: &token.Devices{Refresh: w.store, Keys: w.store, Now: w.clock.Now}, Now: w.clock.Now,
	})
	w.handler = engine
	return w
}

// setUp gives a tenant a confidential web client, a public native one, a machine client, a third party's, an API, a connection and
// a user. Both tenants use the same names.
func (w *world) setUp(ten tenancy.Tenant) {
	k := func(id string) tokentest.Key { return tokentest.Key{Tenant: ten.ID, ID: id} }
	con := []token.Connection{{ID: "con_1", Name: "Username-Password-Authentication", Strategy: token.StrategyDatabase}}
	web := token.Client{
		ID: "web", Name: "Web App", Secret: "web-secret-0123456789", Callbacks: []string{callback, "https://*.preview.example.com/cb"},
		AllowedLogoutURLs: []string{"https://app.example/bye"}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode},
		FirstParty: true, OIDCConformant: true, IDTokenAlg: token.AlgRS256,
	}
	second := web
	second.ID, second.Name, second.Secret, second.Callbacks = "second", "Second App", "second-secret", []string{"https://second.example/cb"}
	native := token.Client{
		ID: "native", Name: "Phone App", Callbacks: []string{"com.example.app:/cb", "http://127.0.0.1/cb"}, AuthMethod: oauth.AuthNone, Native: true,
		GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}, FirstParty: true, OIDCConformant: true,
	}
	machine := token.Client{
		ID: "machine", Name: "Nightly Job", Secret: "machine-secret", AuthMethod: oauth.AuthPost,
		GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials}, FirstParty: true,
	}
	third := web
	third.ID, third.Name, third.FirstParty = "third", "Somebody Else's App", false
	w.config.Change(func(c *tokentest.Configuration) {
		for _, client := range []token.Client{web, second, native, machine, third} {
			c.Clients[k(client.ID)] = &client
			c.Connections[k(client.ID)] = con
		}
		c.ResourceServers[k(apiAudience)] = &token.ResourceServer{Name: "API", Identifier: apiAudience, SkipConsent: true, Scopes: []string{"read:x", "write:x", "admin:x"}}
		c.ResourceServers[k(ten.ManagementAudience())] = &token.ResourceServer{
			Name: "Management API", Identifier: ten.ManagementAudience(), System: true, SkipConsent: true,
			Scopes: []string{"read:users", "read:signing_keys", "read:current_user"}, TokenLifetime: time.Hour,
		}
		c.Grants[k("machine "+apiAudience)] = &token.ClientGrant{ClientID: "machine", Audience: apiAudience, Scope: []string{"read:x", "write:x"}}
		c.Grants[k("bound "+apiAudience)] = &token.ClientGrant{ClientID: "bound", Audience: apiAudience, OrganizationUsage: "require"}
		c.Grants[k("machine "+ten.ManagementAudience())] = &token.ClientGrant{ClientID: "machine", Audience: ten.ManagementAudience(), Scope: []string{"read:signing_keys"}}
	})
	w.users.Add(ten.ID, token.User{
		ID: adaID, Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace",
		Nickname: "ada", Picture: "https://img.example/ada.png", UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC), Phone: "+4412345",
	}, password)
	signer := w.signer
	if ten.ID != w.acme.ID {
		signer = tokentest.SharedSigner(w.t, 1)
	}
	w.source.Add(ten.ID, signer, map[string]int{token.AlgRS256: 2, token.AlgES256: 1})
	_, err := w.store.PublishKeys(w.t.Context(), ten.ID, []token.SigningKey{
		signer.Key(w.t, ten.Name+"-current", 1, token.KeyCurrent), tokentest.SharedSigner(w.t, 2).Key(w.t, ten.Name+"-next", 2, token.KeyNext),
		signer.EllipticKey(w.t, ten.Name+"-elliptic", 1, token.KeyCurrent),
	}, token.Fact{Tenant: ten.ID})
	require.NoError(w.t, err)
}

// client edits a client of acme.
func (w *world) client(id string, edit func(*token.Client)) {
	w.config.Change(func(c *tokentest.Configuration) {
		key := tokentest.Key{Tenant: w.acme.ID, ID: id}
		changed := *c.Clients[key]
		edit(&changed)
		c.Clients[key] = &changed
	})
}

// facts gives the types of acme's facts so far, of rows and queue, without those of the set-up.
func (w *world) facts(of *storetest.Fake) []string {
	kinds := []string{}
	for _, f := range of.Facts() {
		if f.Type != "" {
			kinds = append(kinds, f.Type)
		}
	}
	return kinds
}

func (w *world) lastFact(of *storetest.Fake) token.Fact {
	w.t.Helper()
	all := of.Facts()
	require.NotEmpty(w.t, all)
	return all[len(all)-1]
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// location is where a redirect leads.
func (a answer) location(t *testing.T) *url.URL {
	t.Helper()
	require.Contains(t, []int{http.StatusFound, http.StatusSeeOther}, a.StatusCode, a.body)
	u, err := url.Parse(a.Header.Get("Location"))
	require.NoError(t, err)
	return u
}

// user agent: one browser at one tenant, with a jar of its own.
type agent struct {
	w       *world
	tenant  tenancy.Tenant
	cookies map[string]string

	userAgent, ip string // empty: the usual ones
}

func (w *world) browser() *agent { return &agent{w: w, tenant: w.acme, cookies: map[string]string{}} }

func (b *agent) do(req *http.Request) answer {
	b.w.t.Helper()
	sealed, err := b.w.seal.Header(b.tenant)
	require.NoError(b.w.t, err)
	req.Header.Set(tenancy.Header, sealed)
	req.Header.Set("X-Forwarded-For", cmp.Or(b.ip, "203.0.113.7"))
	req.Header.Set("User-Agent", cmp.Or(b.userAgent, "test-agent"))
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // as a browser sends it: a name and a value
	}
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, req)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	require.NoError(b.w.t, err)
	require.NoError(b.w.t, res.Body.Close())
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return answer{res, string(body)}
}

func (b *agent) get(path string, query url.Values) answer {
	b.w.t.Helper()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	req := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodGet, path, nil)
	req.Header.Set("Accept", "text/html")
	return b.do(req)
}

func (b *agent) post(path string, form url.Values) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

// follow goes on to where a redirect on this host leads.
func (b *agent) follow(a answer) answer {
	b.w.t.Helper()
	to := a.location(b.w.t)
	require.Empty(b.w.t, to.Host, "leaves this host: %s", to)
	return b.get(to.Path, to.Query())
}

func authorizeParams(more ...string) url.Values {
	v := url.Values{
		"client_id": {"web"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid profile email"},
		"state": {"st-1"}, "nonce": {"no-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	return edit(v, more)
}

// edit sets parameters, given as name and value in turn; an empty value takes the parameter out.
func edit(v url.Values, more []string) url.Values {
	for pair := range slices.Chunk(more, 2) {
		v.Set(pair[0], pair[1])
		if pair[1] == "" {
			v.Del(pair[0])
		}
	}
	return v
}

// logIn walks from /authorize to the callback, typing the password on the way, and gives the callback's address.
func (b *agent) logIn(params url.Values) *url.URL {
	b.w.t.Helper()
	start := b.get("/authorize", params)
	to := start.location(b.w.t)
	require.Equal(b.w.t, "/u/login", to.Path, start.Header.Get("Location"))
	page := b.follow(start)
	require.Equal(b.w.t, http.StatusOK, page.StatusCode, page.body)
	typed := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
	require.Equal(b.w.t, "/authorize/resume", typed.location(b.w.t).Path, typed.body)
	return b.follow(typed).location(b.w.t)
}

// exchange redeems a code as the web client.
func (b *agent) exchange(code string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "code": {code},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	return b.post("/oauth/token", edit(form, more))
}

func (b *agent) machine(more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "audience": {apiAudience}}
	return b.post("/oauth/token", edit(form, more))
}

func (b *agent) userinfo(raw string) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodGet, "/userinfo", nil)
	if raw != "" {
		req.Header.Set("Authorization", "Bearer "+raw)
	}
	return b.do(req)
}

// requireOAuth checks an error of the token endpoint: status, code and sentence.
func requireOAuth(t *testing.T, a answer, status int, code, sentence string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	got := a.json(t)
	require.Equal(t, code, got["error"])
	require.Equal(t, sentence, got["error_description"])
	require.Equal(t, "no-store", a.Header.Get("Cache-Control"))
}

// requireCallbackError checks an error that went to the callback.
func requireCallbackError(t *testing.T, to *url.URL, code, sentence string) {
	t.Helper()
	require.Equal(t, "app.example", to.Host, to.String())
	require.Equal(t, code, to.Query().Get("error"))
	require.Equal(t, sentence, to.Query().Get("error_description"))
	require.Equal(t, "st-1", to.Query().Get("state"), "state comes back with errors too (RFC 6749 §4.1.2.1)")
	require.Empty(t, to.Query().Get("code"))
}

func decodeSegment(t *testing.T, raw string, segment int) map[string]any {
	t.Helper()
	parts := strings.Split(raw, ".")
	require.Len(t, parts, 3)
	var v map[string]any
	require.NoError(t, json.Unmarshal(unbase64(t, parts[segment]), &v))
	return v
}

func requireRS256(t *testing.T, key *rsa.PublicKey, raw string) map[string]any {
	t.Helper()
	requireSigned(t, key, raw)
	return decodeSegment(t, raw, 1)
}

var regexpStyle = regexp.MustCompile(`/u/assets/style\.[0-9a-f]{16}\.css`)

// newForm is a form post to the token endpoint.
func newForm(t *testing.T, body string) *http.Request {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}
