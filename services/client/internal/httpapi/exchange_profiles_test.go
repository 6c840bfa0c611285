package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExchangeProfiles_need_actions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/token-exchange-profiles"
	assert.Equal(t, m{"token_exchange_profiles": []any{}}, w.do(http.MethodGet, path, nil).body)
	assert.Equal(t, m{"token_exchange_profiles": []any{}}, w.do(http.MethodGet, path+"?take=1&from=x", nil).body)

	sent := func(name string, value any) m {
		body := m{"name": "legacy", "subject_token_type": "urn:acme:legacy", "action_id": "8c1a3c6e-1111-4222-8333-444455556666", "type": "custom_authentication"}
		body[name] = value
		return body
	}
	w.refused(w.do(http.MethodPost, path, sent("name", "legacy")), 404, "", "That action does not exist.")
	w.refused(w.do(http.MethodPost, path, sent("subject_token_type", "https://acme.example/legacy")), 404, "", "That action does not exist.")
	for _, kind := range []string{"urn:ietf:params:oauth:token-type:jwt", "URN:auth0:x", "urn:okta:token", "https://auth0.com/token"} {
		a := w.do(http.MethodPost, path, sent("subject_token_type", kind))
		assert.Equal(t, http.StatusBadRequest, a.status, a.raw)
		assert.Contains(t, a.raw, "is reserved' on property subject_token_type.", kind)
	}
	for name, value := range map[string]any{
		"subject_token_type": "not a uri", "name": "x", "action_id": "", "type": "on_behalf_of_token_exchange", "other": true,
	} {
		a := w.do(http.MethodPost, path, sent(name, value))
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
	}
	assert.Equal(t, http.StatusBadRequest, w.do(http.MethodPost, path, sent("subject_token_type", "urn:x:"+strings.Repeat("y", 100))).status)

	for _, method := range []string{http.MethodGet, http.MethodPatch, http.MethodDelete} {
		var body any
		if method == http.MethodPatch {
			body = m{"name": "other"}
		}
		w.refused(w.do(method, path+"/tep_unknown", body), 404, "", "The token exchange profile does not exist.")
	}
}
