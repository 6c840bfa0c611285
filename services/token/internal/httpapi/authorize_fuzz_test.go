package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/assertion"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// forgetful is a store that keeps nothing of requests, so that many can be tried.
type forgetful struct{ *storetest.Fake }

func (forgetful) SaveTransaction(context.Context, tenancy.ID, token.Transaction) error { return nil }

func (forgetful) RecordFact(context.Context, token.Fact) error { return nil }

// FuzzAuthorize looks for a request that leads the browser to where the client never said it lives (RFC 9700 §4.11), that writes into our
// page or headers, or that we stumble over.
func FuzzAuthorize(f *testing.F) {
	const good = "client_id=web&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code&state=s&scope=openid"
	for _, seed := range []string{
		good, "", "client_id=web", good + "&redirect_uri=https://evil.example", strings.Replace(good, "app.example", "app.example@evil.example", 1),
		strings.Replace(good, "app.example", "evil.example%5C.app.example", 1), good + "&response_mode=fragment", good + "&response_mode=form_post&prompt=none",
		good + "&response_mode=web_message&prompt=none", good + "&prompt=%0d%0aLocation:%20x", good + "&max_age=-1", good + "&claims=%7B%22id_token%22%3A7%7D", good + "&claims=%5B%5D",
		"client_id=%3Cscript%3Ealert(1)%3C/script%3E", strings.Replace(good, "state=s", "state=%0d%0aSet-Cookie:x%3Dy", 1), good + "&request=a.b.c", good + "&request_uri=urn:ietf:params:oauth:request_uri:x",
		strings.Replace(good, "web", "wild", 1), strings.Replace(strings.Replace(good, "web", "wild", 1), "app.", "x.app.", 1), good + ";a=b", good + "&%zz", good + "&ui_locales=%ff%00",
		strings.Replace(good, "=code", "=token&nonce=n", 1), strings.Replace(good, "=code", "=id_token+code&nonce=%22%3E", 1) + "&response_mode=form_post", good + "&connection=x&login_hint=%3Cb%3E",
	} {
		f.Add(seed)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	seal, err := tenancy.NewSeal([]byte(strings.Repeat("k", 32)), now)
	if err != nil {
		f.Fatal(err)
	}
	ten := tenantOf("tnt_acme", "acme")
	header, err := seal.Header(ten)
	if err != nil {
		f.Fatal(err)
	}
	config := tokentest.NewConfiguration()
	for _, c := range []token.Client{
		{ID: "web", Callbacks: []string{callback}, WebOrigins: []string{"https://app.example"}}, {ID: "wild", Callbacks: []string{"https://*.app.example/cb"}},
	} {
		c.Name, c.Secret, c.FirstParty, c.GrantTypes = c.ID, "s", true, []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantImplicit}
		config.Clients[tokentest.Key{Tenant: ten.ID, ID: c.ID}] = &c
		config.Connections[tokentest.Key{Tenant: ten.ID, ID: c.ID}] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	}
	store := forgetful{storetest.NewFake()}
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, httpapi.Deps{Settings: config, Apps: config, Logins: token.NewLogins(token.LoginDeps{
		Config: config, Policy: token.NewPolicy(config, store), Store: store, Pushes: store, Objects: assertion.Reader{}, Now: now,
	})})
	f.Fuzz(func(t *testing.T, query string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authorize", nil)
		req.URL.RawQuery = query
		req.Header.Set(tenancy.Header, header)
		rec := httptest.NewRecorder()
		engine.ServeHTTP(rec, req)
		sent, _ := url.ParseQuery(query)
		posts := sent.Get("response_mode") == "form_post" || sent.Get("response_mode") == "web_message"
		if rec.Code >= http.StatusInternalServerError || rec.Code == http.StatusOK && !posts {
			t.Fatalf("%q is answered by %d: %s", query, rec.Code, rec.Body)
		}
		for name, values := range rec.Header() {
			if strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00") || len(values) > 1 {
				t.Fatalf("%q makes the header %s: %q", query, name, values)
			}
		}
		page := rec.Body.String()
		if rec.Code == http.StatusOK { // the answer posts itself by the one script there is
			page = strings.Replace(page, "<script", "", 1)
		}
		if strings.Contains(strings.ToLower(page), "<script") || strings.Contains(page, "<b>") {
			t.Fatalf("%q writes %s", query, page)
		}
		to := rec.Header().Get("Location")
		if to == "" || strings.HasPrefix(to, "/u/login?state=") {
			return
		}
		u, err := url.Parse(to)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Path != "/cb" || u.Host != "app.example" && !strings.HasSuffix(u.Host, ".app.example") {
			t.Fatalf("%q leads to %q: %v", query, to, err)
		}
	})
}
