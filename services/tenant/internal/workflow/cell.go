package workflow

import (
	"context"

	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Cell are a cell's activities.
type Cell struct{ Work *tenant.CellWork }

// KeysInput is the input of CreateKeys.
type KeysInput struct {
	Tenant   tenancy.ID
	Hostname string
}

// SeedInput is the input of SeedTenant.
type SeedInput struct {
	Operation tenant.OperationID
	Seed      tenant.Seed
	BoxKey    []byte // public: the secret leaves sealed to it
}

// CreateKeys makes the tenant's keys.
func (c *Cell) CreateKeys(ctx context.Context, in KeysInput) error {
	defer beat(ctx)()
	return temporalkit.ActivityError(c.Work.CreateKeys(ctx, in.Tenant, in.Hostname))
}

// SeedTenant gives the tenant its first content.
func (c *Cell) SeedTenant(ctx context.Context, in SeedInput) (tenant.Result, error) {
	defer beat(ctx)()
	result, err := c.Work.SeedTenant(ctx, in.Operation, in.Seed, in.BoxKey)
	return result, temporalkit.ActivityError(err)
}

// RemoveData deletes all that the cell's services have of the tenant.
func (c *Cell) RemoveData(ctx context.Context, id tenancy.ID) error {
	defer beat(ctx)()
	return temporalkit.ActivityError(c.Work.RemoveData(ctx, id))
}

// DeleteKeys destroys the tenant's keys.
func (c *Cell) DeleteKeys(ctx context.Context, id tenancy.ID) error {
	defer beat(ctx)()
	return temporalkit.ActivityError(c.Work.DeleteKeys(ctx, id))
}
