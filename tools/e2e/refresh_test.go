//go:build e2e

package e2e_test

import "testing"

// TestRefresh drives refresh tokens with stock clients: rotation, reuse, leeway, revocation, and what administrators see.
func TestRefresh(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	var seen map[string]any
	acme.node(t, "refresh.mjs", map[string]any{"tenant": acme.signup(t, "us"), "callback": callback(t)}, &seen)
	t.Logf("%v", seen)
}
