package keyring_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const clientSecret = "web-secret-0123456789"

// hints reads what comes back to a tenant that has one key, and one client with a secret.
func hints(tb testing.TB) (read func(ctx context.Context, raw string) (token.Hint, error), issuer string) {
	tb.Helper()
	ten := tenancy.Tenant{ID: "tnt_acme", Name: "acme", Host: "acme.eu.postern.localhost:8443"}
	store := storetest.NewFake()
	key := tokentest.SharedSigner(tb, 0).Key(tb, "acme-current", 1, token.KeyCurrent)
	if _, err := store.PublishKeys(tb.Context(), ten.ID, []token.SigningKey{key}, token.Fact{Tenant: ten.ID}); err != nil {
		tb.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := keyring.Hints{Ring: keyring.New(store, func() time.Time { return at })}
	return func(ctx context.Context, raw string) (token.Hint, error) {
		return h.ReadHint(ctx, ten, raw, func(_ context.Context, id string) ([]byte, error) {
			if id != "web" {
				return nil, fault.NotFound("Not found")
			}
			return []byte(clientSecret), nil
		})
	}, ten.Issuer()
}

func sealed(header, claims string) string {
	enc := base64.RawURLEncoding
	input := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(clientSecret))
	mac.Write([]byte(input))
	return input + "." + enc.EncodeToString(mac.Sum(nil))
}

// FuzzHints_ReadHint looks for a hint that its client signed and that is read as something else than it says, or that is no ID token
// of ours for one client.
func FuzzHints_ReadHint(f *testing.F) {
	read, issuer := hints(f)
	for _, header := range []string{`{"alg":"HS256","typ":"JWT"}`, `{"alg":"HS256"}`, `{"alg":"HS256","typ":"logout+jwt"}`, `{"alg":"RS256","kid":"acme-current"}`, `{"alg":"none"}`, `{"alg":"HS256","crit":["b64"],"b64":false}`, `{"alg":"HS256","alg":"none"}`} {
		for _, claims := range []string{
			`{"iss":"` + issuer + `","sub":"auth0|ada","aud":"web","sid":"s","exp":1}`, `{"iss":"` + issuer + `","sub":"a","sub":"b","aud":"web"}`, `{"iss":"` + issuer + `","SUB":"a","sub":"b","aud":"web"}`,
			`{"iss":"` + issuer + `","sub":"a","aud":["web"]}`, `{"iss":"` + issuer + `","sub":"a","aud":"web","events":{}}`, `{"iss":"` + issuer + `","sub":1,"aud":"web"}`, `{"iss":"x","sub":"a","aud":"web"}`,
			`{"iss":"` + issuer + `","sub":"a","aud":"other"}`, `{"iss":"` + issuer + `","sub":"a","aud":"web","x":1E700}`, `null`, `[]`, ``,
		} {
			f.Add(header, claims)
		}
	}
	f.Fuzz(func(t *testing.T, header, claims string) {
		got, err := read(t.Context(), sealed(header, claims))
		if err != nil {
			if !fault.Is(err, fault.KindInvalid) {
				t.Fatalf("%s %s is no refusal: %v", header, claims, err)
			}
			return
		}
		var plain, words map[string]any
		if !reads(claims, &plain) || !reads(header, &words) {
			t.Fatalf("%q %q is no JSON to another parser", header, claims)
		}
		typ, typed := words["typ"].(string)
		if words["alg"] != "HS256" || words["crit"] != nil || typed && !strings.EqualFold(typ, "jwt") {
			t.Fatalf("%s is the header of no ID token", header)
		}
		session, _ := plain["sid"].(string)
		if plain["iss"] != issuer || plain["sub"] != got.Subject || plain["aud"] != "web" || got.ClientID != "web" || session != got.Session || plain["events"] != nil {
			t.Fatalf("%s is %+v", claims, got)
		}
	})
}

// reads parses JSON as another parser does. It has numbers of any size (RFC 8259 §6).
func reads(raw string, into *map[string]any) bool {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	return d.Decode(into) == nil && json.Valid([]byte(raw))
}

// FuzzHints_ReadHint_bytes looks for any text at all that passes for an ID token and was never signed.
func FuzzHints_ReadHint_bytes(f *testing.F) {
	read, issuer := hints(f)
	claims := `{"iss":"` + issuer + `","sub":"auth0|ada","aud":"web"}`
	right := sealed(`{"alg":"HS256","typ":"JWT"}`, claims)
	parts := strings.Split(right, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for _, seed := range []string{
		right, "", ".", "..", "a.b.c", none + "." + parts[1] + ".", none + "." + parts[1] + "." + parts[2], parts[0] + "." + parts[1] + ".", right + "=", right + ".x.y",
		sealed(`{"alg":"RS256","kid":"acme-current"}`, claims), `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, strings.Repeat("a", 16<<10+1),
	} {
		f.Add(seed)
	}
	signed := right[:strings.LastIndexByte(right, '.')]
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := read(t.Context(), raw)
		if err == nil && raw[:strings.LastIndexByte(raw, '.')] != signed {
			t.Fatalf("%q was never signed, and is %+v", raw, got)
		}
		if err != nil && !fault.Is(err, fault.KindInvalid) {
			t.Fatalf("%q is no refusal: %v", raw, err)
		}
	})
}
