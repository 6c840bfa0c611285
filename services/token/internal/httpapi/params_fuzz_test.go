package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// seen is a grant that keeps what the token endpoint read, and gives nothing.
type seen struct{ params token.Params }

func (*seen) Type() oauth.GrantType                    { return "seen" }
func (*seen) Facts() (issued, refused string)          { return "", "" }
func (*seen) Refuse(context.Context, token.Fact) error { return nil }
func (s *seen) Authorize(_ context.Context, x token.Exchange) (token.Authorization, error) {
	s.params = x.Params
	return token.Authorization{}, fault.Denied(oauth.AccessDenied, "Seen")
}

func (*seen) Settle(context.Context, token.Exchange, token.Settlement) error {
	return errors.New("there is nothing to settle")
}

// reader is a tenant whose only grant is seen.
type reader struct {
	config  *tokentest.Configuration
	grant   *seen
	handler http.Handler
	header  string
	tenant  tenancy.Tenant
}

func newReader(tb testing.TB) *reader {
	tb.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	seal, err := tenancy.NewSeal([]byte(strings.Repeat("k", 32)), now)
	if err != nil {
		tb.Fatal(err)
	}
	r := &reader{config: tokentest.NewConfiguration(), grant: &seen{}, tenant: tenantOf("tnt_acme", "acme")}
	if r.header, err = seal.Header(r.tenant); err != nil {
		tb.Fatal(err)
	}
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, httpapi.Deps{Settings: r.config, Apps: r.config, Endpoint: token.NewEndpoint(token.EndpointDeps{
		Config: r.config, Policy: token.NewPolicy(r.config, nil), Now: now, Grants: []token.Grant{r.grant}, Auth: token.NewAuthenticator(r.config, nil, nil),
	})})
	r.handler = engine
	return r
}

// client makes the only client there is.
func (r *reader) client(c token.Client) {
	r.config.Clients = map[tokentest.Key]*token.Client{{Tenant: r.tenant.ID, ID: c.ID}: &c}
}

// read gives what the endpoint made of a body; nil where it refused it.
func (r *reader) read(t *testing.T, kind, authorization string, body []byte) (token.Params, answer) {
	t.Helper()
	r.grant.params = nil
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", bytes.NewReader(body))
	req.Header.Set(tenancy.Header, r.header)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, req)
	res := answer{rec.Result(), rec.Body.String()}
	var failure struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(res.body), &failure); err != nil || failure.Error == "" || res.StatusCode < 400 || res.StatusCode >= 500 {
		t.Fatalf("%d is no refusal: %s", res.StatusCode, res.body)
	}
	return r.grant.params, res
}

const formType = "application/x-www-form-urlencoded"

// FuzzForm looks for a form that is read as something else than it says, or that has a parameter twice (RFC 6749 §3.2).
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=b", "scope=openid+profile&x=%20y", "a=1&a=2", "a=1;b=2", "a=%", "a=%zz&b", "=x&=y", "client_secret=x&client_secret=", "a[]=1&a[]=2", "%61=1&a=2", "a=\xff&b=\x00",
		"client_id=other", "grant_type=password", strings.Repeat("&", 100) + "a=b", "client_assertion=x", "é=é",
	} {
		f.Add([]byte("grant_type=seen&client_id=app&" + seed))
	}
	r := newReader(f)
	r.client(token.Client{ID: "app", AuthMethod: oauth.AuthNone})
	f.Fuzz(func(t *testing.T, body []byte) {
		params, res := r.read(t, formType, "", body)
		if params == nil {
			return
		}
		sent, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatalf("%q is no form and was read: %s", body, res.body)
		}
		if len(sent) != len(params) {
			t.Fatalf("%q is %q", body, params)
		}
		for name, values := range sent {
			if got, there := params[name]; !there || len(values) != 1 || got != values[0] {
				t.Fatalf("%q has %s, read as %q", body, name, got)
			}
		}
	})
}

// FuzzJSON looks for a JSON body that is read as something else than it says: by names that stand there twice, by other spellings of
// them, by what follows the object, or by what is no text.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"grant_type":"seen","client_id":"app"}`, `{"grant_type":"seen","client_id":"app","scope":["a","b"]}`, `{"grant_type":"seen","client_id":"app","GRANT_TYPE":"x"}`,
		`{"grant_type":"x","grant_type":"seen","client_id":"app"}`, `{"grant_type":"seen","client_id":"app"}{"client_id":"x"}`, `{"grant_type":"seen","client_id":"app"} x`,
		`{"grant_type":"seen","client_id":"app","a":1}`, `{"grant_type":"seen","client_id":"app","a":null}`, `{"grant_type":"seen","client_id":"app","a":{"b":"c"}}`,
		`{"grant_type":"seen","client_id":"app","a":"\u0000\ud800"}`, `[]`, `null`, `"x"`, ``, "\ufeff{}", `{"grant_type":"seen","client_id":"app","scope":[1]}`,
		`{"grant_type":"seen","\u0063lient_id":"app","client_id":"b"}`, strings.Repeat(`{"a":`, 50), `{"grant_type":"seen","client_id":"app","audience":["a"]}`,
	} {
		f.Add([]byte(seed))
	}
	r := newReader(f)
	r.client(token.Client{ID: "app", AuthMethod: oauth.AuthNone})
	f.Fuzz(func(t *testing.T, body []byte) {
		params, res := r.read(t, "application/json", "", body)
		if params == nil {
			return
		}
		sent, err := readObject(body)
		if err != nil {
			t.Fatalf("%q was read, and is %v: %s", body, err, res.body)
		}
		if !maps.Equal(sent, params) {
			t.Fatalf("%q is %q, read as %q", body, sent, params)
		}
	})
}

// readObject reads a JSON object word by word, as another parser would.
func readObject(body []byte) (token.Params, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("no object")
	}
	sent, names := token.Params{}, map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		text, ok := name.(string)
		if !ok || names[text] {
			return nil, errors.New("names one thing twice")
		}
		names[text] = true
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		switch value := value.(type) {
		case nil:
		case string:
			sent[text] = value
		case []any:
			words := make([]string, len(value))
			for i, word := range value {
				if words[i], ok = word.(string); !ok {
					return nil, errors.New("no list of texts")
				}
			}
			sent[text] = strings.Join(words, " ")
		default:
			return nil, errors.New("no text")
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one object")
	}
	return sent, nil
}

// FuzzForm_and_JSON looks for parameters that one way of writing them says and the other does not.
func FuzzForm_and_JSON(f *testing.F) {
	for _, seed := range [][2]string{{"scope", "openid"}, {"a b", "+%20 "}, {"client_id", "x"}, {"", ""}, {"client_secret", "\u2028"}, {"grant_type", "password"}, {"\x00", "\x00"}, {"é", "😀"}} {
		f.Add(seed[0], seed[1])
	}
	r := newReader(f)
	r.client(token.Client{ID: "app", AuthMethod: oauth.AuthNone})
	f.Fuzz(func(t *testing.T, name, value string) {
		if !utf8.ValidString(name) || !utf8.ValidString(value) { // JSON has no such text (RFC 8259 §8.1)
			return
		}
		sent := map[string]string{"grant_type": "seen", "client_id": "app", name: value}
		form := url.Values{}
		for name, value := range sent {
			form.Set(name, value)
		}
		object, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		byForm, formAnswer := r.read(t, formType+"; charset=utf-8", "", []byte(form.Encode()))
		byJSON, jsonAnswer := r.read(t, "application/json; charset=utf-8", "", object)
		if !maps.Equal(byForm, byJSON) || formAnswer.StatusCode != jsonAnswer.StatusCode || formAnswer.body != jsonAnswer.body {
			t.Fatalf("%q is %q (%s) as a form and %q (%s) as JSON", sent, byForm, formAnswer.body, byJSON, jsonAnswer.body)
		}
	})
}

// FuzzBasic looks for a client that is kept out although it wrote its credentials as RFC 6749 §2.3.1 says, and for one that gets in by
// another secret than its own.
func FuzzBasic(f *testing.F) {
	for _, seed := range [][3]string{
		{"app", "secret", "secret"},
		{"app", "se cret", "se+cret"},
		{"app", "a+b%20c", "a+b%20c"},
		{"app", "a:b", "a%3Ab"},
		{"a:b", "c", "c"},
		{"app", "%", "%25"},
		{"app", "é\xff", "%C3%A9%FF"},
		{"app", "x", ""},
		{"app", "\x00", "%00"},
		{"%61pp", "s", "s"},
		{"app", "%2525", "%25"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	r := newReader(f)
	basic := func(t *testing.T, id, secret string) bool {
		t.Helper()
		params, res := r.read(t, formType, "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret)), []byte("grant_type=seen"))
		if params == nil && res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusBadRequest {
			t.Fatalf("%d %s", res.StatusCode, res.body)
		}
		return params != nil
	}
	f.Fuzz(func(t *testing.T, id, secret, guess string) {
		if id == "" || secret == "" {
			return
		}
		r.client(token.Client{ID: id, Secret: token.Secret(secret), AuthMethod: oauth.AuthBasic})
		if !basic(t, url.QueryEscape(id), url.QueryEscape(secret)) {
			t.Fatalf("%q cannot get in by %q", id, secret)
		}
		said := guess
		if plain, err := url.QueryUnescape(guess); err == nil {
			said = plain
		}
		if basic(t, url.QueryEscape(id), guess) != (said == secret) {
			t.Fatalf("%q, whose secret is %q, and %q", id, secret, guess)
		}
	})
}

// FuzzAuthorization looks for a header that lets somebody in who has not said the secret.
func FuzzAuthorization(f *testing.F) {
	right := base64.StdEncoding.EncodeToString([]byte("app:secret"))
	for _, seed := range []string{"", "Basic", "Basic ", "Basic " + right, "basic " + right, "Basic  " + right, "Basic " + right + "=", "Bearer " + right, "Basic YXBw", "Basic YXBwOg==", "Basic Og==", right} {
		f.Add(seed)
	}
	r := newReader(f)
	r.client(token.Client{ID: "app", Secret: "secret"})
	f.Fuzz(func(t *testing.T, header string) {
		params, _ := r.read(t, formType, header, []byte("grant_type=seen"))
		if params == nil {
			return
		}
		_, encoded, _ := strings.Cut(header, " ")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if id, secret, ok := strings.Cut(string(raw), ":"); err != nil || !ok || unescaped(id) != "app" || unescaped(secret) != "secret" {
			t.Fatalf("%q gets in", header)
		}
	})
}

func unescaped(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
