//go:build e2e

package e2e_test

import (
	"testing"
)

// TestClients drives everything a tenant configures about its applications with stock clients: the life of each resource, and that
// what is set acts (docs/settings.md).
func TestClients(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"the_whole_life_of_each_resource": "clients.mjs",
		"what_is_set_acts":                "settings.mjs",
		"origins_in_a_browser":            "cors.mjs",
		"an_application_registers_itself": "register.mjs",
		"a_thousand_clients":              "many.mjs",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acme := newCompany(t)
			us := acme.signup(t, "us")
			var seen map[string]any
			acme.node(t, script, map[string]any{"tenant": us}, &seen)
			t.Logf("%v", seen)
		})
	}
}
