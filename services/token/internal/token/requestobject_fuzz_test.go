package token_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// plain is a reader of request objects that nobody needs to sign.
type plain struct{}

func (plain) ReadObject(raw string, _ []token.Credential) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil || claims == nil {
		return nil, errors.New("no object")
	}
	return claims, nil
}

// FuzzRequestObject looks for a request object that counts and is not the client's, not for us, or not of now; and for a parameter beside
// it that counts, too (RFC 9101 §4, §5, §6.3).
func FuzzRequestObject(f *testing.F) {
	ten, now := home(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const callback = "https://app.example/cb"
	right := `"client_id":"app","iss":"app","aud":"` + ten.Issuer() + `","exp":1772366460,"redirect_uri":"` + callback + `","response_type":"code","state":"in"`
	for _, seed := range []string{
		right, strings.Replace(right, `"state":"in"`, `"state":7,"max_age":3,"claims":{"id_token":{"a":null}},"x":true`, 1), strings.Replace(right, `"iss":"app"`, `"iss":"evil"`, 1),
		strings.Replace(right, `"exp":1772366460,`, "", 1), strings.Replace(right, `1772366460`, `1e300`, 1), strings.Replace(right, `1772366460`, `-1`, 1), strings.Replace(right, `1772366460`, `1772366460.5`, 1),
		strings.Replace(right, `1772366460`, `"1772366460"`, 1), strings.Replace(right, `"aud":"`+ten.Issuer()+`"`, `"aud":["x","`+ten.Issuer()+`",7]`, 1), right + `,"sub":"app"`, right + `,"request":"x"`,
		right + `,"nbf":1772370000`, right + `,"iat":null`, right + `,"nonce":null`, right + `,"scope":["openid"]`, strings.Replace(right, callback, "https://evil.example/cb", 1), "",
	} {
		f.Add("{" + seed + "}")
	}
	config := tokentest.NewConfiguration()
	key := tokentest.Key{Tenant: ten.ID, ID: "app"}
	config.Clients[key] = &token.Client{
		ID: "app", Secret: "s", FirstParty: true, Callbacks: []string{callback}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode},
		Credentials: []token.Credential{{KeyID: "k", Method: token.MethodRequestObject, Public: struct{}{}}},
	}
	config.Connections[key] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	f.Fuzz(func(t *testing.T, object string) {
		store := storetest.NewFake()
		l := token.NewLogins(token.LoginDeps{
			Config: config, Policy: token.NewPolicy(config, store), Store: store, Objects: plain{}, Now: func() time.Time { return now },
		})
		answer, err := l.Authorize(t.Context(), ten, url.Values{
			"client_id": {"app"}, "redirect_uri": {callback}, "response_type": {"code"}, "request": {object}, "state": {"out"}, "nonce": {"out"}, "scope": {"out"},
		}, token.Browser{})
		if err != nil || object == "" || answer.Next != token.NextLogin {
			return
		}
		tx, err := store.FindTransaction(t.Context(), ten.ID, token.HashOf(answer.State), now)
		if err != nil {
			t.Fatal(err)
		}
		claims, err := plain{}.ReadObject(object, nil)
		if err != nil {
			t.Fatalf("%s counts: %v", object, err)
		}
		r := tx.Request
		if r.State == "out" && claims["state"] != "out" || r.Nonce == "out" && claims["nonce"] != "out" || r.Scope.Has("out") && !strings.Contains(object, "out") {
			t.Fatalf("beside %s, what was not signed counts: %+v", object, r)
		}
		exp, _ := claims["exp"].(json.Number)
		until, err := exp.Float64()
		if err != nil || until <= float64(now.Unix()-31) || until > float64(now.Unix()+3601) {
			t.Fatalf("%s counts at %d", object, now.Unix())
		}
		if claims["iss"] != "app" || claims["client_id"] != "app" || !strings.Contains(object, "aud") || claims["sub"] != nil {
			t.Fatalf("%s counts", object)
		}
		if aud, _ := json.Marshal(claims["aud"]); !strings.Contains(string(aud), `"`+ten.Issuer()+`"`) {
			t.Fatalf("%s is for %s", object, aud)
		}
		if r.RedirectURI != callback {
			t.Fatalf("%s leads to %q", object, r.RedirectURI)
		}
	})
}
