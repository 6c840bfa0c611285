// Package remote is how this service asks its neighbours: it turns their wire types into the domain's. It decides nothing.
package remote

import (
	"context"
	"fmt"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// Switches asks the tenant service. Nothing is kept: clients are made rarely, and what a tenant switched off is off at once.
type Switches struct {
	Settings tenantapiconnect.SettingsServiceClient
}

var _ client.Switchboard = Switches{}

// FindSwitches implements client.Switchboard.
func (s Switches) FindSwitches(ctx context.Context, tenant tenancy.ID) (client.Switches, error) {
	res, err := s.Settings.FindSettings(ctx, &tenantapi.FindSettingsRequest{TenantId: string(tenant)})
	if err != nil {
		return client.Switches{}, fmt.Errorf("reading the tenant's settings: %w", err)
	}
	flags := res.GetFlags()
	connect, said := flags["enable_client_connections"]
	return client.Switches{
		Registration: flags["enable_dynamic_client_registration"], Connect: connect || !said,
		LegacyRO: flags["allow_legacy_ro_grant_types"], LegacyDelegation: flags["allow_legacy_delegation_grant_types"],
	}, nil
}
