package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
)

func TestClients_reading_a_secret_is_audited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.created("/clients", m{"name": "x"})
	secret := fmt.Sprint(made["client_secret"])
	path := fmt.Sprintf("/clients/%s", made["client_id"])
	for _, c := range []struct {
		scopes, path string
		lines        int
	}{
		{"read:clients", path, 0},
		{"read:clients", "/clients", 0},
		{"read:client_keys", path + "?fields=name", 0},
		{"read:client_keys", path + "?fields=client_secret&include_fields=false", 0},
		{"read:client_keys", "/clients?fields=name,client_id&take=10", 0},
		{"read:client_keys", path, 1},
		{"read:client_keys", "/clients", 1},
		{"read:client_keys", "/clients?fields=client_secret&include_totals=true", 1},
	} {
		w.acts = nil
		a := w.request(acme, c.scopes, http.MethodGet, c.path, "")
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.Len(t, w.acts, c.lines, "%s %s", c.scopes, c.path)
		assert.Equal(t, c.lines > 0, strings.Contains(a.raw, secret), a.raw)
		for _, act := range w.acts {
			assert.Equal(t, "caller", act.ClientID)
			assert.NotContains(t, fmt.Sprintf("%+v", act), secret)
		}
	}
	w.lost = fault.Unavailable("postgres is away")
	a := w.do(http.MethodGet, path, nil)
	assert.Equal(t, http.StatusServiceUnavailable, a.status, "no secret without its line")
	assert.NotContains(t, a.raw, secret)
}

func TestClients_lines_of_writes_hold_no_secret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.created("/clients", m{
		"name": "x", "addons": m{"layer": m{"providerId": "p", "keyId": "k", "privateKey": "layer-hush"}, "wams": m{"masterkey": "wams-hush"}},
	})
	path := fmt.Sprintf("/clients/%s", made["client_id"])
	rotated := w.request(acme, "update:client_keys", http.MethodPost, path+"/rotate-secret", "")
	require.Equal(t, http.StatusOK, rotated.status, rotated.raw)
	require.NotEqual(t, made["client_secret"], rotated.body["client_secret"])
	own := strings.Repeat("chosen-hush", 4)
	require.Equal(t, http.StatusOK, w.do(http.MethodPatch, path, m{"client_secret": own}).status)

	require.Len(t, w.told, 3, "one line each")
	for i, operation := range []string{"Create a client", "Rotate a client secret", "Update a client"} {
		assert.Equal(t, operation, w.told[i].Operation)
		line, err := json.Marshal(w.told[i])
		require.NoError(t, err)
		for _, secret := range []any{made["client_secret"], rotated.body["client_secret"], own, "layer-hush", "wams-hush"} {
			assert.NotContains(t, string(line), fmt.Sprint(secret), operation)
		}
		assert.NotNil(t, w.told[i].Answer, operation)
	}
	assert.Empty(t, w.acts, "a write is told by its own line, not as a read")
}
