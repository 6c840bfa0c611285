package transit_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/rpc"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
	"github.com/postern-id/postern/services/token/internal/transit"
)

const tenant = "tnt_acme"

// room is keys from Vault to the neighbours' door, over a fake Vault that really signs.
type room struct {
	vault   *vaulttest.Server
	client  *vaultkit.Client
	signer  *transit.Signer
	store   *storetest.Fake
	ring    *keyring.Ring
	keys    *token.Keys
	clock   *clock.Fake
	service tokenapiconnect.TokenServiceClient
}

func (r *room) verifier() keyring.Verifier { return keyring.NewVerifier(r.ring, r.clock.Now) }

func open(t *testing.T) *room {
	t.Helper()
	r := &room{vault: vaulttest.New(t), store: storetest.NewFake(), clock: clock.At("2026-03-01T12:00:00Z")}
	log := slog.New(slog.DiscardHandler)
	now := r.clock.Now
	var err error
	r.client, err = vaultkit.Open(t.Context(), r.vault.Config(), log)
	require.NoError(t, err)
	r.signer = transit.New(r.client, vaultkit.NewBatcher(r.client, vaultkit.BatchConfig{}))
	r.keys = token.NewKeys(token.KeyDeps{Source: r.signer, Store: r.store, Now: now})
	r.ring = keyring.New(r.store, now, keyring.Completing(r.keys, log), keyring.Waiting(tokentest.Passing(r.clock)))
	handler := rpc.New(rpc.Deps{Keys: r.keys, Ring: r.ring, Remover: r.store, Log: log})
	r.service = tokenapiconnect.NewTokenServiceClient(rpckit.Client(handler), rpckit.InProcessURL, rpckit.ClientOption())
	return r
}

func (r *room) publish(ctx context.Context) ([]string, error) {
	res, err := r.service.PublishKeys(ctx, &tokenapi.PublishKeysRequest{TenantId: tenant, Hostname: "acme.eu.postern.test"})
	return res.GetKeyIds(), err
}

func TestPublishKeys(t *testing.T) {
	t.Parallel()
	r := open(t)
	_, err := r.publish(t.Context())
	require.True(t, fault.Is(err, fault.KindNotFound), "nothing to publish: %v", err)
	require.NoError(t, r.client.CreateSigningKey(t.Context(), transit.KeyName(tenant, token.AlgRS256), vaultkit.RS256))
	require.Equal(t, "sign-tnt_acme-rs256", transit.KeyName(tenant, token.AlgRS256))
	require.NoError(t, r.client.CreateSigningKey(t.Context(), transit.KeyName(tenant, token.AlgES256), vaultkit.ES256))

	ids := make([][]string, 6)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			ids[i], err = r.publish(context.WithoutCancel(t.Context()))
			if err != nil {
				t.Errorf("publishing: %v", err)
			}
		})
	}
	wg.Wait()
	require.Len(t, ids[0], 4, "two versions for each algorithm")
	for _, got := range ids {
		require.Equal(t, ids[0], got, "repeats and concurrent calls answer the same")
	}
	for _, id := range ids[0] {
		require.Regexp(t, `^[A-Za-z0-9_-]{21}$`, id)
	}

	keys, err := r.store.ListKeys(t.Context(), tenant)
	require.NoError(t, err)
	for i, want := range []struct {
		alg   string
		state token.KeyState
	}{{token.AlgRS256, token.KeyCurrent}, {token.AlgES256, token.KeyCurrent}, {token.AlgRS256, token.KeyNext}, {token.AlgES256, token.KeyNext}} {
		require.Equal(t, want.alg, keys[i].Alg)
		require.Equal(t, want.state, keys[i].State)
	}
	for _, key := range keys {
		cert, err := x509.ParseCertificate(key.Certificate)
		require.NoError(t, err)
		require.NoError(t, cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature), "signed by its own key, in Vault")
		require.Equal(t, "acme.eu.postern.test", cert.Subject.CommonName)
		require.Equal(t, key.Public, cert.PublicKey)
		require.Equal(t, 2039, cert.NotAfter.Year(), "13 years")
	}

	res, err := r.service.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: tenant})
	require.NoError(t, err)
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(res.GetJwksJson(), &set))
	require.Len(t, set.Keys, 8, "each key, and the RSA ones by two algorithms more")
	require.Equal(t, ids[0][0], set.Keys[0]["kid"], "current first")
	_, err = r.service.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: "tnt_stranger"})
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)

	_, err = r.client.RotateKey(t.Context(), transit.KeyName(tenant, token.AlgRS256))
	require.NoError(t, err)
	more, err := r.publish(t.Context())
	require.NoError(t, err)
	require.Len(t, more, 5)
	require.Subset(t, more, ids[0], "what was published stays, a new version waits its turn")

	_, err = r.service.RemoveTenant(t.Context(), &tokenapi.RemoveTenantRequest{TenantId: tenant})
	require.NoError(t, err)
	_, err = r.service.ListKeys(t.Context(), &tokenapi.ListKeysRequest{TenantId: tenant})
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
}

func TestSigner_by_way_of_Vault(t *testing.T) {
	t.Parallel()
	r := open(t)
	require.NoError(t, r.client.CreateSigningKey(t.Context(), transit.KeyName(tenant, token.AlgRS256), vaultkit.RS256))
	_, err := r.publish(t.Context())
	require.NoError(t, err)
	issuer := &token.Issuer{Keys: r.ring, Signer: r.signer}
	in := token.Issue{
		Tenant: tenancy.Tenant{ID: tenant, Host: "acme.eu.postern.test", Canonical: "acme.eu.postern.test"}, Client: &token.Client{ID: "c"},
		Grant: oauth.GrantClientCredentials, ResourceServer: &token.ResourceServer{Identifier: "https://api"}, Now: time.Now(),
	}
	issued, err := issuer.Issue(t.Context(), in)
	require.NoError(t, err)
	verifier := keyring.NewVerifier(r.ring, time.Now)
	claims, err := verifier.VerifyAccess(t.Context(), in.Tenant, issued.AccessToken, "https://api")
	require.NoError(t, err)
	require.Equal(t, "c@clients", claims.Subject)

	r.vault.SetAway(true)
	_, err = issuer.Issue(t.Context(), in)
	require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	_, err = verifier.VerifyAccess(t.Context(), in.Tenant, issued.AccessToken, "https://api")
	require.NoError(t, err, "what was issued verifies while Vault is away")
	r.vault.SetAway(false)
	_, err = issuer.Issue(t.Context(), in)
	require.NoError(t, err)

	in.Tenant.ID = "tnt_new"
	_, err = issuer.Issue(t.Context(), in)
	require.True(t, fault.Is(err, fault.KindUnavailable), "a tenant whose keys are not published yet: %v", err)
}
