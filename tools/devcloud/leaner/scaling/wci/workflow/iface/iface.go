// Package iface has the words in which Temporal speaks of workers that it would start in a cloud.
package iface

import (
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
)

type (
	// ComputeProviderType would name a cloud.
	ComputeProviderType string
	// ScalingAlgorithmType would name a way to decide how many.
	ScalingAlgorithmType string
	// ValidationResult is how a look at a specification ended.
	ValidationResult string

	// ComputeProviderSpec would say where workers run.
	ComputeProviderSpec struct {
		ProviderType  ComputeProviderType
		Config        *common.Payload
		NexusEndpoint string
	}
	// ScalingAlgorithmSpec would say how many.
	ScalingAlgorithmSpec struct {
		ScalingAlgorithm ScalingAlgorithmType
		Config           *common.Payload
	}
	// ScalingGroupSpec would be both, for some kinds of task.
	ScalingGroupSpec struct {
		TaskTypes []enums.TaskQueueType
		Compute   ComputeProviderSpec
		Scaling   *ScalingAlgorithmSpec
	}
	// ScalingGroupSpecUpdate would change one.
	ScalingGroupSpecUpdate struct {
		Spec       ScalingGroupSpec
		UpdateMask []string
	}
	// WorkerControllerInstanceSpec would be all of a deployment's.
	WorkerControllerInstanceSpec struct {
		ScalingGroupSpecs map[string]ScalingGroupSpec
	}
	// QueryDescribeWorkerControllerInstanceResponse would describe them.
	QueryDescribeWorkerControllerInstanceResponse struct {
		Spec             *WorkerControllerInstanceSpec
		ValidationStatus *ValidationStatus
	}
	// UpdateWorkerControllerInstanceResponse would say what became of a change.
	UpdateWorkerControllerInstanceResponse struct {
		Spec *WorkerControllerInstanceSpec
	}
	// ValidationStatus would say whether they can work.
	ValidationStatus struct {
		Status             ValidationResult
		ErrMessage         string
		LastValidationTime time.Time
	}
)

// ValidationResultFailed is the only result that is looked for.
const ValidationResultFailed ValidationResult = "failed"
