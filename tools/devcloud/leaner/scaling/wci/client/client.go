// Package client stands in for the asking after workers that Temporal would start in a cloud: there are none.
package client

import (
	"context"

	"go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/auto-scaled-workers/wci/workflow/iface"
	"go.temporal.io/server/common/namespace"
	"go.uber.org/fx"
)

// Client is asked by worker deployments.
type Client interface {
	// DescribeWorkerControllerInstance finds nothing: serviceerror.NotFound, which a deployment takes for "starts its own workers".
	DescribeWorkerControllerInstance(ctx context.Context, ns *namespace.Namespace, version *deployment.WorkerDeploymentVersion) (
		*iface.QueryDescribeWorkerControllerInstanceResponse, []byte, error)
	// ValidateWorkerControllerInstanceSpec and UpdateWorkerControllerInstance refuse: serviceerror.InvalidArgument, which is final.
	ValidateWorkerControllerInstanceSpec(ctx context.Context, ns *namespace.Namespace, version *deployment.WorkerDeploymentVersion,
		identity string, upsert map[string]iface.ScalingGroupSpecUpdate, remove []string) error
	UpdateWorkerControllerInstance(ctx context.Context, ns *namespace.Namespace, version *deployment.WorkerDeploymentVersion,
		conflictToken []byte, identity string, upsert map[string]iface.ScalingGroupSpecUpdate, remove []string,
	) (*iface.UpdateWorkerControllerInstanceResponse, error)
	// DeleteWorkerControllerInstance does nothing: what is to be gone is not there.
	DeleteWorkerControllerInstance(ctx context.Context, ns *namespace.Namespace, version *deployment.WorkerDeploymentVersion, identity string) error
}

// Module provides a Client.
var Module = fx.Options(fx.Provide(func() Client { return none{} }))

type none struct{}

const refusal = "a dev cloud starts no workers in a cloud"

func (none) DescribeWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion) (
	*iface.QueryDescribeWorkerControllerInstanceResponse, []byte, error,
) {
	return nil, nil, serviceerror.NewNotFound(refusal)
}

func (none) ValidateWorkerControllerInstanceSpec(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion,
	string, map[string]iface.ScalingGroupSpecUpdate, []string,
) error {
	return serviceerror.NewInvalidArgument(refusal)
}

func (none) UpdateWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion,
	[]byte, string, map[string]iface.ScalingGroupSpecUpdate, []string,
) (*iface.UpdateWorkerControllerInstanceResponse, error) {
	return nil, serviceerror.NewInvalidArgument(refusal)
}

func (none) DeleteWorkerControllerInstance(context.Context, *namespace.Namespace, *deployment.WorkerDeploymentVersion, string) error {
	return nil
}
