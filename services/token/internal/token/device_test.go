package token_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// living is a tenant with a client of a television, and a person who types codes.
type living struct {
	devices *token.DeviceAuthorizer
	logins  *token.Logins
	store   *storetest.Fake
	now     time.Time
}

func newLiving(codes token.UserCodes) living {
	ten := home()
	w := living{store: storetest.NewFake(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	config := tokentest.NewConfiguration()
	key := tokentest.Key{Tenant: ten.ID, ID: "tv"}
	config.Clients[key] = &token.Client{ID: "tv", AuthMethod: oauth.AuthNone, FirstParty: true, GrantTypes: []oauth.GrantType{oauth.GrantDeviceCode}}
	config.Connections[key] = []token.Connection{{ID: "con_1", Name: "db", Strategy: token.StrategyDatabase}}
	config.Settings[ten.ID] = &token.Settings{UserCodes: codes}
	now, policy := func() time.Time { return w.now }, token.NewPolicy(config, w.store)
	w.devices = &token.DeviceAuthorizer{
		Auth: token.NewAuthenticator(config, nil, w.store), Config: config, Policy: policy, Store: w.store, Record: w.store, Limiter: nobodyWaits{}, Now: now,
	}
	w.logins = token.NewLogins(token.LoginDeps{Config: config, Policy: policy, Store: w.store, Devices: w.store, Guesses: nobodyWaits{}, GuessesAll: nobodyWaits{}, Now: now})
	return w
}

// give gives a device its codes.
func (w living) give(t *testing.T, more token.Params) (token.DeviceGiven, error) {
	t.Helper()
	p := token.Params{"client_id": "tv"}
	maps.Copy(p, more)
	given, _, err := w.devices.Authorize(t.Context(), home(), token.DeviceRequest{Params: p})
	return given, err
}

// typed gives what the confirmation page will show of a user code that was typed; false where no device waits under it.
func (w living) typed(t *testing.T, code string) (shown string, found bool) {
	t.Helper()
	answer, page, err := w.logins.Activate(t.Context(), home(), code, token.Browser{})
	if err != nil {
		t.Fatalf("%q: %v", code, err)
	}
	if page != nil {
		return "", false
	}
	tx, err := w.store.FindTransaction(t.Context(), home().ID, token.HashOf(answer.State), w.now)
	if err != nil {
		t.Fatal(err)
	}
	return tx.Request.UserCode, true
}

// letters are those of a user code that count.
func letters(code string) string {
	var b strings.Builder
	for _, c := range []byte(code) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		}
		if c >= 'a' && c <= 'z' {
			b.WriteByte(c - 32)
		}
	}
	return b.String()
}

// Whoever sends a link chooses what is filled in, up to its letters: none of that is shown where the person decides (RFC 8628 §5.4).
func TestLogins_Activate_shows_the_code_as_the_device_does(t *testing.T) {
	t.Parallel()
	for mask, charset := range map[string]string{"****-****": "base20", "***-***-***": "digits", "** ** ** ** **": "base20", "": ""} {
		w := newLiving(token.UserCodes{Charset: charset, Mask: mask})
		given, err := w.give(t, nil)
		require.NoError(t, err)
		plain := letters(given.UserCode)
		for _, typed := range []string{
			given.UserCode, plain, strings.ToLower(plain), " " + given.UserCode + "\t", strings.Join(strings.Split(plain, ""), " "),
			"подтвердите! " + given.UserCode, plain + "\u202e", plain[:4] + "\x00" + plain[4:], "ſı" + given.UserCode, "\xff" + plain,
		} {
			shown, found := w.typed(t, typed)
			require.True(t, found, "%q", typed)
			require.Equal(t, given.UserCode, shown, "%q", typed)
		}
	}
}

func TestDeviceAuthorizer_keeps_no_more_than_a_login_would(t *testing.T) {
	t.Parallel()
	w := newLiving(token.UserCodes{})
	_, err := w.give(t, token.Params{"scope": strings.Repeat("x", 4<<10)})
	require.NoError(t, err)
	_, err = w.give(t, token.Params{"scope": strings.Repeat("x", 4<<10+1)})
	testkit.RequireFault(t, err, fault.KindInvalid)
	require.Contains(t, err.Error(), "Parameter too long: scope")
}

// FuzzUserCodes looks for a user code that is too easy to guess whatever the tenant's mask is, for one that is not found as it was
// given, and for one that is found by other letters than its own (RFC 8628 §5.1, §6.1).
func FuzzUserCodes(f *testing.F) {
	for _, seed := range [][3]string{
		{"base20", "****-****", "BBBB-BBBB"},
		{"digits", "***-***-***", "123 456 789"},
		{"digits", "********", "12345678"},
		{"", "", ""},
		{"base20", "A***-****-****", "a"},
		{"base20", "********é", "é"},
		{"base20", "----", "----"},
		{"digits", strings.Repeat("*-", 30), "0"},
		{"base20", "*\x00*******", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, charset, mask, typed string) {
		w := newLiving(token.UserCodes{Charset: charset, Mask: mask})
		given, err := w.give(t, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, alphabet, least := letters(given.UserCode), "BCDFGHJKLMNPQRSTVWXZ", 8
		if charset == "digits" {
			alphabet, least = "0123456789", 9
		}
		if len(plain) < least || len(plain) > 20 || len(given.UserCode) > 40 || strings.Trim(given.UserCode, alphabet+"- ") != "" {
			t.Fatalf("the mask %q gives %q", mask, given.UserCode)
		}
		for _, same := range []string{given.UserCode, plain, strings.ToLower(given.UserCode)} {
			if shown, found := w.typed(t, same); !found || shown != given.UserCode {
				t.Fatalf("%q is shown as %q, found: %t", same, shown, found)
			}
		}
		if shown, found := w.typed(t, typed); found != (letters(typed) == plain) || found && shown != given.UserCode {
			t.Fatalf("%q is found by %q and shown as %q, found: %t", given.UserCode, typed, shown, found)
		}
		if shown, found := w.typed(t, typed+given.UserCode); found != (letters(typed) == "") || found && shown != given.UserCode {
			t.Fatalf("%q is found by %q and shown as %q, found: %t", given.UserCode, typed, shown, found)
		}
	})
}
