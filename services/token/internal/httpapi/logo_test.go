package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func TestLogo(t *testing.T) {
	t.Parallel()
	const uri = "https://cdn.example.com/logo.svg?a=1&b=2"
	logo := func(uri string, more ...func(*token.Client)) func(*token.Client) {
		return func(c *token.Client) {
			c.LogoURI = uri
			for _, edit := range more {
				edit(c)
			}
		}
	}
	const without = "img-src data:; "

	t.Run("is_on_each_page_about_the_client_and_the_only_thing_asked_of_others", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third(logo(uri))
		b := w.browser()
		to := b.get("/authorize", authorizeParams("audience", apiAudience)).location(t)
		wrong := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {"guess"}})
		asked := b.follow(b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})).location(t)
		for name, page := range map[string]answer{"login": b.get(to.Path, to.Query()), "login_again": wrong, "consent": b.get(asked.Path, asked.Query())} {
			require.Contains(t, page.body, `<img class="logo" src="https://cdn.example.com/logo.svg?a=1&amp;b=2" alt="Web App" referrerpolicy="no-referrer"`, name)
			require.NotContains(t, page.body, `class="mark"`, name)
			require.Equal(t, 1, strings.Count(page.body, "https://cdn.example.com"), name)
			require.Contains(t, page.Header.Get("Content-Security-Policy"), "img-src data: https://cdn.example.com; ", name)
			require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; ", name)
			require.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"), name)
		}
		w.client("web", logo(""))
		page := b.get(to.Path, to.Query())
		require.Contains(t, page.body, `class="mark"`, "the tenant's letter stands in for it")
		require.Contains(t, page.Header.Get("Content-Security-Policy"), without)
	})
	t.Run("of_another_client_is_not_allowed_beside_it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third(logo(uri))
		w.client("native", logo("https://native.example/l.png"))
		b := w.browser()
		to := b.get("/authorize", authorizeParams()).location(t)
		require.NotContains(t, b.get(to.Path, to.Query()).Header.Get("Content-Security-Policy"), "native.example")
		require.NotContains(t, b.get("/authorize", authorizeParams("redirect_uri", "https://evil.example/cb")).Header.Get("Content-Security-Policy"), "cdn.example", "nor on the error page")
	})
	t.Run("of_anybody_who_says_they_are_somebody_else_is_not_shown_RFC7591_5", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third(logo("https://bank.example/logo.svg", func(c *token.Client) { c.Strict = true }))
		b := w.browser()
		to := b.get("/authorize", authorizeParams()).location(t)
		page := b.get(to.Path, to.Query())
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.NotContains(t, page.body, "<img")
		require.Contains(t, page.Header.Get("Content-Security-Policy"), without)
	})
	t.Run("cannot_write_into_page_or_policy", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for _, hostile := range []string{`https://a.example;script-src/*`, `https://*/l.png`, "https://a.example/l.png\"onerror=\"alert(1)", "https://a.example\r\nX: y", "http://a.example/l.png"} {
			w.third(logo(hostile))
			b := w.browser()
			to := b.get("/authorize", authorizeParams()).location(t)
			page := b.get(to.Path, to.Query())
			require.Equal(t, http.StatusOK, page.StatusCode)
			require.NotContains(t, page.body, `"onerror`)
			require.Regexp(t, `^default-src 'none'; style-src 'self'; img-src data:( https://a\.example)?; base-uri 'none'; frame-ancestors 'none'$`, page.Header.Get("Content-Security-Policy"))
		}
	})
}
