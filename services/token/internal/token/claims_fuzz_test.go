package token_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// FuzzClaims looks for wishes of an authorization request that are read as others than it names, or that are kept without bound: claims
// (OIDC Core §5.5), locales, a hint.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"id_token":{"auth_time":{"essential":true}},"userinfo":{"email":null}}`, `{"id_token":null}`, `{"id_token":{"acr":{"values":["a"]}},"id_token":{"b":null}}`,
		`{"id_token":{"sub":{"value":"auth0|1"}}}`, `{"id_token":{"sub":{"value":1}}}`, `{"id_token":{"sub":{"value":""}}}`, `{"id_token":{"acr":{"essential":true,"values":["a"]}}}`,
		`{"ID_TOKEN":{"a":null}}`, `{"id_token":{"a":null},"x":7}`, `{"id_token":[]}`, `null`, `[]`, `{"id_token":{"":null}}`, `{"id_token":{"\u0000":null}}`, `{}{}`, `{"id_token":{"a":1}} `,
		`{"userinfo":{` + strings.TrimSuffix(strings.Repeat(`"a":{"b":[{}]},`, 3), ",") + `}}`, strings.Repeat(`{"id_token":`, 500), "\xff",
	} {
		f.Add(seed, "de-CH fr", "ada@example.com")
	}
	f.Add("", strings.Repeat("x", 4<<10+1), "")
	f.Add("", "\xff\x00", "<b>")
	f.Add(`{"id_token":{"x":{"value":1E700}}}`, "", "")
	f.Add(`{"id_token":{"acr":{"essential":true}}}`, "0", "\x00")
	const callback = "https://app.example/cb"
	ten, now := home(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	config := tokentest.NewConfiguration()
	key := tokentest.Key{Tenant: ten.ID, ID: "app"}
	config.Clients[key] = &token.Client{ID: "app", Secret: "s", FirstParty: true, Callbacks: []string{callback}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}}
	config.Connections[key] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	f.Fuzz(func(t *testing.T, claims, locales, hint string) {
		store := storetest.NewFake()
		l := token.NewLogins(token.LoginDeps{Config: config, Policy: token.NewPolicy(config, store), Store: store, Now: func() time.Time { return now }})
		query := url.Values{"client_id": {"app"}, "redirect_uri": {callback}, "response_type": {"code"}, "claims": {claims}, "ui_locales": {locales}, "login_hint": {hint}}
		answer, err := l.Authorize(t.Context(), ten, query, token.Browser{})
		if err != nil {
			t.Fatalf("%q, %q, %q: %v", claims, locales, hint, err)
		}
		var sent map[string]map[string]any
		good := max(len(claims), len(locales), len(hint)) <= 4<<10 && (claims == "" || json.Unmarshal([]byte(claims), &sent) == nil)
		if good = good && len(sent["id_token"])+len(sent["userinfo"]) <= 64; answer.Next == token.NextLogin && !good {
			t.Fatalf("%q, %q, %q are taken", claims, locales, hint)
		}
		if answer.Next != token.NextLogin {
			to, err := url.Parse(answer.Callback.URL())
			if err != nil {
				t.Fatal(err)
			}
			if code := to.Query().Get("error"); code != oauth.InvalidRequest && (code != oauth.UnmetRequirements || !mustMeet(sent)) {
				t.Fatalf("%q, %q, %q: %+v", claims, locales, hint, answer)
			}
			return
		}
		tx, err := store.FindTransaction(t.Context(), ten.ID, token.HashOf(answer.State), now)
		if err != nil {
			t.Fatal(err)
		}
		if mustMeet(sent) {
			t.Fatalf("%q is taken", claims)
		}
		wish, _ := sent["id_token"]["sub"].(map[string]any)
		if value, given := wish["value"]; given != (tx.Request.Subject != "") || given && tx.Request.Subject != value {
			t.Fatalf("%q means %q", claims, tx.Request.Subject)
		}
		for asked, got := range map[string][]string{"id_token": tx.Request.Claims.IDToken, "userinfo": tx.Request.Claims.Userinfo} {
			if len(got) != len(sent[asked]) || !slices.IsSorted(got) {
				t.Fatalf("%q asks for %q by %s", claims, got, asked)
			}
			for _, name := range got {
				if _, there := sent[asked][name]; !there {
					t.Fatalf("%q asks for %q by %s", claims, name, asked)
				}
			}
		}
		if tx.Request.Locales != locales || tx.Request.LoginHint != hint {
			t.Fatalf("%q and %q are %q and %q", locales, hint, tx.Request.Locales, tx.Request.LoginHint)
		}
	})
}

// mustMeet reports whether the login has to meet one of the authentication contexts that the request names (OIDC Core §5.5.1.1).
func mustMeet(sent map[string]map[string]any) bool {
	wish, _ := sent["id_token"]["acr"].(map[string]any)
	_, value := wish["value"]
	_, values := wish["values"]
	return wish["essential"] == true && (value || values)
}
