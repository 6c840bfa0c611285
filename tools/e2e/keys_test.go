//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// guarded is a path of each service that takes management tokens.
var guarded = []string{"clients?per_page=1", "users?per_page=1", "logs?per_page=1", "tenants/settings", "keys/signing"}

// publicKeys is what the tenant publishes now, as a verifier that never asks again keeps it.
func publicKeys(t *testing.T, client *http.Client, issuer string) *oidc.StaticKeySet {
	t.Helper()
	status, body := get(t, client, issuer+".well-known/jwks.json")
	require.Equal(t, http.StatusOK, status, body)
	var set jose.JSONWebKeySet
	require.NoError(t, json.Unmarshal([]byte(body), &set))
	kept := &oidc.StaticKeySet{}
	for _, key := range set.Keys {
		kept.PublicKeys = append(kept.PublicKeys, key.Key)
	}
	return kept
}

func keyID(t *testing.T, raw string) string {
	t.Helper()
	sig, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	return sig.Signatures[0].Protected.KeyID
}

type keyEntry struct {
	KeyID                            string `json:"kid"`
	Cert                             string `json:"cert"`
	Current, Next, Previous, Revoked bool
}

// keyNamed gives the tenant's one key in a state.
func (m *manager) keyNamed(t *testing.T, state func(keyEntry) bool) keyEntry {
	t.Helper()
	var keys []keyEntry
	m.call(t, http.MethodGet, "keys/signing", nil, &keys)
	for _, key := range keys {
		if state(key) {
			return key
		}
	}
	require.Fail(t, "no such key", "%+v", keys)
	return keyEntry{}
}

// TestKeys rotates a tenant's keys under load, and takes one back.
func TestKeys(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	ten := acme.signup(t, "eu")
	client := stranger(t, acme.cloud)
	m := newManager(t, client, ten)
	first := m.token
	require.Equal(t, m.keyNamed(t, func(k keyEntry) bool { return k.Current }).KeyID, keyID(t, first))

	t.Run("nothing_fails_to_verify_while_keys_are_rotated_under_load", func(t *testing.T) {
		old := publicKeys(t, client, ten.Issuer)
		verifier := oidc.NewVerifier(ten.Issuer, old, &oidc.Config{ClientID: ten.ManagementAPI.Audience})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var wg sync.WaitGroup
		var checked atomic.Int64
		failures := make(chan error, 100)
		for i := range 4 {
			wg.Go(func() {
				for n := i; ctx.Err() == nil; n++ {
					if err := issueAndUse(context.WithoutCancel(ctx), client, ten, verifier, guarded[n%len(guarded)]); err != nil {
						failures <- err
						return
					}
					checked.Add(1)
				}
			})
		}
		for range 3 {
			before := checked.Load()
			next := m.keyNamed(t, func(k keyEntry) bool { return k.Next })
			var made keyEntry
			m.call(t, http.MethodPost, "keys/signing/rotate", nil, &made)
			require.Equal(t, next.KeyID, m.keyNamed(t, func(k keyEntry) bool { return k.Current }).KeyID)
			require.Equal(t, made.KeyID, m.keyNamed(t, func(k keyEntry) bool { return k.Next }).KeyID)
			testkit.Eventually(t, 30*time.Second, func() error {
				if done := checked.Load() - before; done < 40 && len(failures) == 0 {
					return fmt.Errorf("%d tokens since the rotation", done)
				}
				return nil
			})
		}
		stop()
		wg.Wait()
		close(failures)
		for err := range failures {
			t.Error(err)
		}
	})

	t.Run("a_revoked_key_opens_nothing_within_a_second", func(t *testing.T) {
		other := newManager(t, client, ten)
		require.NotEqual(t, keyID(t, first), keyID(t, other.token), "the first key signs no more")
		for _, path := range guarded { // each service has the keys in memory now
			status, body := get(t, client, m.base+path, "Authorization", "Bearer "+first)
			require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		}
		var gone keyEntry
		other.call(t, http.MethodPut, "keys/signing/"+keyID(t, first)+"/revoke", nil, &gone)
		require.Equal(t, keyID(t, first), gone.KeyID)
		testkit.Eventually(t, time.Second, func() error {
			for _, path := range guarded {
				if status, _ := get(t, client, m.base+path, "Authorization", "Bearer "+first); status != http.StatusUnauthorized {
					return fmt.Errorf("%s still answers %d", path, status)
				}
			}
			if _, body := get(t, client, ten.Issuer+".well-known/jwks.json"); strings.Contains(body, gone.KeyID) {
				return fmt.Errorf("%s is still published", gone.KeyID)
			}
			return nil
		})
		for _, path := range guarded {
			status, body := get(t, client, m.base+path, "Authorization", "Bearer "+other.token)
			require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		}
	})

	t.Run("the_audit_log_has_each_with_its_answer", func(t *testing.T) {
		other := newManager(t, client, ten)
		testkit.Eventually(t, 10*time.Second, func() error {
			seen := map[string]int{}
			var lines []struct {
				Type        string         `json:"type"`
				Description string         `json:"description"`
				Details     map[string]any `json:"details"`
			}
			other.call(t, http.MethodGet, "logs?per_page=100&q=type:sapi", nil, &lines)
			for _, line := range lines {
				if response, ok := line.Details["response"].(map[string]any); ok && line.Type == "sapi" {
					if body, ok := response["body"].(map[string]any); ok && body["kid"] != nil {
						seen[line.Description]++
					}
				}
			}
			if seen["Rotate the Application Signing Key"] != 3 || seen["Revoke an Application Signing Key by its key id"] != 1 {
				return fmt.Errorf("%v", seen)
			}
			return nil
		})
	})
}

// issueAndUse gets a management token, verifies it by keys fetched before, and calls a service with it.
func issueAndUse(ctx context.Context, client *http.Client, ten tenant, verifier *oidc.IDTokenVerifier, path string) error {
	form := strings.NewReader("grant_type=client_credentials&client_id=" + ten.ManagementAPI.ClientID + "&client_secret=" + ten.ManagementAPI.ClientSecret +
		"&audience=" + ten.ManagementAPI.Audience)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ten.Issuer+"oauth/token", form)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		return err
	}
	if _, err := verifier.Verify(ctx, got.Token); err != nil {
		return fmt.Errorf("by keys from before the rotations: %w", err)
	}
	req, err = http.NewRequestWithContext(ctx, http.MethodGet, ten.Issuer+"api/v2/"+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+got.Token)
	called, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = called.Body.Close() }()
	if called.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, called.StatusCode)
	}
	return nil
}
