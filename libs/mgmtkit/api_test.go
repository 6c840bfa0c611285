package mgmtkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// verifier knows one token a scope: "holds:<scope>".
type verifier struct{}

func (verifier) VerifyAccess(_ context.Context, _ tenancy.Tenant, raw, audience string) (jwtkit.Claims, error) {
	scope, ok := strings.CutPrefix(raw, "holds:")
	switch {
	case raw == "keys-away":
		return jwtkit.Claims{}, fault.Unavailable("The keys cannot be read").Because(io.ErrUnexpectedEOF)
	case !ok || audience != "https://acme.eu.example.test/api/v2/":
		return jwtkit.Claims{}, fault.Unauthenticated("Invalid token")
	}
	return jwtkit.Claims{Subject: "c1@clients", AuthorizedParty: "c1", Scope: strings.Fields(scope), ID: "jti_1"}, nil
}

type jwtConfiguration struct {
	Alg      string `json:"alg" enum:"RS256,PS256,HS256" doc:"Algorithm of the ID token."`
	Lifetime int    `json:"lifetime_in_seconds,omitempty" minimum:"1" maximum:"2592000"`
}

type thing struct {
	Name      string            `json:"name" minLength:"1" maxLength:"20" pattern:"^[^<>]+$" doc:"Name of the thing"`
	Email     string            `json:"email,omitempty" format:"email"`
	Home      string            `json:"home,omitempty" format:"uri"`
	Callbacks []string          `json:"callbacks,omitempty" uniqueItems:"true" maxItems:"3" doc:"Allowed callbacks"`
	Signing   *jwtConfiguration `json:"jwt_configuration,omitempty" doc:"How it signs"`
	Secret    string            `json:"client_secret,omitempty" pattern:"^[a-z]*$"`
	Metadata  map[string]string `json:"metadata,omitempty" maxProperties:"1"`
}

type change struct {
	Name      mgmtkit.Optional[string]           `json:"name,omitzero" minLength:"1" doc:"Name of the thing"`
	Callbacks mgmtkit.Optional[[]string]         `json:"callbacks,omitzero" maxItems:"2"`
	Type      mgmtkit.Optional[string]           `json:"type,omitzero" enum:"native,spa"`
	Lifetime  mgmtkit.Optional[int]              `json:"lifetime,omitzero" minimum:"1"`
	Signing   mgmtkit.Optional[jwtConfiguration] `json:"jwt_configuration,omitzero"`
	Metadata  mgmtkit.Optional[map[string]any]   `json:"metadata,omitzero"`
	On        mgmtkit.Optional[bool]             `json:"on,omitzero"`
}

type onThing struct {
	ID string `path:"id" maxLength:"64" doc:"The thing's id"`
}

type changed struct {
	ID   string `path:"id"`
	Body change
}

type created struct{ Body thing }

type listed struct {
	mgmtkit.Paging

	Type string `query:"type" enum:"native,spa" doc:"Only of this type"`
}

// world is an engine with one resource that remembers what reached it.
type world struct {
	api     *mgmtkit.API
	handler http.Handler
	seal    *tenancy.Seal
	log     bytes.Buffer

	act    audit.Act
	change change
	body   any
	id     string
	fail   error

	lines    lines
	revealed func(context.Context) // what get_thing says of its answer; may be nil
}

func newWorld(t *testing.T, options ...mgmtkit.Option) *world {
	t.Helper()
	w := &world{}
	seal, err := tenancy.NewSeal(make([]byte, 32), clock.At("2026-03-01T12:00:00Z").Now)
	require.NoError(t, err)
	engine := httpkit.NewEngine(httpkit.Config{Service: "test", Log: slog.New(slog.NewJSONHandler(&w.log, nil)), Seal: seal, MaxBody: 2 << 20})
	options = append([]mgmtkit.Option{mgmtkit.WithRecorder(&w.lines)}, options...)
	w.api, w.seal, w.handler = mgmtkit.New(engine, verifier{}, options...), seal, engine

	type out struct{ Body map[string]any }
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "list_things", Summary: "List things", Method: http.MethodGet, Path: "/things", Scopes: []string{"read:things", "read:thing_keys"}, Tag: "things",
	}, func(_ context.Context, _ tenancy.Tenant, in *listed) (*mgmtkit.List, error) {
		if err := in.Bounded(); err != nil {
			return nil, err
		}
		return mgmtkit.Page[string](in.Paging, "things", nil, 0, ""), nil
	})
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "create_thing", Summary: "Create a thing", Method: http.MethodPost, Path: "/things", Scopes: []string{"create:things"}, Status: http.StatusCreated,
		Secrets: []string{"home"},
	}, func(ctx context.Context, _ tenancy.Tenant, in *created) (*out, error) {
		w.act, w.body = audit.From(ctx), in.Body
		return &out{Body: map[string]any{"html": "<b>"}}, w.fail
	})
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "get_thing", Summary: "Get a thing", Method: http.MethodGet, Path: "/things/{id}",
	}, func(ctx context.Context, _ tenancy.Tenant, in *onThing) (*out, error) {
		w.act, w.id = audit.From(ctx), in.ID
		if w.revealed != nil {
			w.revealed(ctx)
		}
		return &out{}, w.fail
	})
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "update_thing", Summary: "Update a thing", Method: http.MethodPatch, Path: "/things/{id}", Scopes: []string{"update:things"},
	}, func(ctx context.Context, _ tenancy.Tenant, in *changed) (*out, error) {
		w.change, w.id = in.Body, in.ID
		wire := func(th thing) map[string]any {
			return map[string]any{"name": th.Name, "client_secret": th.Secret, "home": th.Home}
		}
		stored := thing{Name: in.Body.Name.Value, Secret: "s3cret", Home: "kept"}
		w.act = audit.From(mgmtkit.Answering(ctx, wire)).Answered(stored) // as a store does in its transaction
		return &out{Body: wire(stored)}, nil
	})
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "delete_thing", Summary: "Delete a thing", Method: http.MethodDelete, Path: "/things/{id}", Scopes: []string{"delete:things"}, Status: http.StatusNoContent,
	}, func(context.Context, tenancy.Tenant, *onThing) (*struct{}, error) { return nil, w.fail })
	mgmtkit.Register(w.api, mgmtkit.Op{
		ID: "thing_keys", Summary: "Get a thing's keys", Method: http.MethodGet, Path: "/things/{id}/keys", Reveals: true,
	}, func(ctx context.Context, _ tenancy.Tenant, _ *onThing) (*out, error) {
		w.act = audit.From(ctx)
		return &out{}, nil
	})
	return w
}

func (w *world) ask(t *testing.T, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://acme.eu.example.test/api/v2"+path, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	}
	sealed, err := w.seal.Header(tenancy.Tenant{ID: "tnt_1", Host: "acme.eu.example.test", Canonical: "acme.eu.example.test"})
	require.NoError(t, err)
	r.Header.Set(tenancy.Header, sealed)
	r.Header.Set("Authorization", "Bearer holds:read:things create:things update:things delete:things")
	r.Header.Set("X-Forwarded-For", "192.0.2.7")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func requireProblem(t *testing.T, rec *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	require.Equal(t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	var p httpkit.Problem
	dec := json.NewDecoder(rec.Body)
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&p))
	require.Equal(t, httpkit.Problem{StatusCode: status, Error: http.StatusText(status), Message: message, ErrorCode: code}, p)
	require.Equal(t, status, rec.Code)
}

func TestAPI_Authorization(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"none": "", "another_scheme": "Basic holds:read:things", "no_token": "Bearer", "a_blank_token": "Bearer   ", "the_token_alone": "holds:read:things",
	} {
		t.Run(name+"_is_401_missing_authentication", func(t *testing.T) {
			t.Parallel()
			rec := newWorld(t).ask(t, http.MethodGet, "/things", "", "Authorization", header)
			require.Equal(t, "Bearer", rec.Header().Get("WWW-Authenticate"), "RFC 6750 §3")
			requireProblem(t, rec, http.StatusUnauthorized, "", "Missing authentication")
		})
	}
	t.Run("two_headers_are_none", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/things", nil)
		sealed, err := w.seal.Header(tenancy.Tenant{ID: "tnt_1", Canonical: "acme.eu.example.test"})
		require.NoError(t, err)
		r.Header.Set(tenancy.Header, sealed)
		r.Header["Authorization"] = []string{"Bearer holds:read:things", "Bearer other"}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		require.Equal(t, http.StatusUnauthorized, rec.Code)
	})
	t.Run("the_scheme_has_no_case", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusOK, newWorld(t).ask(t, http.MethodGet, "/things", "", "Authorization", "bEARER  holds:read:thing_keys").Code)
	})
	t.Run("a_wrong_token_is_401_before_anything_is_looked_at", func(t *testing.T) {
		t.Parallel()
		rec := newWorld(t).ask(t, http.MethodPost, "/things?nonsense=1", `{`, "Authorization", "Bearer forged")
		require.Equal(t, `Bearer error="invalid_token"`, rec.Header().Get("WWW-Authenticate"))
		requireProblem(t, rec, http.StatusUnauthorized, "", "Invalid token")
	})
	t.Run("no_listed_scope_is_403_naming_them", func(t *testing.T) {
		t.Parallel()
		for _, scope := range []string{"", "read:thing", "READ:THINGS", "read:things2", "*", "update:things"} {
			rec := newWorld(t).ask(t, http.MethodGet, "/things", "", "Authorization", "Bearer holds:"+scope)
			requireProblem(t, rec, http.StatusForbidden, "insufficient_scope", "Insufficient scope, expected any of: read:things,read:thing_keys")
		}
	})
	t.Run("keys_that_cannot_be_had_are_503_with_retry_after", func(t *testing.T) {
		t.Parallel()
		rec := newWorld(t).ask(t, http.MethodGet, "/things", "", "Authorization", "Bearer keys-away")
		require.Equal(t, "1", rec.Header().Get("Retry-After"))
		requireProblem(t, rec, http.StatusServiceUnavailable, "temporarily_unavailable", "The keys cannot be read")
	})
	t.Run("who_did_not_come_through_the_router_is_403", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusForbidden, newWorld(t).ask(t, http.MethodGet, "/things", "", tenancy.Header, "forged").Code)
	})
}

func TestAPI_Refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body, contentType string
		status                          int
		code, message                   string
	}{
		"missing_property":           {body: `{}`, message: "Payload validation error: 'Missing required property: name'."},
		"missing_nested_property":    {body: `{"name":"x","jwt_configuration":{}}`, message: "Payload validation error: 'Missing required property: alg' on property jwt_configuration (How it signs)."},
		"unknown_property":           {body: `{"name":"x","nope":1}`, message: "Payload validation error: 'Additional properties not allowed: nope'."},
		"unknown_nested_property":    {body: `{"name":"x","jwt_configuration":{"alg":"RS256","nope":1}}`, message: "Payload validation error: 'Additional properties not allowed: nope' on property jwt_configuration (How it signs)."},
		"several_unknown_properties": {body: `{"name":"x","b":1,"c":1,"a":1,"d":1}`, message: "Payload validation error: 'Additional properties not allowed: a'."},
		"a_value_before_an_unknown":  {body: `{"name":7,"a":1}`, message: "Payload validation error: 'Expected type string but found type integer' on property name (Name of the thing)."},
		"another_case":               {body: `{"name":"x","Client_Secret":"<>"}`, message: "Payload validation error: 'Additional properties not allowed: Client_Secret'."},
		"another_case_beside":        {body: `{"name":"x","NAME":"<script>"}`, message: "Payload validation error: 'Additional properties not allowed: NAME'."},
		"null":                       {body: `{"name":null}`, message: "Payload validation error: 'Expected type string but found type null' on property name (Name of the thing)."},
		"wrong_type_nested":          {body: `{"name":"x","jwt_configuration":{"alg":true}}`, message: "Payload validation error: 'Expected type string but found type boolean' on property jwt_configuration.alg (Algorithm of the ID token)."},
		"not_in_enum":                {body: `{"name":"x","jwt_configuration":{"alg":"none"}}`, message: "Payload validation error: 'No enum match for: none' on property jwt_configuration.alg (Algorithm of the ID token)."},
		"too_short":                  {body: `{"name":""}`, message: "Payload validation error: 'String is too short (0 chars), minimum 1' on property name (Name of the thing)."},
		"too_long":                   {body: `{"name":"` + strings.Repeat("é", 21) + `"}`, message: "Payload validation error: 'String is too long (21 chars), maximum 20' on property name (Name of the thing)."},
		"pattern":                    {body: `{"name":"<b>"}`, message: "Payload validation error: 'String does not match pattern ^[^<>]+$: <b>' on property name (Name of the thing)."},
		"pattern_of_a_secret":        {body: `{"name":"x","client_secret":"S3CRET"}`, message: "Payload validation error: 'String does not match pattern ^[a-z]*$' on property client_secret."},
		"format_email":               {body: `{"name":"x","email":"nobody"}`, message: "Payload validation error: 'Object didn't pass validation for format email: nobody' on property email."},
		"format_uri":                 {body: `{"name":"x","home":"%"}`, message: "Payload validation error: 'Object didn't pass validation for format uri: %' on property home."},
		"minimum":                    {body: `{"name":"x","jwt_configuration":{"alg":"RS256","lifetime_in_seconds":0}}`, message: "Payload validation error: 'Value 0 is less than minimum 1' on property jwt_configuration.lifetime_in_seconds."},
		"maximum":                    {body: `{"name":"x","jwt_configuration":{"alg":"RS256","lifetime_in_seconds":3e6}}`, message: "Payload validation error: 'Value 3000000 is greater than maximum 2592000' on property jwt_configuration.lifetime_in_seconds."},
		"array_item":                 {body: `{"name":"x","callbacks":["a",7]}`, message: "Payload validation error: 'Expected type string but found type integer' on property callbacks[1]."},
		"array_twins":                {body: `{"name":"x","callbacks":["a","b","b"]}`, message: "Payload validation error: 'Array items are not unique (indexes 1 and 2)' on property callbacks (Allowed callbacks)."},
		"array_of_arrays":            {body: `{"name":"x","callbacks":[["a"]]}`, message: "Payload validation error: 'Invalid value'."},
		"array_of_objects":           {body: `{"name":"x","callbacks":[{}]}`, message: "Payload validation error: 'Invalid value'."},
		"array_too_long":             {body: `{"name":"x","callbacks":["a","b","c","d"]}`, message: "Payload validation error: 'Array is too long (4), maximum 3' on property callbacks (Allowed callbacks)."},
		"too_many_properties":        {body: `{"name":"x","metadata":{"a":"1","b":"2"}}`, message: "Payload validation error: 'Too many properties defined (2), maximum 1' on property metadata."},
		"an_array_for_an_object":     {body: `[]`, message: "Payload validation error: 'Expected type object but found type array'."},
		"malformed_json":             {body: `{"name":"s3cret`, message: "Invalid request payload JSON format"},
		"two_documents":              {body: `{"name":"x"}{"name":"y"}`, message: "Invalid request payload JSON format"},
		"a_property_twice":           {body: `{"name":"x","name":"<script>"}`, message: "Payload validation error: 'Property sent twice: name'."},
		"one_spelled_by_escapes":     {body: `{"name":"x","n\u0061me":"y"}`, message: "Payload validation error: 'Property sent twice: name'."},
		"a_nested_property_twice":    {body: `{"name":"x","jwt_configuration":{"alg":"RS256","alg":"none"}}`, message: "Payload validation error: 'Property sent twice: alg'."},
		"twice_behind_a_list":        {body: `{"name":"x","callbacks":["name",{"a":[]}],"callbacks":[]}`, message: "Payload validation error: 'Property sent twice: callbacks'."},
		"twice_within_a_list":        {body: `{"name":"x","callbacks":[{"a":1,"b":{"a":1},"a":2}]}`, message: "Payload validation error: 'Property sent twice: a'."},
		"twice_and_malformed":        {body: `{"name":"x","name"`, message: "Invalid request payload JSON format"},
		"twice_the_empty_name":       {body: `{"name":"x","":1,"":2}`, message: "Payload validation error: 'Property sent twice: '."},
		"an_empty_body":              {body: ``, message: "Payload validation error: 'Expected type object but found type null'."},
		"null_for_a_body":            {body: `null`, message: "Payload validation error: 'Expected type object but found type null'."},
		"another_content_type":       {body: `name=x`, contentType: "application/x-www-form-urlencoded", status: 415, code: "-", message: "Unsupported Media Type"},
		"a_body_past_1_mb":           {body: `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, status: 413, code: "-", message: "Payload content length greater than maximum allowed: 1048576"},

		"unknown_query_parameter": {method: "GET", path: "/things?nope=1", code: "invalid_query_string", message: "Query validation error: 'Additional properties not allowed: nope'."},
		"query_type":              {method: "GET", path: "/things?page=one", code: "invalid_query_string", message: "Query validation error: 'Expected type integer but found type string' on property page (Page, from 0)."},
		"query_boolean":           {method: "GET", path: "/things?include_totals=perhaps", code: "invalid_query_string", message: "Query validation error: 'Expected type boolean but found type string' on property include_totals (Answer with an object that has start, limit and total)."},
		"query_maximum":           {method: "GET", path: "/things?per_page=101", code: "invalid_query_string", message: "Query validation error: 'Value 101 is greater than maximum 100' on property per_page (Items a page)."},
		"query_enum":              {method: "GET", path: "/things?type=web", code: "invalid_query_string", message: "Query validation error: 'No enum match for: web' on property type (Only of this type)."},
		"page_past_the_cap":       {method: "GET", path: "/things?page=20&per_page=50", code: "invalid_paging", message: "Requesting page exceeds the allowed maximum of 1000 records."},
		"page_that_would_wrap":    {method: "GET", path: "/things?page=9223372036854775807&per_page=100", code: "invalid_query_string", message: "Query validation error: 'Value 9223372036854775807 is greater than maximum 10000000' on property page (Page, from 0)."},
		"path_too_long":           {method: "GET", path: "/things/" + strings.Repeat("a", 65), code: "invalid_uri", message: "Path validation error: 'String is too long (65 chars), maximum 64' on property id (The thing's id)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.method == "" {
				c.method, c.path = http.MethodPost, "/things"
			}
			if c.status == 0 {
				c.status = http.StatusBadRequest
			}
			switch c.code {
			case "":
				c.code = "invalid_body"
			case "-":
				c.code = ""
			}
			var headers []string
			if c.contentType != "" {
				headers = []string{"Content-Type", c.contentType}
			}
			requireProblem(t, w.ask(t, c.method, c.path, c.body, headers...), c.status, c.code, c.message)
			require.Nil(t, w.body, "nothing may reach the handler")
			require.NotContains(t, w.log.String(), "s3cret")
		})
	}
	t.Run("a_huge_value_is_not_repeated_whole", func(t *testing.T) {
		t.Parallel()
		rec := newWorld(t).ask(t, http.MethodPost, "/things", `{"name":"x","email":"`+strings.Repeat("é", 5000)+`"}`)
		require.Less(t, rec.Body.Len(), 500)
		require.True(t, json.Valid(rec.Body.Bytes()))
	})
}

func TestAPI_Answers(t *testing.T) {
	t.Parallel()
	t.Run("content_types_with_parameters_and_none_are_json", func(t *testing.T) {
		t.Parallel()
		for _, contentType := range []string{"application/json; charset=utf-8", "application/json", ""} {
			w := newWorld(t)
			require.Equal(t, http.StatusCreated, w.ask(t, http.MethodPost, "/things", `{"name":"x"}`, "Content-Type", contentType).Code)
			require.Equal(t, thing{Name: "x"}, w.body)
		}
	})
	t.Run("whatever_is_accepted_is_answered_in_json", func(t *testing.T) {
		t.Parallel()
		for _, accept := range []string{"", "*/*", "text/html", "application/cbor", "application/xml;q=0.9"} {
			rec := newWorld(t).ask(t, http.MethodPost, "/things", `{"name":"x"}`, "Accept", accept)
			require.Equal(t, http.StatusCreated, rec.Code)
			require.Contains(t, rec.Header().Get("Content-Type"), "application/json")
			require.JSONEq(t, `{"html":"<b>"}`, rec.Body.String())
			require.Empty(t, rec.Header().Get("Link"), "no schema links")
		}
	})
	t.Run("one_name_in_two_objects_is_no_repeat", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		rec := w.ask(t, http.MethodPatch, "/things/x", `{"name":"metadata","callbacks":["name","name"],"metadata":{"name":"name","a":[{"name":1},{"name":2}],"metadata":{"name":null}}}`)
		require.Equal(t, http.StatusOK, rec.Code, "%s", rec.Body)
	})
	t.Run("percent_encoded_ids_arrive_decoded_once", func(t *testing.T) {
		t.Parallel()
		for path, want := range map[string]string{
			"/things/auth0%7Cabc": "auth0|abc", "/things/https%3A%2F%2Fapi.acme.test%2F": "https://api.acme.test/", "/things/a%2Bb%2Fc": "a+b/c", "/things/a%252F": "a%2F",
		} {
			w := newWorld(t)
			require.Equal(t, http.StatusOK, w.ask(t, http.MethodGet, path, "").Code)
			require.Equal(t, want, w.id)
			w = newWorld(t)
			require.Equal(t, http.StatusOK, w.ask(t, http.MethodPatch, path, `{}`).Code)
			require.Equal(t, want, w.id)
		}
	})
	t.Run("a_fault_is_rendered_with_its_code_and_the_cause_stays_in_the_log", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fail = &fault.Error{
			Kind: fault.KindUnavailable, Code: "temporarily_unavailable", Message: "The store is away", RetryAfter: 300 * time.Millisecond,
			Cause: io.ErrUnexpectedEOF,
		}
		rec := w.ask(t, http.MethodGet, "/things/x", "")
		require.Equal(t, "1", rec.Header().Get("Retry-After"))
		requireProblem(t, rec, http.StatusServiceUnavailable, "temporarily_unavailable", "The store is away")
		require.Contains(t, w.log.String(), "unexpected EOF")
	})
	t.Run("an_error_that_is_no_fault_is_500_that_says_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.fail = io.ErrUnexpectedEOF
		requireProblem(t, w.ask(t, http.MethodGet, "/things/x", ""), http.StatusInternalServerError, "", "An internal error occurred")
	})
	t.Run("no_content_has_no_body", func(t *testing.T) {
		t.Parallel()
		rec := newWorld(t).ask(t, http.MethodDelete, "/things/x", "")
		require.Equal(t, http.StatusNoContent, rec.Code)
		require.Zero(t, rec.Body.Len())
	})
	t.Run("other_methods_are_405", func(t *testing.T) {
		t.Parallel()
		requireProblem(t, newWorld(t).ask(t, http.MethodPut, "/things/x", "{}"), http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed")
	})
	t.Run("the_description_of_it_all_holds_together", func(t *testing.T) {
		t.Parallel()
		raw, err := newWorld(t).api.OpenAPI().YAML()
		require.NoError(t, err)
		require.Contains(t, string(raw), "/api/v2/things/{id}")
		require.Contains(t, string(raw), "bearerFormat: JWT")
	})
}

// A deadline for reading the body would otherwise stay on the connection and cancel whoever works longer than it.
func TestAPI_BodyDeadlineEndsWithTheBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v2/things", strings.NewReader(`{"name":"x"}`))
	sealed, err := w.seal.Header(tenancy.Tenant{ID: "tnt_1", Canonical: "acme.eu.example.test"})
	require.NoError(t, err)
	r.Header.Set(tenancy.Header, sealed)
	r.Header.Set("Authorization", "Bearer holds:create:things")
	rec := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	w.handler.ServeHTTP(rec, r)
	require.Equal(t, http.StatusCreated, rec.Code)
	require.Len(t, rec.set, 2)
	require.False(t, rec.set[0].IsZero())
	require.True(t, rec.set[1].IsZero())
}

type deadlines struct {
	*httptest.ResponseRecorder

	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}
