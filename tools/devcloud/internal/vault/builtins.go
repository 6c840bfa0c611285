package vault

import (
	"slices"

	"github.com/hashicorp/vault/sdk/helper/consts"
)

// builtins tells the core which plugins it was compiled with. Their factories are given to the core directly, so that the fifty that
// stock Vault also has are not linked.
type builtins struct{}

func (builtins) list(kind consts.PluginType) []string {
	switch kind {
	case consts.PluginTypeSecrets:
		return []string{"kv", "pki", "transit"}
	case consts.PluginTypeCredential:
		return []string{"approle"}
	case consts.PluginTypeUnknown, consts.PluginTypeDatabase:
	}
	return nil
}

// Contains implements plugincatalog.BuiltinRegistry.
func (b builtins) Contains(name string, kind consts.PluginType) bool {
	return slices.Contains(b.list(kind), name)
}

// Get implements plugincatalog.BuiltinRegistry; the core has the factories already.
func (b builtins) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

// Keys implements plugincatalog.BuiltinRegistry.
func (b builtins) Keys(kind consts.PluginType) []string { return b.list(kind) }

// DeprecationStatus implements plugincatalog.BuiltinRegistry.
func (b builtins) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, b.Contains(name, kind)
}

// IsBuiltinEntPlugin implements plugincatalog.BuiltinRegistry.
func (builtins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
