package client

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// Switches are what a tenant has switched on or off for all its clients.
type Switches struct {
	Registration bool // anyone may register a client (enable_dynamic_client_registration)
	Connect      bool // a new first-party client gets every connection (enable_client_connections)
	// LegacyRO and LegacyDelegation let clients have grant types of the endpoints of old (allow_legacy_ro_grant_types,
	// allow_legacy_delegation_grant_types).
	LegacyRO, LegacyDelegation bool
}

// defaultSwitches are those of a tenant that has set none.
var defaultSwitches = Switches{Connect: true}

// Switchboard tells how a tenant's switches stand now.
type Switchboard interface {
	FindSwitches(ctx context.Context, tenant tenancy.ID) (Switches, error)
}

// unset is the Switchboard of tenants that never set a switch.
type unset struct{}

// FindSwitches implements Switchboard.
func (unset) FindSwitches(context.Context, tenancy.ID) (Switches, error) { return defaultSwitches, nil }
