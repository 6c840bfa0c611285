//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// manager calls a tenant's Management API with its management client.
type manager struct {
	http  *http.Client
	base  string
	token string
}

func newManager(t *testing.T, client *http.Client, ten tenant) *manager {
	t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	caller := &jsonCaller{client}
	caller.post(t, ten.Issuer+"oauth/token", map[string]string{
		"grant_type": "client_credentials", "client_id": ten.ManagementAPI.ClientID, "client_secret": ten.ManagementAPI.ClientSecret,
		"audience": ten.ManagementAPI.Audience,
	}, http.StatusOK, &got)
	return &manager{client, ten.Issuer + "api/v2/", got.Token}
}

// call wants success and decodes the answer.
func (m *manager) call(t *testing.T, method, path string, body, out any) {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, m.base+path, bytes.NewReader(raw))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+m.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := m.http.Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, http.StatusBadRequest, "%s %s: %s", method, path, answer)
	if out != nil {
		require.NoError(t, json.Unmarshal(answer, out))
	}
}
