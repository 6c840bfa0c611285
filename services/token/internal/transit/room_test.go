package transit_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/transit"
)

var families = []string{token.AlgRS256, token.AlgES256}

// provisioned is a room whose tenant has all its keys, and uses each kind.
func provisioned(t *testing.T) *room {
	t.Helper()
	r := open(t)
	for _, alg := range families {
		require.NoError(t, r.client.CreateSigningKey(t.Context(), transit.KeyName(tenant, alg), vaultkit.Alg(alg)))
	}
	_, err := r.publish(t.Context())
	require.NoError(t, err)
	_, err = r.store.ShowKeys(t.Context(), tenant, token.AlgES256, token.Fact{Tenant: tenant, Time: r.clock.Now().Add(-time.Minute)})
	require.NoError(t, err)
	return r
}

// states gives the versions by algorithm and state, oldest first.
func (r *room) states(t *testing.T) map[string][]int {
	t.Helper()
	keys, err := r.store.ListKeys(t.Context(), tenant)
	require.NoError(t, err)
	out := map[string][]int{}
	for _, key := range keys {
		name := key.Alg + " " + string(key.State)
		out[name] = append(out[name], key.Version)
	}
	return out
}

func (r *room) named(t *testing.T, alg string, state token.KeyState) token.SigningKey {
	t.Helper()
	keys, err := r.store.ListKeys(t.Context(), tenant)
	require.NoError(t, err)
	i := slices.IndexFunc(keys, func(k token.SigningKey) bool { return k.Alg == alg && k.State == state })
	require.GreaterOrEqual(t, i, 0, "%s %s", alg, state)
	return keys[i]
}

// issue makes a token by alg, and gives it with the ID of its key.
func (r *room) issue(ctx context.Context, alg string) (raw, kid string, err error) {
	issued, err := (&token.Issuer{Keys: r.ring, Signer: r.signer}).Issue(ctx, token.Issue{
		Tenant: tenancy.Tenant{ID: tenant, Host: "acme.eu.postern.test", Canonical: "acme.eu.postern.test"}, Client: &token.Client{ID: "c"},
		Grant: oauth.GrantClientCredentials, ResourceServer: &token.ResourceServer{Identifier: "https://api", SigningAlg: alg}, Now: r.clock.Now(),
	})
	if err != nil {
		return "", "", err
	}
	sig, err := jose.ParseSignedCompact(issued.AccessToken, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return "", "", err
	}
	return issued.AccessToken, sig.Signatures[0].Protected.KeyID, nil
}

// set is the published key set, as a verifier outside keeps it.
func (r *room) set(ctx context.Context) (set jose.JSONWebKeySet, err error) {
	raw, err := r.ring.JWKS(ctx, tenant, false)
	if err != nil {
		return set, err
	}
	return set, json.Unmarshal(raw, &set)
}

// verifies says whether a verifier that knows set alone, and never asks again, takes the token.
func verifies(set jose.JSONWebKeySet, raw string) bool {
	sig, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		return false
	}
	for _, key := range set.Key(sig.Signatures[0].Protected.KeyID) {
		if _, err := sig.Verify(key); err == nil {
			return true
		}
	}
	return false
}

// rotate is a rotation some time after what was before.
func (r *room) rotate(t *testing.T) token.SigningKey {
	t.Helper()
	r.clock.Advance(time.Millisecond)
	next, err := r.keys.Rotate(t.Context(), tenant)
	require.NoError(t, err)
	r.ring.Forget(tenant)
	return next
}
