package workflow

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Control are the control plane's activities.
type Control struct{ Work *tenant.Work }

// Subject says which tenant an activity is about.
type Subject struct {
	Operation tenant.OperationID
	Tenant    tenancy.ID
	Account   tenant.Slug
	Region    tenant.Region
}

// Ready is the input of MarkReady.
type Ready struct {
	Operation tenant.OperationID
	Result    tenant.Result // its secret is sealed to the asker
}

// News is the input of Record.
type News struct {
	Operation tenant.OperationID
	Changes   []tenant.StepChange
}

// Failure is the input of Fail.
type Failure struct {
	Operation tenant.OperationID
	Sentence  string
}

// Begin marks the operation as begun; fault.conflict when it is over.
func (c *Control) Begin(ctx context.Context, id tenant.OperationID) error {
	return temporalkit.ActivityError(c.Work.Begin(ctx, id))
}

// Record keeps news of steps.
func (c *Control) Record(ctx context.Context, n News) error {
	return temporalkit.ActivityError(c.Work.Record(ctx, n.Operation, n.Changes))
}

// ChooseCell gives the cell the tenant lives in.
func (c *Control) ChooseCell(ctx context.Context, s Subject) (string, error) {
	cell, err := c.Work.ChooseCell(ctx, s.Tenant, s.Region)
	return cell, temporalkit.ActivityError(err)
}

// OpenHostnames publishes where the tenant answers and gives the directory's revision.
func (c *Control) OpenHostnames(ctx context.Context, s Subject) (uint64, error) {
	revision, err := c.Work.OpenHostnames(ctx, s.Tenant, s.Account, s.Region)
	return revision, temporalkit.ActivityError(err)
}

// awaitLong is how long one attempt of AwaitRouters watches; the next goes on from there.
const awaitLong = 20 * time.Second

// AwaitRouters waits until the routers have applied the revision.
func (c *Control) AwaitRouters(ctx context.Context, revision uint64) error {
	defer beat(ctx)()
	bounded, cancel := context.WithTimeout(ctx, awaitLong)
	defer cancel()
	go func() { // a process that is to stop has nothing to wait for: the next one watches on
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			cancel()
		case <-bounded.Done():
		}
	}()
	return temporalkit.ActivityError(c.Work.AwaitRouters(bounded, revision))
}

// MarkReady opens the tenant.
func (c *Control) MarkReady(ctx context.Context, r Ready) error {
	return temporalkit.ActivityError(c.Work.MarkReady(ctx, r.Operation, r.Result))
}

// Welcome writes to the owner.
func (c *Control) Welcome(ctx context.Context, s Subject) error {
	return temporalkit.ActivityError(c.Work.Welcome(ctx, s.Tenant, s.Account, s.Region))
}

// CloseHostnames takes the tenant's hosts from the routers.
func (c *Control) CloseHostnames(ctx context.Context, s Subject) error {
	return temporalkit.ActivityError(c.Work.CloseHostnames(ctx, s.Tenant))
}

// ForgetHostnames takes the tenant's hosts from the routers and frees them.
func (c *Control) ForgetHostnames(ctx context.Context, s Subject) error {
	return temporalkit.ActivityError(c.Work.ForgetHostnames(ctx, s.Tenant))
}

// Fail ends the operation as failed.
func (c *Control) Fail(ctx context.Context, f Failure) error {
	return temporalkit.ActivityError(c.Work.Fail(ctx, f.Operation, f.Sentence))
}

// MarkDeleted ends a deletion.
func (c *Control) MarkDeleted(ctx context.Context, s Subject) error {
	return temporalkit.ActivityError(c.Work.MarkDeleted(ctx, s.Operation))
}

// beat tells the engine that the activity lives, until stop is called: one whose process was killed is begun anew within seconds.
func beat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return func() { close(done) }
}
