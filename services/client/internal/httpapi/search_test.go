package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClients_search(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.created("/resource-servers", m{"identifier": "https://api", "scopes": []any{m{"value": "a"}}})
	w.created("/clients", m{"name": "other"})
	id := w.created("/clients", m{"name": "x"})["client_id"]
	w.created("/client-grants", m{"client_id": id, "audience": "https://api", "scope": []any{}, "organization_usage": "allow", "allow_any_organization": true})
	ask := func(q, more string) answer {
		return w.do(http.MethodGet, "/clients?fields=client_id&q="+url.QueryEscape(q)+more, nil)
	}
	for q, want := range map[string][]any{
		"client_grant.allow_any_organization:true":      {m{"client_id": id}},
		"client_grant.organization_id:org_0123456789ab": {},
	} {
		a := ask(q, "&take=10")
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.Equal(t, m{"clients": want}, a.body, q)
	}
	w.refused(ask("client_grant.allow_any_organization:true", ""), 400, "invalid_query_string",
		"Query validation error: 'q needs checkpoint paging (take, from)' on property q.")
	for _, q := range []string{"name:x", "client_grant.allow_any_organization:false", "client_grant.organization_id:*", "client_grant.organization_id:' or 1=1", "x", ":", "client_grant.organization_id:org_1 OR name:x"} {
		w.refused(ask(q, "&take=10"), 400, "invalid_query_string",
			"Query validation error: 'Only client_grant.organization_id:<id> and client_grant.allow_any_organization:true can be searched for' on property q.")
	}
}
