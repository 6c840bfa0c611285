package tenant

import (
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// State is where a tenant is in its life.
type State string

// The states of a tenant.
const (
	StateProvisioning State = "provisioning"
	StateActive       State = "active"
	StateSuspended    State = "suspended"
	StateDeleted      State = "deleted"
	StateFailed       State = "failed" // was never open; its place is free again
)

// Tenant is an isolated customer space of an account in a region. Its data lives wholly in one cell.
type Tenant struct {
	ID                 tenancy.ID
	Account            AccountID
	Slug               Slug // the account's
	Region             Region
	Cell               string // empty until one is chosen
	State              State
	ManagementClientID string // empty until it is seeded
	Created            time.Time
	// Steps are those of its newest operation; only where one tenant is asked for.
	Steps []Step
}
