package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/httpapi"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

// registry is a world in which clients register themselves, and that remembers the audit lines of what was stored.
type registry struct {
	*world
	*storetest.Fake

	switches map[tenancy.ID]client.Switches
	away     error // what asking for switches answers
	stored   []audit.Act
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	w := newWorld(t)
	r := &registry{world: w, Fake: w.store, switches: map[tenancy.ID]client.Switches{acme.ID: {Registration: true, Connect: true}}}
	w.clients = client.NewService(r, w.clock.Now, client.WithSwitches(r))
	engine := httpkit.NewEngine(httpkit.Config{Service: "client", Log: slog.New(slog.DiscardHandler), Seal: w.seal})
	httpapi.Register(engine, httpapi.Deps{Clients: w.clients, Recorder: w, Now: w.clock.Now})
	w.handler = engine
	return r
}

// FindSwitches implements client.Switchboard.
func (r *registry) FindSwitches(_ context.Context, tenant tenancy.ID) (client.Switches, error) {
	return r.switches[tenant], r.away
}

// CreateClient implements client.Store.
func (r *registry) CreateClient(ctx context.Context, tenant tenancy.ID, c client.Client, everywhere bool) error {
	r.stored = append(r.stored, audit.From(ctx).Answered(c))
	return r.Fake.CreateClient(ctx, tenant, c, everywhere)
}

// register sends a raw body to the door, as nobody in particular.
func (r *registry) register(t tenancy.Tenant, body string, headers ...string) answer {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/oidc/register", strings.NewReader(body))
	sealed, err := r.seal.Header(t)
	require.NoError(r.t, err)
	req.Header.Set(tenancy.Header, sealed)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", "192.0.2.7")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return r.serve(req)
}

func (r *registry) found(t tenancy.Tenant, a answer) client.Client {
	r.t.Helper()
	require.Equal(r.t, http.StatusCreated, a.status, a.raw)
	c, err := r.clients.FindClient(r.t.Context(), t.ID, client.ID(fmt.Sprint(a.body["client_id"])))
	require.NoError(r.t, err)
	return c
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	a := r.register(acme, `{"client_name":"My app","redirect_uris":["https://a.example/cb","app.native:/cb","https://a.example/cb"],
		"grant_types":["authorization_code","implicit","client_credentials","refresh_token"],"response_types":["code","token"],
		"logo_uri":"https://a.example/logo","is_first_party":true,"client_id":"chosen","client_secret":"chosen-by-a-stranger","software_id":{"x":[1]}}`)
	c := r.found(acme, a)
	assert.Equal(t, m{
		"client_name": "My app", "client_id": string(c.ID), "client_secret": string(c.Secret), "redirect_uris": []any{"https://a.example/cb", "app.native:/cb"},
		"client_secret_expires_at": 0.0, "grant_types": []any{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "client_secret_post",
	}, a.body)
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	assert.Regexp(t, `^tpc_[A-Za-z0-9]{32}$`, string(c.ID))
	assert.False(t, c.FirstParty)
	assert.True(t, c.Strict())
	assert.Equal(t, "dcr", c.Settings.Text("external_metadata_type"))
	assert.Equal(t, "client", c.Settings.Text("external_metadata_created_by"))
	assert.NotContains(t, c.Settings, "logo_uri", "what a registration may not say is ignored (RFC 7591 §2)")
	assert.NotContains(t, c.Settings, "software_id")

	_, err := r.clients.FindClient(t.Context(), globex.ID, c.ID)
	assert.True(t, client.Is(err, client.ErrNoClient), "%v", err)

	require.Len(t, r.stored, 1)
	line := r.stored[0]
	assert.Equal(t, "Dynamic client registration", line.Operation)
	assert.Equal(t, "192.0.2.7", line.IP)
	assert.Equal(t, acme.Hostname(), line.Hostname)
	raw, err := json.Marshal(line)
	require.NoError(t, err)
	assert.NotContains(t, string(raw), string(c.Secret))
	assert.NotContains(t, string(raw), "chosen-by-a-stranger")
	assert.Contains(t, string(raw), string(c.ID))
	assert.Contains(t, string(raw), audit.Redacted)
}

func TestRegistration_kinds_of_client(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	_, err := r.clients.CreateConnection(t.Context(), acme.ID, client.Settings{"name": "db", "strategy": "auth0"})
	require.NoError(t, err)

	a := r.register(acme, `{"redirect_uris":["http://127.0.0.1/cb"],"token_endpoint_auth_method":"none","grant_types":null,"response_types":null}`)
	c := r.found(acme, a)
	assert.NotContains(t, a.body, "client_secret", "a public client is told none")
	assert.NotEmpty(t, string(c.Secret))
	assert.Equal(t, string(c.ID), a.body["client_name"])
	assert.Equal(t, []any{"authorization_code", "refresh_token"}, a.body["grant_types"])
	assert.Equal(t, "RS256", c.IDTokenAlg())

	a = r.register(acme, `{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code"]}`)
	c = r.found(acme, a)
	assert.Equal(t, string(c.Secret), a.body["client_secret"])
	assert.Equal(t, []any{"authorization_code"}, a.body["grant_types"])

	on, err := r.clients.ListEnabled(t.Context(), acme.ID, c.ID)
	require.NoError(t, err)
	assert.Empty(t, on, "no connection but the whole domain's")
}

func TestRegistration_is_shut_unless_the_tenant_opens_it(t *testing.T) {
	t.Parallel()
	const body = `{"redirect_uris":["https://a.example/cb"]}`
	r := newRegistry(t)
	a := r.register(globex, body)
	assert.Equal(t, http.StatusForbidden, a.status)
	assert.Equal(t, m{"error": "access_denied", "error_description": "Dynamic client registration is not enabled for this tenant"}, a.body)
	assert.Equal(t, "no-store", a.header.Get("Cache-Control"))
	part, err := r.clients.ListClients(t.Context(), globex.ID, client.Filter{}, client.Page{Limit: 10}, false)
	require.NoError(t, err)
	assert.Empty(t, part.Items)

	r.away = fault.Unavailable("The settings are away")
	a = r.register(acme, body)
	assert.Equal(t, http.StatusServiceUnavailable, a.status, "who cannot ask opens no door")
	assert.Equal(t, "temporarily_unavailable", a.body["error"])
	assert.Empty(t, r.stored)

	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oidc/register", strings.NewReader(body))
	assert.Equal(t, http.StatusForbidden, r.serve(req).status, "not but through the router")
}

func TestRegistration_refusals(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	const uris, metadata = "invalid_redirect_uri", "invalid_client_metadata"
	with := func(member string) string { return `{"redirect_uris":["https://a.example/cb"],` + member + `}` }
	for name, c := range map[string]struct{ body, code string }{
		"empty":             {``, metadata},
		"not_json":          {`{"redirect_uris":`, metadata},
		"trailing":          {`{"redirect_uris":["https://a.example/cb"]}{}`, metadata},
		"null":              {`null`, metadata},
		"list":              {`[]`, metadata},
		"deep":              {strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), metadata},
		"huge":              {with(`"client_name":"` + strings.Repeat("a", 70_000) + `"`), metadata},
		"past_the_engine":   {with(`"client_name":"` + strings.Repeat("a", 2<<20) + `"`), metadata},
		"not_utf8":          {with("\"client_name\":\"a\xff\u202eb\""), metadata},
		"none":              {`{}`, uris},
		"null_uris":         {`{"redirect_uris":null}`, uris},
		"no_uris":           {`{"redirect_uris":[]}`, uris},
		"one_text":          {`{"redirect_uris":"https://a.example/cb"}`, uris},
		"a_number":          {`{"redirect_uris":[1]}`, uris},
		"mixed":             {`{"redirect_uris":["https://a.example/cb",null]}`, uris},
		"many":              {`{"redirect_uris":[` + strings.Repeat(`"https://a.example/cb",`, 100) + `"https://a.example/cb"]}`, uris},
		"relative":          {`{"redirect_uris":["/cb"]}`, uris},
		"empty_uri":         {`{"redirect_uris":[""]}`, uris},
		"wildcard":          {`{"redirect_uris":["https://*.a.example/cb"]}`, uris},
		"fragment":          {`{"redirect_uris":["https://a.example/cb#x"]}`, uris},
		"credentials":       {`{"redirect_uris":["https://a@a.example/cb"]}`, uris},
		"script":            {`{"redirect_uris":["JavaScript:alert(1)"]}`, uris},
		"placeholder":       {`{"redirect_uris":["https://{organization_name}.a.example/cb"]}`, uris},
		"placeholder_data":  {`{"redirect_uris":["https://{custom_domain.metadata.public_x}.a.example"]}`, uris},
		"nul":               {`{"redirect_uris":["https://a.example/\u0000"]}`, uris},
		"backslash":         {`{"redirect_uris":["https://a.example\\@b.example/"]}`, uris},
		"long_uri":          {`{"redirect_uris":["https://a.example/` + strings.Repeat("a", 2048) + `"]}`, uris},
		"name_is_a_number":  {with(`"client_name":7`), metadata},
		"name_is_an_object": {with(`"client_name":{"en":"x"}`), metadata},
		"name_is_markup":    {with(`"client_name":"<b>"`), metadata},
		"name_has_a_nul":    {with(`"client_name":"a\u0000b"`), metadata},
		"name_turns_round":  {with(`"client_name":"a\u202eb"`), metadata},
		"name_is_long":      {with(`"client_name":"` + strings.Repeat("é", 256) + `"`), metadata},
		"method_unknown":    {with(`"token_endpoint_auth_method":"private_key_jwt"`), metadata},
		"method_is_a_list":  {with(`"token_endpoint_auth_method":["none"]`), metadata},
		"grants_are_a_text": {with(`"grant_types":"authorization_code"`), metadata},
		"grants_none":       {with(`"grant_types":[]`), metadata},
		"grants_of_others":  {with(`"grant_types":["client_credentials","password"]`), metadata},
		"grants_refresh":    {with(`"grant_types":["refresh_token"]`), metadata},
		"grants_of_objects": {with(`"grant_types":[{}]`), metadata},
		"types_token":       {with(`"response_types":["token"]`), metadata},
		"types_a_text":      {with(`"response_types":"code"`), metadata},
	} {
		a := r.register(acme, c.body)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
		assert.Equal(t, c.code, a.body["error"], "%s: %s", name, a.raw)
		assert.NotEmpty(t, a.body["error_description"], name)
		assert.Equal(t, "no-store", a.header.Get("Cache-Control"), name)
		assert.Less(t, len(a.raw), 600, "%s: nothing long is repeated", name)
		assert.True(t, json.Valid([]byte(a.raw)) && !bytes.ContainsRune([]byte(a.raw), 0), name)
	}
	a := r.register(acme, with(`"x":1`), "Content-Type", "text/plain")
	assert.Equal(t, http.StatusBadRequest, a.status)
	assert.Equal(t, metadata, a.body["error"])
	assert.Empty(t, r.stored)
	assert.Empty(t, r.acts, "strangers fill no log")

	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oidc/register", nil)
	sealed, err := r.seal.Header(acme)
	require.NoError(t, err)
	req.Header.Set(tenancy.Header, sealed)
	a = r.serve(req)
	assert.Equal(t, http.StatusMethodNotAllowed, a.status, "there is nothing to read")
	assert.Equal(t, http.MethodPost, a.header.Get("Allow"))
	assert.Equal(t, m{"error": "method_not_allowed", "error_description": "Method Not Allowed"}, a.body)
}

func TestClients_are_connected_as_the_tenant_wants(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	ctx := t.Context()
	for tenant, want := range map[tenancy.ID]int{acme.ID: 1, globex.ID: 0} {
		_, err := r.clients.CreateConnection(ctx, tenant, client.Settings{"name": "db", "strategy": "auth0"})
		require.NoError(t, err)
		c, err := r.clients.CreateClient(ctx, tenant, client.Settings{"name": "x"})
		require.NoError(t, err)
		on, err := r.clients.ListEnabled(ctx, tenant, c.ID)
		require.NoError(t, err)
		assert.Len(t, on, want)
	}
	r.away = fault.Unavailable("The settings are away")
	_, err := r.clients.CreateClient(ctx, acme.ID, client.Settings{"name": "x"})
	assert.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
}
