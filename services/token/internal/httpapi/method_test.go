package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allows gives the methods that a refused request is told of, sorted.
func allows(a answer) []string {
	methods := strings.Split(a.Header.Get("Allow"), ", ")
	slices.Sort(methods)
	return methods
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(method, path string) answer {
		return w.browser().do(httptest.NewRequestWithContext(t.Context(), method, path, nil))
	}
	t.Run("at_OAuth's_endpoints_are_405_in_OAuth's_form", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			method, path string
			allow        []string
		}{
			{http.MethodGet, "/oauth/token", []string{"OPTIONS", "POST"}},
			{http.MethodGet, "/oauth/par", []string{"POST"}},
			{http.MethodGet, "/oauth/revoke", []string{"OPTIONS", "POST"}},
			{http.MethodGet, "/oauth/device/code", []string{"OPTIONS", "POST"}},
			{http.MethodPut, "/userinfo", []string{"GET", "OPTIONS", "POST"}},
			{http.MethodDelete, "/authorize", []string{"GET", "POST"}},
			{http.MethodPut, "/oidc/logout", []string{"GET", "POST"}},
		} {
			res := ask(c.method, c.path)
			requireOAuth(t, res, http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed")
			require.Equal(t, c.allow, allows(res), "RFC 9110 §15.5.6: %s", c.path)
		}
	})
	t.Run("elsewhere_they_are_405_in_the_Management_API's_form", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			method, path string
			allow        []string
		}{
			{http.MethodPost, "/api/v2/keys/signing", []string{"GET"}},
			{http.MethodPut, "/api/v2/grants", []string{"DELETE", "GET"}},
			{http.MethodPost, "/v2/logout", []string{"GET"}},
			{http.MethodGet, "/u/logout", []string{"POST"}},
			{http.MethodPost, "/.well-known/jwks.json", []string{"GET", "OPTIONS"}},
		} {
			res := ask(c.method, c.path)
			require.Equal(t, http.StatusMethodNotAllowed, res.StatusCode, c.path)
			require.Equal(t, map[string]any{
				"statusCode": 405.0, "error": "Method Not Allowed", "message": "Method Not Allowed", "errorCode": "method_not_allowed",
			}, res.json(t), c.path)
			require.Equal(t, c.allow, allows(res), c.path)
		}
	})
	t.Run("paths_that_nothing_takes_stay_404", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusNotFound, ask(http.MethodPost, "/oauth/nothing").StatusCode)
	})
	t.Run("who_did_not_come_through_the_router_is_told_nothing", func(t *testing.T) {
		t.Parallel()
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/oauth/token", nil))
		require.Equal(t, http.StatusForbidden, rec.Code)
	})
}
