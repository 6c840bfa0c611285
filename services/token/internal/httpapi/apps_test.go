package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestMobileApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	const android, apple = "/.well-known/assetlinks.json", "/.well-known/apple-app-site-association"
	require.JSONEq(t, "[]", b.get(android, nil).body)
	require.JSONEq(t, `{"applinks":{"apps":[],"details":[]},"webcredentials":{"apps":[]}}`, b.get(apple, nil).body)
	w.config.Change(func(c *tokentest.Configuration) {
		c.Apps[w.acme.ID] = []token.MobileApp{
			{Package: "com.example.app", Fingerprints: []string{"D8:A0"}, Team: "T1", Bundle: "com.example.ios"}, {Package: "no.certificate"}, {Team: "T2"},
		}
	})
	require.JSONEq(t, `[{"relation":["delegate_permission/common.handle_all_urls","delegate_permission/common.get_login_creds"],
		"target":{"namespace":"android_app","package_name":"com.example.app","sha256_cert_fingerprints":["D8:A0"]}}]`, b.get(android, nil).body)
	res := b.get(apple, nil)
	require.JSONEq(t, `{"applinks":{"apps":[],"details":[{"appID":"T1.com.example.ios","paths":["/ios/com.example.ios/*"]}]},
		"webcredentials":{"apps":["T1.com.example.ios"]}}`, res.body)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Type"), "application/json")
	stranger := w.browser()
	stranger.tenant = w.bolt
	require.JSONEq(t, "[]", stranger.get(android, nil).body)
}
