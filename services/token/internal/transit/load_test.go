package transit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Nothing fails to verify while keys are rotated under load: neither by verifiers that fetched the keys before, nor by this house's own.
func TestRotate_under_load(t *testing.T) {
	t.Parallel()
	r := provisioned(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	own := r.verifier()
	old, err := r.set(ctx) // of before all rotations
	require.NoError(t, err)

	var wg sync.WaitGroup
	var mu sync.Mutex
	issued, kids := 0, map[string]bool{}
	for i := range 4 {
		alg := families[i%2]
		wg.Go(func() {
			for ctx.Err() == nil {
				raw, kid, err := r.issue(context.WithoutCancel(ctx), alg)
				if err != nil {
					t.Errorf("issuing: %v", err)
					return
				}
				assert.True(t, verifies(old, raw), "%s by a key that was not published before the rotations", alg)
				_, err = own.VerifyAccess(context.WithoutCancel(ctx), tenancy.Tenant{ID: tenant, Host: "acme.eu.postern.test", Canonical: "acme.eu.postern.test"}, raw, "https://api")
				if err != nil {
					t.Errorf("verifying: %v", err)
				}
				mu.Lock()
				issued++
				kids[kid] = true
				mu.Unlock()
			}
		})
	}
	for range 4 {
		r.rotate(t)
	}
	stop()
	wg.Wait()
	require.Greater(t, issued, 50)
	require.Len(t, kids, 4, "the first and the second key of each algorithm")
}

// A verifier that asks for the keys once a minute takes every token, however often and whenever the keys are rotated.
func TestRotate_verifiers_that_ask_once_a_minute(t *testing.T) {
	t.Parallel()
	r := provisioned(t)
	var set jose.JSONWebKeySet
	rotations := map[int]bool{3: true, 4: true, 5: true, 17: true, 29: true}
	for tick := range 60 { // of 5 s
		if tick%12 == 0 {
			var err error
			set, err = r.set(t.Context())
			require.NoError(t, err)
		}
		if rotations[tick] {
			r.rotate(t)
		}
		for _, alg := range families {
			raw, _, err := r.issue(t.Context(), alg)
			require.NoError(t, err)
			require.True(t, verifies(set, raw), "%s after %d s", alg, 5*tick)
		}
		r.clock.Advance(5 * time.Second)
	}
	_, kid, err := r.issue(t.Context(), token.AlgRS256)
	require.NoError(t, err)
	require.Equal(t, r.named(t, token.AlgRS256, token.KeyCurrent).KeyID, kid)
	require.Equal(t, 6, r.named(t, token.AlgRS256, token.KeyCurrent).Version)
}
