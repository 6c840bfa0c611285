package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// withDevices lets the native client log devices in.
func (w *world) withDevices() {
	w.client("native", func(c *token.Client) {
		c.GrantTypes = append(c.GrantTypes, oauth.GrantDeviceCode, oauth.GrantRefreshToken)
	})
}

// device asks for codes as the native client.
func (b *agent) device(more ...string) answer {
	b.w.t.Helper()
	return b.post("/oauth/device/code", edit(url.Values{"client_id": {"native"}, "scope": {"openid email"}}, more))
}

func (b *agent) poll(code string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"grant_type": {string(oauth.GrantDeviceCode)}, "client_id": {"native"}, "device_code": {code}}
	return b.post("/oauth/token", edit(form, more))
}

// connect types the user code and the password and gives the confirmation page's address.
func (b *agent) connect(userCode string) *url.URL {
	b.w.t.Helper()
	start := b.post("/activate", url.Values{"user_code": {userCode}})
	require.Equal(b.w.t, "/u/login", start.location(b.w.t).Path, start.body)
	typed := b.post(start.location(b.w.t).String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
	page := b.follow(typed).location(b.w.t)
	require.Equal(b.w.t, "/u/consent", page.Path)
	return page
}

func TestDevice(t *testing.T) {
	t.Parallel()
	t.Run("is_logged_in_elsewhere", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		tv, phone := w.browser(), w.browser()
		res := tv.device("scope", "openid email offline_access")
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		given := res.json(t)
		require.EqualValues(t, 900, given["expires_in"])
		require.EqualValues(t, 5, given["interval"])
		device, user := given["device_code"].(string), given["user_code"].(string)
		require.Regexp(t, `^[B-Z]{4}-[B-Z]{4}$`, user)
		require.Equal(t, w.acme.Base+"/activate", given["verification_uri"])
		require.Equal(t, w.acme.Base+"/activate?user_code="+user, given["verification_uri_complete"])

		requireOAuth(t, tv.poll(device), http.StatusForbidden, "authorization_pending", "User has yet to authorize device code.")
		filled := phone.get("/activate", url.Values{"user_code": {user}})
		require.Contains(t, filled.body, `value="`+user+`"`)
		require.Empty(t, w.facts(w.store), "waiting leaves no line")
		page := phone.connect(strings.ToLower(strings.ReplaceAll(user, "-", " ")))
		shown := phone.get(page.Path, page.Query())
		require.Contains(t, shown.body, "Connect Phone App?")
		require.Contains(t, shown.body, `>`+user+`<`, "RFC 8628 §5.4: the code is compared, as the device shows it")
		w.clock.Advance(6 * time.Second)
		requireOAuth(t, tv.poll(device), http.StatusForbidden, "authorization_pending", "User has yet to authorize device code.")
		done := phone.follow(phone.accept(page))
		require.Equal(t, "/activate/success", done.location(t).Path)
		require.Contains(t, phone.get("/activate/success", nil).body, "Your device is connected")

		w.clock.Advance(6 * time.Second)
		tokens := tv.poll(device)
		require.Equal(t, http.StatusOK, tokens.StatusCode, tokens.body)
		got := tokens.json(t)
		require.Equal(t, "openid email offline_access", got["scope"])
		require.NotEmpty(t, got["refresh_token"])
		require.Equal(t, adaID, decodeSegment(t, got["id_token"].(string), 1)["sub"])
		require.Equal(t, http.StatusOK, tv.userinfo(got["access_token"].(string)).StatusCode)
		requireOAuth(t, tv.poll(device), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
		require.Equal(t, []string{"s", "sede", "fede"}, w.facts(w.store))
	})

	t.Run("a_session_still_asks_RFC8628_5_4", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		phone := w.browser()
		phone.logIn(authorizeParams())
		given := phone.device().json(t)
		page := phone.post("/activate", url.Values{"user_code": {given["user_code"].(string)}}).location(t)
		require.Equal(t, "/u/consent", page.Path)
		require.Equal(t, "/u/consent", phone.get("/authorize/resume", page.Query()).location(t).Path, "nothing goes on by itself")
		require.Equal(t, "/activate/success", phone.follow(phone.accept(page)).location(t).Path)
		require.Equal(t, http.StatusOK, phone.poll(given["device_code"].(string)).StatusCode)
	})

	t.Run("refused_by_the_user", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		given := b.device().json(t)
		page := b.connect(given["user_code"].(string))
		require.Equal(t, "/activate/denied", b.post(page.String(), url.Values{"action": {"deny"}}).location(t).Path)
		requireOAuth(t, b.poll(given["device_code"].(string)), http.StatusForbidden, "access_denied", "User cancelled the confirmation prompt.")
		requireOAuth(t, b.poll(given["device_code"].(string)), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
		require.Contains(t, w.facts(w.store), "fdecc")
	})

	t.Run("polls_too_often_and_too_late_RFC8628_3_5", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		device := b.device().json(t)["device_code"].(string)
		pending := func() { t.Helper(); require.Equal(t, "authorization_pending", b.poll(device).json(t)["error"]) }
		pending()
		w.clock.Advance(4 * time.Second)
		res := b.poll(device)
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, "slow_down", res.json(t)["error"])
		w.clock.Advance(9 * time.Second)
		require.Equal(t, "slow_down", b.poll(device).json(t)["error"], "the interval grew by five seconds")
		w.clock.Advance(16 * time.Second)
		pending()
		w.clock.Advance(15 * time.Minute)
		requireOAuth(t, b.poll(device), http.StatusForbidden, "expired_token", "The device code has expired.")
		requireOAuth(t, b.poll(device), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
	})

	t.Run("of_concurrent_polls_one_wins", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		given := b.device().json(t)
		b.follow(b.accept(b.connect(given["user_code"].(string))))
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			tv := w.browser()
			wg.Go(func() {
				if tv.poll(given["device_code"].(string)).StatusCode == http.StatusOK {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
	})

	t.Run("vault_away_costs_nobody_the_login", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		given := b.device("audience", apiAudience).json(t)
		b.follow(b.accept(b.connect(given["user_code"].(string))))
		w.signer.Away(fault.Unavailable("Vault is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.poll(given["device_code"].(string)).StatusCode)
		w.signer.Away(nil)
		require.Equal(t, http.StatusOK, b.poll(given["device_code"].(string)).StatusCode)
	})

	t.Run("a_connection_switched_off_meanwhile", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		given := b.device().json(t)
		b.follow(b.accept(b.connect(given["user_code"].(string))))
		w.config.Change(func(c *tokentest.Configuration) { c.Connections[tokentest.Key{Tenant: w.acme.ID, ID: "native"}] = nil })
		require.Equal(t, http.StatusForbidden, b.poll(given["device_code"].(string)).StatusCode)
	})
}

func TestDevice_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	requireOAuth(t, w.browser().device(), http.StatusForbidden, "unauthorized_client", "Grant type 'urn:ietf:params:oauth:grant-type:device_code' not allowed for the client.")
	w.withDevices()
	b := w.browser()
	requireOAuth(t, b.device("client_id", ""), http.StatusBadRequest, "invalid_request", "Missing required parameter: client_id")
	requireOAuth(t, b.device("audience", "https://none"), http.StatusForbidden, "access_denied", "Service not enabled within domain: https://none")
	require.Equal(t, []string{"fdeaz", "fdeaz", "fdeaz"}, w.facts(w.store))
	w.clock.Advance(time.Minute)
	given := b.device().json(t)
	device, user := given["device_code"].(string), given["user_code"].(string)

	requireOAuth(t, b.poll(""), http.StatusBadRequest, "invalid_request", "Missing required parameter: device_code")
	requireOAuth(t, b.poll("guessed"), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
	w.client("web", func(c *token.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantDeviceCode) })
	requireOAuth(t, b.poll(device, "client_id", "web", "client_secret", "web-secret-0123456789"), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
	stranger := w.browser()
	stranger.tenant = w.bolt
	require.NotEqual(t, http.StatusOK, stranger.poll(device).StatusCode)
	wrong := stranger.post("/activate", url.Values{"user_code": {user}})
	require.Equal(t, http.StatusBadRequest, wrong.StatusCode, "another tenant's code is none")
	require.Contains(t, wrong.body, "wrong or has expired")
	require.Equal(t, http.StatusBadRequest, b.post("/activate", url.Values{}).StatusCode)
	hostile := b.post("/activate", url.Values{"user_code": {`"><script>alert(1)</script>` + strings.Repeat("x", 4000)}})
	require.NotContains(t, hostile.body, "<script>alert")

	t.Run("guesses_are_held_back_RFC8628_5_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		last := 0
		for range 12 {
			last = b.post("/activate", url.Values{"user_code": {"BBBB-BBBB"}}).StatusCode
		}
		require.Equal(t, http.StatusTooManyRequests, last)
	})
	t.Run("guesses_of_one_IPv6_subscriber_are_one's", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		last := 0
		for i := range 12 {
			b := w.browser()
			b.ip = fmt.Sprintf("2001:db8:1:2::%x", i+1)
			last = b.post("/activate", url.Values{"user_code": {"BBBB-BBBB"}}).StatusCode
		}
		require.Equal(t, http.StatusTooManyRequests, last)
		other := w.browser()
		other.ip = "2001:db8:1:3::1"
		require.Equal(t, http.StatusBadRequest, other.post("/activate", url.Values{"user_code": {"BBBB-BBBB"}}).StatusCode, "nobody pays for another")
	})
	t.Run("guesses_from_many_addresses_are_held_back_together", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		last := 0
		for i := range 22 {
			b := w.browser()
			b.ip = fmt.Sprintf("192.0.2.%d", i+1)
			last = b.post("/activate", url.Values{"user_code": {"BBBB-BBBB"}}).StatusCode
		}
		require.Equal(t, http.StatusTooManyRequests, last)
		stranger := w.browser()
		stranger.tenant = w.bolt
		require.Equal(t, http.StatusBadRequest, stranger.post("/activate", url.Values{"user_code": {"BBBB-BBBB"}}).StatusCode, "another tenant's are its own")
	})
	t.Run("user_codes_are_as_the_tenant_says", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		for _, c := range []struct {
			codes token.UserCodes
			want  string
		}{
			{token.UserCodes{Charset: "digits", Mask: "***-***-***"}, `^[0-9]{3}-[0-9]{3}-[0-9]{3}$`},
			{token.UserCodes{Charset: "base20", Mask: "** ** ** ** **"}, `^([B-Z]{2} ){4}[B-Z]{2}$`},
			{token.UserCodes{Charset: "base20", Mask: "**"}, `^[B-Z]{4}-[B-Z]{4}$`}, // too short to be safe
		} {
			w.config.Change(func(conf *tokentest.Configuration) { conf.Settings[w.acme.ID] = &token.Settings{UserCodes: c.codes} })
			require.Regexp(t, c.want, w.browser().device().json(t)["user_code"])
		}
	})
}
