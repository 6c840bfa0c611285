package tenant

import (
	"crypto/sha256"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// OperationID names an operation: "sgn_" (a sign-up) or "opr_" and a ULID.
type OperationID string

// Kind says what an operation does.
type Kind string

// The kinds of operations.
const (
	KindSignUp       Kind = "sign_up"       // makes an account and its first tenant
	KindCreateTenant Kind = "create_tenant" // makes another tenant of an account
	KindDeleteTenant Kind = "delete_tenant"
)

// Status is where an operation is.
type Status string

// The statuses of an operation.
const (
	StatusPending      Status = "pending" // kept, and not begun yet: the engine of long work may be away
	StatusProvisioning Status = "provisioning"
	StatusReady        Status = "ready"
	StatusFailed       Status = "failed" // and everything it had made is gone again
)

// Operation is long work on one tenant, and how far it is.
type Operation struct {
	ID      OperationID
	Kind    Kind
	Status  Status
	Account AccountID
	Slug    Slug
	Tenant  tenancy.ID
	Region  Region
	Error   string // once failed: a sentence safe to show
	Created time.Time
	Started time.Time // zero until begun
	Ended   time.Time // zero until ready or failed
	Steps   []Step    // in the order they are taken
	// TokenHash is of the token that asked; it alone opens what the operation hands over.
	TokenHash [sha256.Size]byte
	// BoxKey is the public key (see box.go) that the hand-over is sealed to.
	BoxKey []byte
	// Traceparent is the trace of the request that asked (W3C Trace Context), which the work continues; empty when nobody traces.
	Traceparent string
}

// StepName names a step of an operation.
type StepName string

// The steps of ProvisionTenant, in order.
const (
	StepChooseCell    StepName = "choose_cell"
	StepCreateKeys    StepName = "create_keys"
	StepSeedTenant    StepName = "seed_tenant"
	StepOpenHostnames StepName = "open_hostnames"
	StepAwaitRouters  StepName = "await_routers"
	StepMarkReady     StepName = "mark_ready"
	StepWelcome       StepName = "welcome"
)

// The steps of DeleteTenant, in order.
const (
	StepCloseHostnames StepName = "close_hostnames"
	StepRemoveData     StepName = "remove_data"
	StepDeleteKeys     StepName = "delete_keys"
	StepMarkDeleted    StepName = "mark_deleted"
)

// StepsOf gives the names of the steps of a kind of operation, in order.
func StepsOf(k Kind) []StepName {
	switch k {
	case KindSignUp, KindCreateTenant:
		return []StepName{StepChooseCell, StepCreateKeys, StepSeedTenant, StepOpenHostnames, StepAwaitRouters, StepMarkReady, StepWelcome}
	case KindDeleteTenant:
		return []StepName{StepCloseHostnames, StepRemoveData, StepDeleteKeys, StepMarkDeleted}
	}
	return nil
}

// StepState is where a step is.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
)

// Step is one step of an operation.
type Step struct {
	Name    StepName
	State   StepState
	Started time.Time // zero while pending
	Ended   time.Time // zero until done or failed
}

// StepChange is news of a step.
type StepChange struct {
	Name  StepName
	State StepState
}
