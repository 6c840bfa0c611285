package token_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

func TestClient_Logo(t *testing.T) {
	t.Parallel()
	t.Run("is_shown_by_https_from_one_origin", func(t *testing.T) {
		t.Parallel()
		for uri, origin := range map[string]string{
			"https://cdn.example.com/a/logo.svg?v=2#x": "https://cdn.example.com", "HTTPS://CDN.example.com:443/Logo.PNG": "https://cdn.example.com",
			"https://cdn.example.com:8443": "https://cdn.example.com:8443", "https://192.0.2.1/l.png": "https://192.0.2.1", "https://xn--bcher-kva.example/l.png": "https://xn--bcher-kva.example",
		} {
			c := token.Client{LogoURI: uri}
			require.Equal(t, token.Logo{URL: uri, Origin: origin}, c.Logo())
		}
	})
	t.Run("is_not_shown_when_it_cannot_be_told_apart_from_another_directive_or_place_CSP3_2_3_1", func(t *testing.T) {
		t.Parallel()
		for _, uri := range []string{
			"", "http://cdn.example.com/l.png", "https:/l.png", "//cdn.example.com/l.png", "data:image/png;base64,AA", "javascript:alert(1)", "https://",
			"https://*.example.com/l.png", "https://*/l.png", "https://a.example;script-src/l.png", "https://a.example,script-src/l.png", "https://a'/l.png",
			"https://a.example script-src/l.png", "https://a.exa\tmple/l.png", "https://a.example\n/l.png", " https://a.example/l.png",
			"https://me:word@a.example/l.png", "https://a.example\\@b.example/l.png", "https://a.example\\.b.example/l.png", "https://bücher.example/l.png",
			"https://a..example/l.png", "https://a.example:/l.png", "https://a.example:x/l.png", "https://[::1]/l.png", "https://a%2e.example/l.png",
		} {
			c := token.Client{LogoURI: uri}
			require.Empty(t, c.Logo(), uri)
		}
	})
	t.Run("of_a_strict_third_party_comes_from_its_callbacks_origin_RFC7591_5", func(t *testing.T) {
		t.Parallel()
		c := token.Client{Strict: true, LogoURI: "https://app.example/logo.svg", Callbacks: []string{"com.example.app:/cb", "https://app.example/cb"}}
		require.Equal(t, "https://app.example", c.Logo().Origin)
		for _, uri := range []string{"https://bank.example/logo.svg", "https://app.example:8443/logo.svg", "https://app.example.bank.example/logo.svg"} {
			c.LogoURI = uri
			require.Empty(t, c.Logo(), uri)
		}
	})
}
