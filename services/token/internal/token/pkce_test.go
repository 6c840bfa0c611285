package token_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// words43 is the grammar of challenges and verifiers (RFC 7636 §4.1, §4.2).
var words43 = regexp.MustCompile(`\A[A-Za-z0-9._~-]{43,128}\z`)

// FuzzPKCE looks for a challenge that is taken and is none, and for a verifier that opens a code and does not belong to it
// (RFC 7636 §4.6).
func FuzzPKCE(f *testing.F) {
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	for _, seed := range [][3]string{
		{challenge, "S256", verifier},
		{challenge, "S256", challenge},
		{verifier, "plain", verifier},
		{verifier, "", verifier},
		{challenge, "s256", verifier},
		{challenge + "=", "S256", verifier},
		{strings.Repeat("a", 42), "plain", strings.Repeat("a", 42)},
		{strings.Repeat("a", 129), "", strings.Repeat("a", 129)},
		{verifier + "\n", "", verifier},
		{"", "", verifier},
		{"", "S256", ""},
		{challenge, "none", ""},
		{verifier[:42] + "é", "plain", verifier[:42] + "é"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	const callback = "https://app.example/cb"
	ten, now := home(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &token.Client{
		ID: "app", AuthMethod: oauth.AuthNone, FirstParty: true, OIDCConformant: true, Callbacks: []string{callback},
		GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode},
	}
	config := tokentest.NewConfiguration()
	config.Clients[tokentest.Key{Tenant: ten.ID, ID: c.ID}] = c
	config.Connections[tokentest.Key{Tenant: ten.ID, ID: c.ID}] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	f.Fuzz(func(t *testing.T, challenge, method, verifier string) {
		store := storetest.NewFake()
		l := token.NewLogins(token.LoginDeps{Config: config, Policy: token.NewPolicy(config, store), Store: store, Now: func() time.Time { return now }})
		query := url.Values{"client_id": {c.ID}, "redirect_uri": {callback}, "response_type": {"code"}}
		for name, value := range map[string]string{"code_challenge": challenge, "code_challenge_method": method} {
			if value != "" {
				query.Set(name, value)
			}
		}
		answer, err := l.Authorize(t.Context(), ten, query, token.Browser{})
		if err != nil {
			t.Fatalf("%q by %q: %v", challenge, method, err)
		}
		good := words43.MatchString(challenge) && (method == "" || method == "plain" || method == "S256")
		if good != (answer.Next == token.NextLogin) {
			t.Fatalf("%q by %q leads to %+v", challenge, method, answer)
		}
		if !good {
			return
		}
		tx, err := store.FindTransaction(t.Context(), ten.ID, token.HashOf(answer.State), now)
		if err != nil {
			t.Fatal(err)
		}
		a := token.Authorization{ClientID: c.ID, Challenge: tx.Request.Challenge, ChallengeMethod: tx.Request.ChallengeMethod}
		grant := token.Code{Store: oneCode{a: a}}
		_, err = grant.Authorize(t.Context(), token.Exchange{Tenant: ten, Client: c, Now: now, Params: token.Params{"code": "x", "code_verifier": verifier}})
		want := verifier
		if method == "S256" {
			sum := sha256.Sum256([]byte(verifier))
			want = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		if opens := words43.MatchString(verifier) && want == challenge; opens != (err == nil) {
			t.Fatalf("%q by %q is opened by %q: %v", challenge, method, verifier, err)
		}
	})
}
