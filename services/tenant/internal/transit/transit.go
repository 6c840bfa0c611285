// Package transit makes tenants' keys in the cell's Vault. It never signs and never sees a key.
package transit

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
)

// Keys implements tenant.Keys.
type Keys struct{ vault *vaultkit.Client }

// New makes the adapter.
func New(vault *vaultkit.Client) *Keys { return &Keys{vault} }

// CreateSigningKey implements tenant.Keys: two versions, current and next.
func (k *Keys) CreateSigningKey(ctx context.Context, id tenancy.ID) error {
	return k.vault.CreateSigningKey(ctx, signing(id), vaultkit.RS256)
}

// CreateWrappingKey implements tenant.Keys.
func (k *Keys) CreateWrappingKey(ctx context.Context, id tenancy.ID) error {
	return k.vault.CreateWrappingKey(ctx, wrapping(id))
}

// DeleteKeys implements tenant.Keys.
func (k *Keys) DeleteKeys(ctx context.Context, id tenancy.ID) error {
	if err := k.vault.DeleteKey(ctx, signing(id)); err != nil {
		return err
	}
	return k.vault.DeleteKey(ctx, wrapping(id))
}

func signing(id tenancy.ID) string { return "sign-" + string(id) + "-rs256" }

func wrapping(id tenancy.ID) string { return "wrap-" + string(id) }
