// Package neighbour speaks to the other services of the cell when a tenant is made or removed.
package neighbour

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/api/user"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Cell implements tenant.Neighbours.
type Cell struct {
	Clients clientapiconnect.ClientServiceClient
	Users   userapiconnect.UserServiceClient
	Tokens  tokenapiconnect.TokenServiceClient
}

// Seed implements tenant.Neighbours.
func (c *Cell) Seed(ctx context.Context, s tenant.Seed) (clientID, secret string, err error) {
	res, err := c.Clients.SeedTenant(ctx, &clientapi.SeedTenantRequest{
		TenantId: string(s.Tenant), TenantName: string(s.Name), ManagementAudience: s.ManagementAudience,
	})
	if err != nil {
		return "", "", fmt.Errorf("seeding clients: %w", err)
	}
	return res.GetManagementClientId(), res.GetManagementClientSecret(), nil
}

// PublishKeys implements tenant.Neighbours.
func (c *Cell) PublishKeys(ctx context.Context, id tenancy.ID, hostname string) error {
	if _, err := c.Tokens.PublishKeys(ctx, &tokenapi.PublishKeysRequest{TenantId: string(id), Hostname: hostname}); err != nil {
		return fmt.Errorf("publishing keys: %w", err)
	}
	return nil
}

// RemoveTenant implements tenant.Neighbours: who hands out access first, who holds people last.
func (c *Cell) RemoveTenant(ctx context.Context, id tenancy.ID) error {
	if _, err := c.Tokens.RemoveTenant(ctx, &tokenapi.RemoveTenantRequest{TenantId: string(id)}); err != nil {
		return fmt.Errorf("removing the tenant's sessions and keys: %w", err)
	}
	if _, err := c.Users.RemoveTenant(ctx, &userapi.RemoveTenantRequest{TenantId: string(id)}); err != nil {
		return fmt.Errorf("removing the tenant's users: %w", err)
	}
	if _, err := c.Clients.RemoveTenant(ctx, &clientapi.RemoveTenantRequest{TenantId: string(id)}); err != nil {
		return fmt.Errorf("removing the tenant's clients: %w", err)
	}
	return nil
}
