package workflow

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Starter implements tenant.Workflows.
type Starter struct {
	Client client.Client
	Map    tenant.Map
}

// Start implements tenant.Workflows. The workflow's ID is the tenant's: a second start finds the first. One that ended while the
// operation stayed open (an operator terminated it, or its history was lost) is run again.
func (s *Starter) Start(ctx context.Context, op tenant.Operation) error {
	ctx = telemetry.Continue(ctx, op.Traceparent)
	subject := Subject{Operation: op.ID, Tenant: op.Tenant, Account: op.Slug, Region: op.Region}
	options := client.StartWorkflowOptions{
		ID:                       string(op.Tenant),
		TaskQueue:                ControlQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}
	var err error
	switch op.Kind {
	case tenant.KindSignUp, tenant.KindCreateTenant:
		_, err = s.Client.ExecuteWorkflow(ctx, options, ProvisionTenant, Provision{
			Subject: subject, Hostname: s.Map.Hostnames(op.Slug, op.Region)[0].Host,
			ManagementAudience: s.Map.ManagementAudience(op.Slug, op.Region), BoxKey: op.BoxKey,
		})
	case tenant.KindDeleteTenant:
		options.ID = "delete-" + options.ID
		_, err = s.Client.ExecuteWorkflow(ctx, options, DeleteTenant, subject)
	default:
		return fault.Internal(fmt.Errorf("no workflow for operations of kind %q", op.Kind))
	}
	return temporalkit.Error(err, nil)
}
