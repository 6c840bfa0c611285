// Package workflow carries operations out durably: the recipes ProvisionTenant and DeleteTenant, whose every step may be killed and
// repeated, and the activities that call the domain. Recipes run on the control plane's queue, and a cell's steps on the cell's own.
// No secret passes through here in the clear: histories are kept.
package workflow

import (
	"go.temporal.io/sdk/worker"
)

// ControlQueue is where recipes and the control plane's steps run.
const ControlQueue = "control"

// CellQueue is where a cell's steps run.
func CellQueue(cell string) string { return "cell-" + cell }

// RegisterControl gives a worker of ControlQueue its recipes and steps.
func RegisterControl(r worker.Registry, activities *Control) {
	r.RegisterWorkflow(ProvisionTenant)
	r.RegisterWorkflow(DeleteTenant)
	r.RegisterActivity(activities)
}

// RegisterCell gives a worker of a CellQueue its steps.
func RegisterCell(r worker.Registry, activities *Cell) { r.RegisterActivity(activities) }
