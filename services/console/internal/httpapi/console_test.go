package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/console/internal/dashboard"
	"github.com/postern-id/postern/services/console/internal/httpapi"
)

// fakeAccounts is a control plane with one account.
type fakeAccounts struct {
	signup  dashboard.Signup
	tenants []dashboard.Tenant
	ended   map[dashboard.Token]bool
	fail    error
	late    error // of what is asked after who is asking
}

const goodKey = dashboard.Token("good-key")

func (f *fakeAccounts) SignUp(_ context.Context, a dashboard.Application) (string, dashboard.Token, error) {
	if f.fail != nil {
		return "", "", f.fail
	}
	if a.Account == "taken" {
		return "", "", fault.Conflict("account_taken", "This account name is taken.")
	}
	return "sgn_1", goodKey, nil
}

func (f *fakeAccounts) FindSignup(_ context.Context, key dashboard.Token, id string) (dashboard.Signup, error) {
	if key != goodKey || id != f.signup.ID {
		return dashboard.Signup{}, fault.NotFound("There is no such sign-up.")
	}
	return f.signup, nil
}

func (f *fakeAccounts) SignIn(_ context.Context, in dashboard.SignIn) (dashboard.Token, time.Time, error) {
	if in.Email == "both@example.com" && in.Account != "acme" {
		return "", time.Time{}, fault.Conflict("account_required", "This e-mail belongs to several accounts: name the account.")
	}
	if in.Email != "owner@example.com" && in.Account != "acme" || in.Password != "correct horse" {
		return "", time.Time{}, fault.Unauthenticated("Wrong e-mail or password.")
	}
	return goodKey, time.Time{}, nil
}

func (f *fakeAccounts) SignOut(_ context.Context, key dashboard.Token) error {
	f.ended[key] = true
	return nil
}

func (f *fakeAccounts) FindMember(_ context.Context, key dashboard.Token) (dashboard.Member, error) {
	if f.fail != nil {
		return dashboard.Member{}, f.fail
	}
	if key != goodKey || f.ended[key] {
		return dashboard.Member{}, fault.Unauthenticated("Unknown key")
	}
	return dashboard.Member{Email: "owner@example.com", Account: "acme", Role: "owner"}, nil
}

func (f *fakeAccounts) ListTenants(context.Context, dashboard.Token) ([]dashboard.Tenant, error) {
	return f.tenants, nil
}

func (f *fakeAccounts) CreateTenant(_ context.Context, _ dashboard.Token, region string) (dashboard.Tenant, error) {
	if f.late != nil {
		return dashboard.Tenant{}, f.late
	}
	if region != "us" {
		return dashboard.Tenant{}, fault.Conflict("", "The account has a tenant there.")
	}
	return dashboard.Tenant{}, nil
}

func (f *fakeAccounts) ListRegions(context.Context) ([]dashboard.Region, error) {
	return []dashboard.Region{{Name: "us", Default: true}, {Name: "eu"}}, nil
}

func newConsole() (*fakeAccounts, http.Handler) {
	f := &fakeAccounts{ended: map[dashboard.Token]bool{}, tenants: []dashboard.Tenant{{
		ID: "tnt_1", Name: "acme", Region: "eu", Domain: "acme.eu.example.test", Issuer: "https://acme.eu.example.test/", State: "active",
	}}}
	return f, httpapi.New(httpapi.Deps{Log: slog.New(slog.DiscardHandler), Accounts: f, Now: clock.At("2026-03-01T12:00:00Z").Now, BaseDomain: "example.test"})
}

func ask(t *testing.T, h http.Handler, method, path string, form url.Values, key dashboard.Token, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://manage.example.test"+path, strings.NewReader(form.Encode()))
	r.Header.Set("X-Forwarded-Proto", "https")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://manage.example.test")
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	if key != "" {
		r.Header.Set("Cookie", "__Host-postern_console="+string(key))
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestConsole_SignUp(t *testing.T) {
	t.Parallel()
	form := url.Values{"account": {"acme"}, "email": {"owner@example.com"}, "password": {"long enough pw"}, "region": {"eu"}}

	t.Run("leads_to_the_progress_with_the_key_in_a_host_cookie", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodPost, "/signup", form, "")
		require.Equal(t, http.StatusSeeOther, rec.Code)
		require.Equal(t, "/signups/sgn_1", rec.Header().Get("Location"))
		cookie := rec.Result().Cookies()[0]
		require.Equal(t, "__Host-postern_console", cookie.Name)
		require.True(t, cookie.HttpOnly && cookie.Secure && cookie.SameSite == http.SameSiteLaxMode && cookie.Path == "/" && cookie.Domain == "")
	})
	t.Run("taken_name_keeps_the_form_without_the_password", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		taken := url.Values{"account": {"taken"}, "email": {`"><script>alert(1)</script>`}, "password": {"long enough pw"}, "region": {"eu"}}
		rec := ask(t, h, http.MethodPost, "/signup", taken, "")
		require.Equal(t, http.StatusConflict, rec.Code)
		body := rec.Body.String()
		require.Contains(t, body, "This account name is taken.")
		require.Contains(t, body, `value="taken"`)
		require.NotContains(t, body, "long enough pw")
		require.NotContains(t, body, "<script>")
	})
	t.Run("another_sites_form_is_refused", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		for _, foreign := range [][]string{{"Origin", "https://evil.test"}, {"Sec-Fetch-Site", "cross-site"}} {
			require.Equal(t, http.StatusForbidden, ask(t, h, http.MethodPost, "/signup", form, "", foreign...).Code)
			require.Equal(t, http.StatusForbidden, ask(t, h, http.MethodPost, "/logout", url.Values{}, goodKey, foreign...).Code)
		}
	})
	t.Run("control_plane_away_is_a_page_with_503", func(t *testing.T) {
		t.Parallel()
		f, h := newConsole()
		f.fail = fault.Unavailable("the control plane is away")
		rec := ask(t, h, http.MethodPost, "/signup", form, "")
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.Equal(t, "1", rec.Header().Get("Retry-After"))
		require.Contains(t, rec.Body.String(), "the control plane is away")
	})
}

func TestConsole_Progress(t *testing.T) {
	t.Parallel()
	f, h := newConsole()
	f.signup = dashboard.Signup{ID: "sgn_1", Status: "provisioning", Steps: []dashboard.Step{{Name: "create_keys", State: "running"}}}
	rec := ask(t, h, http.MethodGet, "/signups/sgn_1", nil, goodKey)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Body.String(), `http-equiv="refresh"`)
	require.Contains(t, rec.Body.String(), "Create the signing keys")
	require.Contains(t, rec.Body.String(), "owner@example.com", "who waits is signed in")

	require.Equal(t, "/login", ask(t, h, http.MethodGet, "/signups/sgn_1", nil, "").Header().Get("Location"), "nobody signs in first")
	require.Equal(t, http.StatusNotFound, ask(t, h, http.MethodGet, "/signups/sgn_1", nil, "stranger").Code)
	require.Equal(t, http.StatusNotFound, ask(t, h, http.MethodGet, "/signups/sgn_2", nil, goodKey).Code)

	f.signup.Status, f.signup.ManagementSecret = "ready", "s3cret"
	rec = ask(t, h, http.MethodGet, "/signups/sgn_1", nil, goodKey)
	require.Contains(t, rec.Body.String(), "s3cret")
	require.NotContains(t, rec.Body.String(), `http-equiv="refresh"`, "a page that shows a secret once must not renew itself")
}

func TestConsole_Session(t *testing.T) {
	t.Parallel()
	t.Run("nobody_sees_the_landing_page", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodGet, "/", nil, "")
		require.Equal(t, http.StatusOK, rec.Code)
		require.NotContains(t, rec.Body.String(), "acme.eu.example.test</h2>")
		require.Contains(t, rec.Body.String(), "Create an account")
	})
	t.Run("a_strangers_key_is_nobody_and_is_dropped", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodGet, "/", nil, "stranger")
		require.NotContains(t, rec.Body.String(), "acme.eu.example.test</h2>")
		require.Contains(t, rec.Body.String(), "Create an account")
		require.Equal(t, -1, rec.Result().Cookies()[0].MaxAge)
	})
	t.Run("a_member_sees_the_tenants_and_the_free_regions", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		body := ask(t, h, http.MethodGet, "/", nil, goodKey).Body.String()
		require.Contains(t, body, "acme.eu.example.test")
		require.Contains(t, body, `<option value="us">`)
		require.NotContains(t, body, `<option value="eu">`)
	})
	t.Run("wrong_password_is_401_and_keeps_the_address", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodPost, "/login", url.Values{"email": {"owner@example.com"}, "password": {"wrong"}}, "")
		require.Equal(t, http.StatusUnauthorized, rec.Code)
		require.Contains(t, rec.Body.String(), `value="owner@example.com"`)
		require.Empty(t, rec.Result().Cookies())
	})
	t.Run("who_is_in_several_accounts_names_one", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		form := url.Values{"email": {"both@example.com"}, "password": {"correct horse"}}
		rec := ask(t, h, http.MethodPost, "/login", form, "")
		require.Equal(t, http.StatusConflict, rec.Code)
		require.Contains(t, rec.Body.String(), "name the account")
		form.Set("account", " acme ")
		require.Equal(t, http.StatusSeeOther, ask(t, h, http.MethodPost, "/login", form, "").Code)
	})
	t.Run("signing_out_ends_the_key_itself", func(t *testing.T) {
		t.Parallel()
		f, h := newConsole()
		require.Equal(t, http.StatusSeeOther, ask(t, h, http.MethodPost, "/logout", url.Values{}, goodKey).Code)
		require.True(t, f.ended[goodKey])
	})
	t.Run("a_key_that_ended_meanwhile_leads_to_the_login", func(t *testing.T) {
		t.Parallel()
		f, h := newConsole()
		f.late = fault.Unauthenticated("Unknown key")
		rec := ask(t, h, http.MethodPost, "/tenants", url.Values{"region": {"us"}}, goodKey)
		require.Equal(t, "/login", rec.Header().Get("Location"))
		require.Equal(t, -1, rec.Result().Cookies()[0].MaxAge)
	})
	t.Run("a_refused_tenant_keeps_the_page_with_the_sentence", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodPost, "/tenants", url.Values{"region": {"eu"}}, goodKey)
		require.Equal(t, http.StatusConflict, rec.Code)
		require.Contains(t, rec.Body.String(), "The account has a tenant there.")
		require.Equal(t, "/", ask(t, h, http.MethodGet, "/tenants", nil, goodKey).Header().Get("Location"), "asked for again, it is the page behind it")
	})
	t.Run("the_plain_listener_has_a_cookie_of_its_own", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		form := url.Values{"email": {"owner@example.com"}, "password": {"correct horse"}}
		cookie := ask(t, h, http.MethodPost, "/login", form, "", "X-Forwarded-Proto", "http", "Origin", "http://manage.example.test").Result().Cookies()[0]
		require.Equal(t, "postern_console", cookie.Name)
		require.False(t, cookie.Secure)
		require.True(t, cookie.HttpOnly)
	})
	t.Run("nobody_cannot_create_tenants", func(t *testing.T) {
		t.Parallel()
		_, h := newConsole()
		rec := ask(t, h, http.MethodPost, "/tenants", url.Values{"region": {"us"}}, "")
		require.Equal(t, "/login", rec.Header().Get("Location"))
	})
}

func TestConsole_EveryAnswerIsProtected(t *testing.T) {
	t.Parallel()
	_, h := newConsole()
	for _, path := range []string{"/", "/signup", "/login", "/nothing", "/signups/x", "/assets/../console.go", "/assets/x/console.css"} {
		rec := ask(t, h, http.MethodGet, path, nil, "")
		require.Contains(t, rec.Header().Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Contains(t, rec.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		require.NotContains(t, rec.Body.String(), "package console", path)
	}
}
