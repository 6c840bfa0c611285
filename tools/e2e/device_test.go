//go:build e2e

package e2e_test

import "testing"

// TestDevice logs a device in by another one's browser.
func TestDevice(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	acme.node(t, "device.mjs", map[string]any{"tenant": acme.signup(t, "us")}, nil)
}
