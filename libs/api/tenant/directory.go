// Package tenantapi is the tenant service's front door: settings and accounts for its neighbours, and the directory as routers read it.
// It holds wire types only.
package tenantapi

import (
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// The key-value buckets of the control account, as infra/nats declares them.
const (
	DirectoryBucket = "directory" // host, a valid key as it is → HostEntry
	RoutersBucket   = "routers"   // router ID → Applied; an entry lives 30 s
)

// HostEntry is what the directory says of one host.
type HostEntry struct {
	Tenant    tenancy.ID `json:"tenant_id"`
	Name      string     `json:"name"` // the account's slug
	Region    string     `json:"region"`
	Cell      string     `json:"cell"`
	Kind      string     `json:"kind"`      // canonical, alias or custom
	State     string     `json:"state"`     // active, suspended, moving or deleted
	Canonical string     `json:"canonical"` // the tenant's canonical host, without port
}

// Applied is what a router says of itself: how far it serves the directory.
type Applied struct {
	Revision uint64    `json:"revision"` // of the directory bucket; all changes up to it are served
	At       time.Time `json:"at"`
}
