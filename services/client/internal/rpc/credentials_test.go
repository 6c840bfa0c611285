package rpc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/rpc"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

func TestFindClient_credentials(t *testing.T) {
	t.Parallel()
	now, store := clock.At("2026-03-01T12:00:00Z"), storetest.NewFake()
	clients := client.NewService(store, now.Now)
	remote := clientapiconnect.NewClientServiceClient(
		rpckit.Client(rpc.New(clients, slog.New(slog.DiscardHandler))), rpckit.InProcessURL, rpckit.ClientOption())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	inline := func(sent map[string]any) map[string]any { return map[string]any{"credentials": []any{sent}} }
	const url = "https://app.example/client"
	c, err := client.NewClient(client.Settings{
		"name": "app", "is_first_party": false, "external_client_id": url, "jwks_uri": "https://app.example/keys", "organization_usage": "allow",
		"is_token_endpoint_ip_header_trusted": true,
		"client_authentication_methods": map[string]any{"private_key_jwt": inline(map[string]any{
			"credential_type": "public_key", "pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
			"kid": "key-of-march", "alg": "PS256", "expires_at": "2026-03-01T13:00:00Z",
		})},
	}, now.Now())
	require.NoError(t, err)
	require.NoError(t, store.CreateClient(t.Context(), acme, c, false))
	_, err = clients.CreateCredential(t.Context(), acme, c.ID, client.Settings{"credential_type": "cert_subject_dn", "subject_dn": "CN=unused"})
	require.NoError(t, err)
	find := func(tenant, name string) (*clientapi.Client, error) {
		return remote.FindClient(t.Context(), &clientapi.FindClientRequest{TenantId: tenant, ClientId: name})
	}

	for _, name := range []string{string(c.ID), url} {
		got, err := find(acme, name)
		require.NoError(t, err, name)
		assert.Equal(t, string(c.ID), got.GetClientId(), "its own id, however it was named")
		assert.Equal(t, []string{"private_key_jwt"}, got.GetAuthenticationMethods())
		require.Len(t, got.GetCredentials(), 1, "what no method names proves nothing")
		cred := got.GetCredentials()[0]
		assert.Equal(t, c.Credentials[0].ID, cred.GetId())
		assert.Equal(t, "private_key_jwt", cred.GetMethod())
		assert.Equal(t, "key-of-march", cred.GetKid())
		assert.Equal(t, "PS256", cred.GetAlg())
		assert.Equal(t, der, cred.GetPublicKey())
		assert.Equal(t, time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC).Unix(), cred.GetExpiresUnix())
		assert.True(t, got.GetStrict())
		assert.Equal(t, url, got.GetExternalClientId())
		assert.Equal(t, "allow", got.GetOrganizationUsage())
		assert.True(t, got.GetIpHeaderTrusted())
		_, err = find(globex, name)
		assert.True(t, fault.Is(err, fault.KindNotFound), "%s by a stranger: %v", name, err)
	}
	for _, name := range []string{"", "https://", "http://app.example/client", url + "/", "HTTPS://app.example/client"} {
		_, err := find(acme, name)
		assert.True(t, fault.Is(err, fault.KindNotFound), "%q: %v", name, err)
	}
	now.Advance(time.Hour)
	got, err := find(acme, url)
	require.NoError(t, err)
	assert.Empty(t, got.GetCredentials(), "what has expired is left out")
	assert.Equal(t, []string{"private_key_jwt"}, got.GetAuthenticationMethods(), "and the secret does not count instead")
}
