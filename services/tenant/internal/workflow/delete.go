package workflow

import (
	"go.temporal.io/sdk/workflow"

	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// DeleteTenant removes a tenant for good: its hosts first, so that nobody comes any more, then its data, then the keys. It does not
// give up. The tenant's name stays claimed.
func DeleteTenant(ctx workflow.Context, s Subject) error {
	if err := local(ctx, "Begin", s.Operation); err != nil {
		if isConflict(err) {
			return nil
		}
		return err
	}
	var (
		control *Control
		cell    *Cell
		home    string
	)
	// The cell was chosen when the tenant was made; asking again only reads it.
	err := persist(ctx, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onControl(ctx), control.ChooseCell, s).Get(ctx, &home)
	})
	if err != nil {
		return err
	}
	steps := []struct {
		name tenant.StepName
		take func(workflow.Context) error
	}{
		{tenant.StepCloseHostnames, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(onControl(ctx), control.CloseHostnames, s).Get(ctx, nil)
		}},
		{tenant.StepRemoveData, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(onCell(ctx, home), cell.RemoveData, s.Tenant).Get(ctx, nil)
		}},
		{tenant.StepDeleteKeys, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(onCell(ctx, home), cell.DeleteKeys, s.Tenant).Get(ctx, nil)
		}},
		{tenant.StepMarkDeleted, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(onControl(ctx), control.MarkDeleted, s).Get(ctx, nil)
		}},
	}
	for _, step := range steps {
		err := run(ctx, s.Operation, step.name, func(ctx workflow.Context) error { return persist(ctx, step.take) })
		if err != nil {
			return err
		}
	}
	return nil
}
