//go:build e2e

package e2e_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd is who uses a tenant under load: an application whose codes two redeem at once, and two that refresh with rotation, of which
// one may come again for a while after it was answered.
type crowd struct {
	*application

	patient, strict *application // with leeway, and without
	access          string       // an opaque token
}

// newCrowd makes the crowd of a new tenant, which it reaches at issuer.
func newCrowd(t *testing.T, cloud *ownCloud, region string, issuer func(tenant) string) *crowd {
	t.Helper()
	c := &crowd{application: newApplicationIn(t, cloud, region)}
	c.tenant.Issuer = issuer(c.tenant)
	require.NotEmpty(t, c.code(t, c.browser, "openid", ""))
	rotating := func(leeway int) *application {
		own := *c.application
		own.register(t, map[string]any{
			"grant_types": []string{"authorization_code", "refresh_token"},
			"refresh_token": map[string]any{
				"rotation_type": "rotating", "expiration_type": "expiring", "leeway": leeway, "token_lifetime": 86400, "idle_token_lifetime": 3600,
			},
		})
		return &own
	}
	c.patient, c.strict = rotating(60), rotating(0)
	c.access = c.application.access(t, c.code(t, c.browser, "openid email", "none"))
	return c
}

// begin puts the crowd to work.
func (c *crowd) begin(t *testing.T) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	l.reads(t, c)
	l.machines(t, c.application)
	l.logins(t, c.application)
	l.codes(t, c.application)
	for range 2 {
		l.refreshes(t, c.patient)
		l.refreshes(t, c.strict)
	}
	return l
}

// reads asks for what is open to all, and for what an opaque token opens.
func (l *load) reads(t *testing.T, c *crowd) {
	t.Helper()
	open, opened := l.client(c.application, documents, c.person), l.client(c.application, userinfo, c.person)
	l.work(func() {
		for _, path := range []string{".well-known/openid-configuration", ".well-known/jwks.json"} {
			_, _ = open.person.try(t, http.MethodGet, open.tenant.Issuer+path, "", nil)
		}
	})
	l.work(func() { _, _ = opened.person.try(t, http.MethodGet, opened.tenant.Issuer+"userinfo", c.access, nil) })
}

func (l *load) machines(t *testing.T, app *application) {
	t.Helper()
	for range 2 {
		m := l.client(app, machine, app.person)
		l.work(func() { _, _ = m.machine(t, "") })
	}
}

// logins logs the user in by the password, each time in a new browser.
func (l *load) logins(t *testing.T, app *application) {
	t.Helper()
	b := l.client(app, password, app.newBrowser(t))
	l.work(func() {
		b.browser.Jar, _ = cookiejar.New(nil) // never fails
		_, _ = b.tryCode(t, b.browser, "openid", "")
	})
}

// codes gets codes by the session, and redeems each by two at once until one was answered. Both come again when neither was. Some codes
// are always in stock, since a code that was given must be good after any fault.
func (l *load) codes(t *testing.T, app *application) {
	t.Helper()
	session := l.client(app, silent, app.browser)
	two := []*client{l.client(app, exchange, app.person), l.client(app, exchange, app.person)}
	stock := make(chan string, 8)
	get := func() {
		if code, err := session.tryCode(t, session.browser, "openid", "none"); err == nil {
			select {
			case stock <- code:
			default: // nobody will ever redeem it
			}
		}
	}
	for range cap(stock) {
		get()
	}
	l.work(get)
	code := ""
	l.work(func() {
		if code == "" {
			select {
			case code = <-stock:
			case <-l.stop:
				return
			}
		}
		var race sync.WaitGroup
		for _, c := range two {
			c.presented = code
			race.Go(func() { _, _ = c.exchange(t, code) })
		}
		race.Wait()
		a, b := two[0].last.verdict, two[1].last.verdict
		if a == granted || b == granted || a == denied && b == denied {
			code = ""
		}
	})
}

// refreshes goes from refresh token to refresh token. Who got no answer comes again with the token it has; who is told that it was
// used logs in again.
func (l *load) refreshes(t *testing.T, app *application) {
	t.Helper()
	session, redeems, renews := l.client(app, silent, app.browser), l.client(app, exchange, app.person), l.client(app, refresh, app.person)
	code, token := "", ""
	l.work(func() {
		switch {
		case token != "":
			renews.presented = token
			_, _ = renews.refresh(t, token)
			switch renews.last.verdict {
			case granted:
				token = renews.last.token("refresh_token")
			case denied:
				token = ""
			case refused, broken, wrong:
			}
		case code != "":
			redeems.presented = code
			_, _ = redeems.exchange(t, code)
			if v := redeems.last.verdict; v == granted || v == denied {
				code, token = "", redeems.last.token("refresh_token")
			}
		default:
			code, _ = session.tryCode(t, session.browser, "openid offline_access", "none")
		}
	})
}

// refresh exchanges a refresh token.
func (a *application) refresh(t *testing.T, token string) (reply, error) {
	t.Helper()
	return a.person.try(t, http.MethodPost, a.tenant.Issuer+"oauth/token", "", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {a.id}, "client_secret": {a.secret}, "refresh_token": {token},
	})
}

// requireUsedUp presents the token before the newest of a client without leeway: it is refused, and so is the newest from then on.
func (a *application) requireUsedUp(t *testing.T) {
	t.Helper()
	first := a.tokens(t, "openid offline_access")
	r, err := a.refresh(t, first)
	require.NoError(t, err)
	var next struct {
		Token string `json:"refresh_token"`
	}
	r.into(t, http.StatusOK, &next)
	for _, token := range []string{first, next.Token} {
		r, err := a.refresh(t, token)
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, r.status, r.body)
		require.Contains(t, r.body, `"error":"invalid_grant"`)
	}
}

// tokens logs in by the session and gives the refresh token.
func (a *application) tokens(t *testing.T, scope string) string {
	t.Helper()
	r, err := a.exchange(t, a.code(t, a.browser, scope, "none"))
	require.NoError(t, err)
	var got struct {
		Token string `json:"refresh_token"`
	}
	r.into(t, http.StatusOK, &got)
	require.NotEmpty(t, got.Token)
	return got.Token
}
