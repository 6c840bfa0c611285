package remote_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/remote"
)

// settings answers with the flags of one tenant.
type settings map[string]bool

// FindSettings implements tenantapiconnect.SettingsServiceClient.
func (s settings) FindSettings(_ context.Context, req *tenantapi.FindSettingsRequest) (*tenantapi.Settings, error) {
	if req.GetTenantId() != "tnt_a" {
		return nil, fault.NotFound("No such tenant")
	}
	return &tenantapi.Settings{Flags: s}, nil
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags settings
		want  client.Switches
	}{
		"as_they_are": {settings{"enable_dynamic_client_registration": true, "enable_client_connections": false}, client.Switches{Registration: true}},
		"the_others":  {settings{"enable_dynamic_client_registration": false, "enable_client_connections": true}, client.Switches{Connect: true}},
		"legacy":      {settings{"allow_legacy_ro_grant_types": true, "allow_legacy_delegation_grant_types": true}, client.Switches{Connect: true, LegacyRO: true, LegacyDelegation: true}},
		"not_said":    {nil, client.Switches{Connect: true}},
	} {
		got, err := remote.Switches{Settings: c.flags}.FindSwitches(t.Context(), "tnt_a")
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
	}
	_, err := remote.Switches{Settings: settings{}}.FindSwitches(t.Context(), "tnt_b")
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
}
