package rpc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/rpc"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

func TestFindResourceServer_encryption(t *testing.T) {
	t.Parallel()
	now, store := clock.At("2026-03-01T12:00:00Z"), storetest.NewFake()
	remote := clientapiconnect.NewClientServiceClient(
		rpckit.Client(rpc.New(client.NewService(store, now.Now), slog.New(slog.DiscardHandler))), rpckit.InProcessURL, rpckit.ClientOption())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	find := func(identifier, text string) *clientapi.TokenEncryption {
		r, err := client.NewResourceServer(client.Settings{"identifier": identifier}, now.Now())
		require.NoError(t, err)
		if text != "" { // as it stands in the table, whoever wrote it
			r.Settings["token_encryption"] = map[string]any{"format": "compact-nested-jwe", "encryption_key": map[string]any{"alg": "RSA-OAEP-384", "kid": "k1", "pem": text}}
		}
		require.NoError(t, store.CreateResourceServer(t.Context(), acme, r))
		got, err := remote.FindResourceServer(t.Context(), &clientapi.FindResourceServerRequest{TenantId: acme, Identifier: identifier})
		require.NoError(t, err)
		return got.GetTokenEncryption()
	}
	require.Nil(t, find("urn:none", ""))
	got := find("urn:some", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
	require.Equal(t, []string{"RSA-OAEP-384", "k1", string(der)}, []string{got.GetAlg(), got.GetKid(), string(got.GetPublicKey())})
	odd := find("urn:odd", "pem")
	require.NotNil(t, odd, "an API that wants its tokens encrypted says so, also with a key that cannot be read")
	require.Empty(t, odd.GetPublicKey())
}
