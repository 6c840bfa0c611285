package workflow

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// internalTries is how often a step is tried that fails for no reason we know. One that fails because something is away is tried for
// ever, and one that is refused is not tried again.
const internalTries = 6

// forever outlasts any outage.
const forever = 10 * 365 * 24 * time.Hour

const (
	typeInternal = "fault.internal"
	typePanic    = "PanicError"
	typeConflict = "fault.conflict"
)

// stepOptions: a step whose process was killed is begun anew when its heartbeat is missed.
func stepOptions() workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    5 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{
			InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second,
			NonRetryableErrorTypes: []string{typeInternal, typePanic},
		},
	}
}

// shortOptions: a step of one statement or message needs no heartbeat; one that is not back soon is begun anew.
func shortOptions() workflow.ActivityOptions {
	o := stepOptions()
	o.StartToCloseTimeout, o.HeartbeatTimeout = 8*time.Second, 0
	return o
}

func onControl(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, shortOptions())
}

func onCell(ctx workflow.Context, cell string) workflow.Context {
	o := stepOptions()
	o.TaskQueue = CellQueue(cell)
	return workflow.WithActivityOptions(ctx, o)
}

// record keeps news of steps in the control plane's store, where whoever waits can see them. It runs inside the workflow task: a
// round trip to the engine for each line would cost more than the steps.
func record(ctx workflow.Context, id tenant.OperationID, changes ...tenant.StepChange) error {
	return local(ctx, "Record", News{Operation: id, Changes: changes})
}

func local(ctx workflow.Context, activity string, in any) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    8 * time.Second,
		ScheduleToCloseTimeout: forever, // would be StartToCloseTimeout: the store may be away for longer
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	})
	return workflow.ExecuteLocalActivity(ctx, activity, in).Get(ctx, nil)
}

// run takes one step: it is recorded as running, then as done or failed.
func run(ctx workflow.Context, id tenant.OperationID, name tenant.StepName, take func(workflow.Context) error) error {
	if err := record(ctx, id, tenant.StepChange{Name: name, State: tenant.StepRunning}); err != nil {
		return err
	}
	err := take(ctx)
	for tries := 1; tries < internalTries && isUnknown(err); tries++ {
		if sleepErr := workflow.Sleep(ctx, time.Duration(tries)*time.Second); sleepErr != nil {
			return sleepErr
		}
		err = take(ctx)
	}
	if err != nil {
		free, _ := workflow.NewDisconnectedContext(ctx) // also when the operation was cancelled
		if recordErr := record(free, id, tenant.StepChange{Name: name, State: tenant.StepFailed}); recordErr != nil {
			return recordErr
		}
		return &stepError{step: name, cause: err}
	}
	return record(ctx, id, tenant.StepChange{Name: name, State: tenant.StepDone})
}

// persist takes a step that must not fail, however often that takes: what it undoes or removes may not stay half there.
func persist(ctx workflow.Context, take func(workflow.Context) error) error {
	for wait := time.Second; ; wait = min(2*wait, time.Hour) {
		err := take(ctx)
		if err == nil || temporal.IsCanceledError(err) {
			return err
		}
		workflow.GetLogger(ctx).Warn("step that must not fail failed", "cause", err.Error())
		if err := workflow.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func isUnknown(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && (app.Type() == typeInternal || app.Type() == typePanic)
}

func isConflict(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == typeConflict
}

// stepError says which step failed for good.
type stepError struct {
	step  tenant.StepName
	cause error
}

// Error implements error.
func (e *stepError) Error() string { return fmt.Sprintf("step %s: %v", e.step, e.cause) }

// Unwrap implements errors.Unwrap.
func (e *stepError) Unwrap() error { return e.cause }

// sentence is what the asker is told of a failure: the step and what its fault says, never a cause.
func sentence(err error) string {
	if temporal.IsCanceledError(err) {
		return "The operation was cancelled"
	}
	message := fault.Of(temporalkit.Error(err, nil)).Message
	if failed, ok := errors.AsType[*stepError](err); ok {
		return fmt.Sprintf("The step %s failed: %s", failed.step, message)
	}
	return message
}
