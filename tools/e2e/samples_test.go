//go:build e2e

package e2e_test

import "testing"

// TestSamples sets each of tools/samples up in a tenant of its own and uses it, as its reader would and as an attacker would.
func TestSamples(t *testing.T) {
	t.Parallel()
	application := applicationCertificate(t)
	for _, name := range []string{"regular-web", "one-client", "several-clients", "gateway", "white-label"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acme := newCompany(t)
			acme.node(t, "../samples/"+name+".mjs", map[string]any{"tenant": acme.signup(t, "us"), "application": application}, nil)
		})
	}
}
