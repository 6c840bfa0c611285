package workflow

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Provision is the input of ProvisionTenant.
type Provision struct {
	Subject Subject
	// Hostname is the canonical host, for the certificates.
	Hostname           string
	ManagementAudience string
	// BoxKey is the public key that the management secret is sealed to.
	BoxKey []byte
}

// ProvisionTenant makes a tenant that was kept as provisioning, and opens it. Its ID is the tenant's, so that a repeat is the same
// work. When a step fails for good, all that was made is removed again and the operation ends as failed.
func ProvisionTenant(ctx workflow.Context, in Provision) error {
	if err := local(ctx, "Begin", in.Subject.Operation); err != nil {
		if isConflict(err) {
			return nil // over already: an earlier run did all there was to do
		}
		return err
	}
	p := provisioning{Provision: in}
	if err := p.forward(ctx); err != nil {
		workflow.GetLogger(ctx).Warn("provisioning failed, undoing it", "cause", err.Error())
		free, cancel := workflow.NewDisconnectedContext(ctx) // a cancelled operation is undone too
		defer cancel()
		return p.undo(free, sentence(err))
	}
	p.welcome(ctx)
	return nil
}

type provisioning struct {
	Provision

	cell string // empty until chosen: nothing was made in any cell then
}

func (p *provisioning) forward(ctx workflow.Context) error {
	var (
		control *Control // nil: a method value here only names the activity
		cell    *Cell
		result  tenant.Result
		opened  uint64
		id      = p.Subject.Operation
	)
	err := run(ctx, id, tenant.StepChooseCell, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onControl(ctx), control.ChooseCell, p.Subject).Get(ctx, &p.cell)
	})
	if err != nil {
		return err
	}
	// RSA keys take long to find, and nothing of the seed needs them: the two go side by side.
	keys, settle := workflow.NewFuture(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		settle.SetError(run(ctx, id, tenant.StepCreateKeys, func(ctx workflow.Context) error {
			in := KeysInput{Tenant: p.Subject.Tenant, Hostname: p.Hostname}
			return workflow.ExecuteActivity(onCell(ctx, p.cell), cell.CreateKeys, in).Get(ctx, nil)
		}))
	})
	err = run(ctx, id, tenant.StepSeedTenant, func(ctx workflow.Context) error {
		in := SeedInput{Operation: id, BoxKey: p.BoxKey, Seed: tenant.Seed{
			Tenant: p.Subject.Tenant, Name: p.Subject.Account, ManagementAudience: p.ManagementAudience,
		}}
		return workflow.ExecuteActivity(onCell(ctx, p.cell), cell.SeedTenant, in).Get(ctx, &result)
	})
	// Both are waited for even when one failed: what still runs would make anew what the undoing removes.
	if keysErr := keys.Get(ctx, nil); err == nil {
		err = keysErr
	}
	if err != nil {
		return err
	}
	err = run(ctx, id, tenant.StepOpenHostnames, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onControl(ctx), control.OpenHostnames, p.Subject).Get(ctx, &opened)
	})
	if err != nil {
		return err
	}
	err = run(ctx, id, tenant.StepAwaitRouters, func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, stepOptions())
		return workflow.ExecuteActivity(ctx, control.AwaitRouters, opened).Get(ctx, nil)
	})
	if err != nil {
		return err
	}
	return run(ctx, id, tenant.StepMarkReady, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onControl(ctx), control.MarkReady, Ready{Operation: id, Result: result}).Get(ctx, nil)
	})
}

// welcome writes to the owner. The tenant is open whether that succeeds or not.
func (p *provisioning) welcome(ctx workflow.Context) {
	err := run(ctx, p.Subject.Operation, tenant.StepWelcome, func(ctx workflow.Context) error {
		var control *Control
		o := shortOptions()
		o.RetryPolicy = &temporal.RetryPolicy{
			InitialInterval: o.RetryPolicy.InitialInterval, BackoffCoefficient: 4, MaximumAttempts: 6, NonRetryableErrorTypes: []string{typeInternal},
		}
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), control.Welcome, p.Subject).Get(ctx, nil)
	})
	if err != nil {
		workflow.GetLogger(ctx).Warn("welcome not sent", "cause", err.Error())
	}
}

// undo removes all that forward may have made, last things first, and frees the account's name and place.
func (p *provisioning) undo(ctx workflow.Context, why string) error {
	var control *Control
	if p.cell != "" {
		err := persist(ctx, func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(onControl(ctx), control.ForgetHostnames, p.Subject).Get(ctx, nil)
		})
		if err != nil {
			return err
		}
		if err := removeFromCell(ctx, p.Subject, p.cell); err != nil {
			return err
		}
	}
	return persist(ctx, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onControl(ctx), control.Fail, Failure{Operation: p.Subject.Operation, Sentence: why}).Get(ctx, nil)
	})
}

// removeFromCell removes the tenant's data, and then the keys that open it.
func removeFromCell(ctx workflow.Context, s Subject, name string) error {
	var cell *Cell
	err := persist(ctx, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onCell(ctx, name), cell.RemoveData, s.Tenant).Get(ctx, nil)
	})
	if err != nil {
		return err
	}
	return persist(ctx, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(onCell(ctx, name), cell.DeleteKeys, s.Tenant).Get(ctx, nil)
	})
}
