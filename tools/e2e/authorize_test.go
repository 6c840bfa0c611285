//go:build e2e

package e2e_test

import "testing"

// TestAuthorize drives authorization requests beyond the plain one with stock clients, in Chromium.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	acme.node(t, "authorize.mjs", map[string]any{"tenant": acme.signup(t, "us"), "callback": callback(t)}, nil)
}
