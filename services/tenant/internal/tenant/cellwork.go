package tenant

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// CellWork are the steps of operations that a cell takes, for its own tenants. Each may be repeated at any time.
type CellWork struct {
	Settings   SettingsStore
	Keys       Keys
	Neighbours Neighbours
}

// CreateKeys makes the tenant's keys in the vault and its public ones known; hostname is what the certificates are for.
func (w *CellWork) CreateKeys(ctx context.Context, id tenancy.ID, hostname string) error {
	if err := w.Keys.CreateWrappingKey(ctx, id); err != nil {
		return err
	}
	if err := w.Keys.CreateSigningKey(ctx, id); err != nil {
		return err
	}
	return w.Neighbours.PublishKeys(ctx, id, hostname)
}

// SeedTenant gives the tenant its settings and first clients. The management secret leaves sealed to boxKey.
func (w *CellWork) SeedTenant(ctx context.Context, op OperationID, s Seed, boxKey []byte) (Result, error) {
	// The neighbours seal secrets under the wrapping key. Making it here as well lets this step run beside CreateKeys.
	if err := w.Keys.CreateWrappingKey(ctx, s.Tenant); err != nil {
		return Result{}, err
	}
	if err := w.Settings.Create(ctx, s.Tenant, Settings{}); err != nil {
		return Result{}, err
	}
	clientID, secret, err := w.Neighbours.Seed(ctx, s)
	if err != nil {
		return Result{}, err
	}
	sealed, err := SealBox(boxKey, op, secret)
	if err != nil {
		return Result{}, err
	}
	return Result{ManagementClientID: clientID, SealedSecret: sealed}, nil
}

// RemoveData deletes all that the cell's services have of the tenant.
func (w *CellWork) RemoveData(ctx context.Context, id tenancy.ID) error {
	if err := w.Neighbours.RemoveTenant(ctx, id); err != nil {
		return err
	}
	return w.Settings.Remove(ctx, id)
}

// DeleteKeys destroys the tenant's keys. What was sealed under them is unreadable from then on, in backups too.
func (w *CellWork) DeleteKeys(ctx context.Context, id tenancy.ID) error {
	return w.Keys.DeleteKeys(ctx, id)
}
