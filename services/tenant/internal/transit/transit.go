// Package transit makes tenants' keys in the cell's Vault. It never signs and never sees a key.
package transit

import (
	"context"
	"strings"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
)

// Keys implements tenant.Keys.
type Keys struct{ vault *vaultkit.Client }

// New makes the adapter.
func New(vault *vaultkit.Client) *Keys { return &Keys{vault} }

// CreateSigningKey implements tenant.Keys: one key for the RSA algorithms and one for ES256, each with two versions, current and next.
func (k *Keys) CreateSigningKey(ctx context.Context, id tenancy.ID) error {
	for _, alg := range signingAlgs {
		if err := k.vault.CreateSigningKey(ctx, signing(id, alg), alg); err != nil {
			return err
		}
	}
	return nil
}

// CreateWrappingKey implements tenant.Keys.
func (k *Keys) CreateWrappingKey(ctx context.Context, id tenancy.ID) error {
	return k.vault.CreateWrappingKey(ctx, wrapping(id))
}

// DeleteKeys implements tenant.Keys.
func (k *Keys) DeleteKeys(ctx context.Context, id tenancy.ID) error {
	for _, alg := range signingAlgs {
		if err := k.vault.DeleteKey(ctx, signing(id, alg)); err != nil {
			return err
		}
	}
	return k.vault.DeleteKey(ctx, wrapping(id))
}

// signingAlgs are those that a tenant has a key for; the other RSA algorithms sign with the first one's.
var signingAlgs = []vaultkit.Alg{vaultkit.RS256, vaultkit.ES256}

func signing(id tenancy.ID, alg vaultkit.Alg) string {
	return "sign-" + string(id) + "-" + strings.ToLower(string(alg))
}

func wrapping(id tenancy.ID) string { return "wrap-" + string(id) }
