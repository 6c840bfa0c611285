package httpapi_test

import (
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
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// FuzzCookies looks for a browser that is let into somebody's session, or shown somebody's login under way, without the secrets that
// are in that browser's cookies, and without the state that its page was given (RFC 9700 §4.7).
func FuzzCookies(f *testing.F) {
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
	config, store, users := tokentest.NewConfiguration(), storetest.NewFake(), tokentest.NewUsers()
	key := tokentest.Key{Tenant: ten.ID, ID: "web"}
	config.Clients[key] = &token.Client{ID: "web", Name: "Web", Secret: "s", FirstParty: true, Callbacks: []string{callback}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}}
	config.Connections[key] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	users.Add(ten.ID, token.User{ID: adaID, Email: "ada@example.com"}, password)
	logins := token.NewLogins(token.LoginDeps{Config: config, Policy: token.NewPolicy(config, store), Users: users, Store: store, Now: now})
	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, httpapi.Deps{Settings: config, Apps: config, Logins: logins})

	// Ada logs in at her browser, and begins another login there.
	query := url.Values{"client_id": {"web"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}}
	begun, err := logins.Authorize(f.Context(), ten, query, token.Browser{})
	if err != nil {
		f.Fatal(err)
	}
	entered, _, err := logins.Submit(f.Context(), ten, token.Typed{State: begun.State, Identifier: "ada@example.com", Password: password}, token.Browser{Secret: begun.Browser})
	if err != nil || entered.Session == "" {
		f.Fatal(entered, err)
	}
	session, browser := entered.Session, begun.Browser
	query.Set("prompt", "login")
	second, err := logins.Authorize(f.Context(), ten, query, token.Browser{Session: session, Secret: browser})
	if err != nil || second.State == "" {
		f.Fatal(second, err)
	}
	query.Set("prompt", "none")
	silently := "/authorize?" + query.Encode()
	// Seeds stand for secrets, which are drawn anew in each process: $s is the session's, $b the browser's, $1 and $2 are the logins' states.
	secrets := strings.NewReplacer("$s", session, "$b", browser, "$1", begun.State, "$2", second.State)
	const both = "__Host-postern=$s; __Host-postern_tx=$b"
	for _, cookies := range []string{
		"", both, "__Host-postern=$s", "__Host-postern_tx=$b", "postern=$s; postern_tx=$b", "__host-postern=$s", "__Host-postern=x; " + both, both + "; __Host-postern=x", `__Host-postern="$s"`,
		"__Host-postern=$sx", "__Host-postern=$s$s$s", "__Host-postern=$b; __Host-postern_tx=$s", "__Host-postern", "=$s", ";;;", "__Host-postern=" + strings.Repeat("x", 129), "__Host-postern =$s",
		"a=b,__Host-postern=$s", "\u2000__Host-postern=$s", "$Version=1; __Host-postern=$s", "\x00", "__Host-postern=\xff",
	} {
		f.Add(cookies, "$2")
		f.Add(cookies, "")
	}
	for _, state := range []string{"x", "~web", "~nobody", "$2~web", "$2x", "$1", "$b", "$s", "\x00", "<script>"} {
		f.Add(both, state)
	}
	unquoted := strings.NewReplacer(" ", "", "\t", "", `"`, "") // which mean nothing around names and values
	f.Fuzz(func(t *testing.T, cookies, state string) {
		own := cookies == both
		cookies, state = secrets.Replace(cookies), secrets.Replace(state)
		plain := unquoted.Replace(cookies)
		hasSession, hasBrowser := strings.Contains(plain, "__Host-postern="+session), strings.Contains(plain, "__Host-postern_tx="+browser)
		get := func(target string) *httptest.ResponseRecorder {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			req.URL.Path, req.URL.RawQuery, _ = strings.Cut(target, "?")
			req.Header.Set(tenancy.Header, header)
			req.Header["Cookie"] = []string{cookies}
			rec := httptest.NewRecorder()
			engine.ServeHTTP(rec, req)
			if rec.Code >= http.StatusInternalServerError {
				t.Fatalf("%q with %q is answered by %d: %s", target, cookies, rec.Code, rec.Body)
			}
			return rec
		}
		page := get("/u/login?state=" + url.QueryEscape(state))
		shown := strings.Contains(page.Body.String(), `name="password"`)
		if own && state == second.State && !shown {
			t.Fatalf("the browser's own login page is not shown: %s", page.Body)
		}
		if shown && (state != begun.State && state != second.State || !hasBrowser) {
			t.Fatalf("with %q, the login page of %q is shown", cookies, state)
		}
		if to := get("/authorize/resume?state=" + url.QueryEscape(state)).Header().Get("Location"); to != "" && (!hasSession || !hasBrowser) {
			t.Fatalf("with %q, %q goes on to %q", cookies, state, to)
		}
		silent, err := url.Parse(get(silently).Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		code := silent.Query().Get("code")
		switch {
		case code != "" && !hasSession:
			t.Fatalf("with %q, the session gives a code", cookies)
		case code == "" && silent.Query().Get("error") != "login_required":
			t.Fatalf("with %q: %v", cookies, silent)
		case code == "" && own:
			t.Fatal("the browser's own cookies do not open its session")
		}
	})
}
