//go:build e2e

package e2e_test

import "testing"

// TestSessionTransfer logs a user in to a web application by what an app on the same device hands on, in Chromium and with stock clients.
func TestSessionTransfer(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	var seen map[string]any
	acme.node(t, "transfer.mjs", map[string]any{"tenant": acme.signup(t, "us"), "callback": callback(t)}, &seen)
	t.Logf("%v", seen)
}
