//go:build e2e

package e2e_test

import "testing"

// TestDeployTool exports a tenant with the stock deploy tool and imports it twice: nothing changes.
func TestDeployTool(t *testing.T) {
	t.Parallel()
	acme, other := newCompany(t), newCompany(t)
	acme.node(t, "deploy.mjs", map[string]any{"tenant": acme.signup(t, "us"), "second": other.signup(t, "us")}, nil)
}
