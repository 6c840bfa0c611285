// Package remote is how this service calls its neighbours: it turns their wire types into the domain's, and remembers what tenants
// have set up. It decides nothing.
package remote

import (
	"context"
	"strings"
	"time"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/cache"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	// fresh is how long an answer is believed when no change is heard of; changes are heard of within a second.
	fresh = time.Minute
	// remembered bounds each kind of answer.
	remembered = 100_000
)

// Configuration is the domain's view of what tenants set up, kept in memory.
type Configuration struct {
	clients         *cache.Cache[*token.Client]
	selfNamed       *cache.Cache[*token.Client] // by the URL that they call themselves by
	resourceServers *cache.Cache[*token.ResourceServer]
	grants          *cache.Cache[*token.ClientGrant]
	connections     *cache.Cache[[]token.Connection]
	settings        *cache.Cache[*token.Settings]
	apps            *cache.Cache[[]token.MobileApp]
}

var _ token.Configuration = (*Configuration)(nil)

// NewConfiguration makes one over the two neighbours that know.
func NewConfiguration(clients clientapiconnect.ClientServiceClient, settings tenantapiconnect.SettingsServiceClient, now clock.Now) *Configuration {
	cfg := cache.Config{TTL: fresh, Max: remembered, Now: now}
	findClient := func(ctx context.Context, tenant tenancy.ID, id string) (*token.Client, error) {
		res, err := clients.FindClient(ctx, &clientapi.FindClientRequest{TenantId: string(tenant), ClientId: id})
		if err != nil {
			return nil, err
		}
		return clientOf(res)
	}
	return &Configuration{
		clients: cache.New(cfg, findClient), selfNamed: cache.New(cfg, findClient),
		resourceServers: cache.New(cfg, func(ctx context.Context, tenant tenancy.ID, id string) (*token.ResourceServer, error) {
			res, err := clients.FindResourceServer(ctx, &clientapi.FindResourceServerRequest{TenantId: string(tenant), Identifier: id})
			if err != nil {
				return nil, err
			}
			return resourceServerOf(res), nil
		}),
		grants: cache.New(cfg, func(ctx context.Context, tenant tenancy.ID, id string) (*token.ClientGrant, error) {
			subject, rest, _ := strings.Cut(id, "\x00")
			client, audience, _ := strings.Cut(rest, "\x00")
			res, err := clients.FindClientGrant(ctx, &clientapi.FindClientGrantRequest{
				TenantId: string(tenant), ClientId: client, Audience: audience, SubjectType: subject,
			})
			if err != nil {
				return nil, err
			}
			return &token.ClientGrant{
				ClientID: client, Audience: res.GetAudience(), Scope: res.GetScope(), OrganizationUsage: res.GetOrganizationUsage(),
			}, nil
		}),
		connections: cache.New(cfg, func(ctx context.Context, tenant tenancy.ID, id string) ([]token.Connection, error) {
			res, err := clients.ListConnections(ctx, &clientapi.ListConnectionsRequest{TenantId: string(tenant), ClientId: id})
			if err != nil {
				return nil, err
			}
			return connectionsOf(res), nil
		}),
		settings: cache.New(cfg, func(ctx context.Context, tenant tenancy.ID, _ string) (*token.Settings, error) {
			res, err := settings.FindSettings(ctx, &tenantapi.FindSettingsRequest{TenantId: string(tenant)})
			if err != nil {
				return nil, err
			}
			return settingsOf(res), nil
		}),
		apps: cache.New(cfg, func(ctx context.Context, tenant tenancy.ID, _ string) ([]token.MobileApp, error) {
			res, err := clients.ListMobileApps(ctx, &clientapi.ListMobileAppsRequest{TenantId: string(tenant)})
			if err != nil {
				return nil, err
			}
			return appsOf(res), nil
		}),
	}
}

// maxName is longer than any id or identifier there is. What is longer is not asked for, and above all not remembered: "no such thing"
// is, and strangers choose the names.
const maxName = 1 << 10

func tooLong(name string) error {
	if len(name) > maxName {
		return fault.NotFound("There is no such thing")
	}
	return nil
}

// FindClient implements token.Configuration.
func (c *Configuration) FindClient(ctx context.Context, tenant tenancy.ID, id string) (*token.Client, error) {
	if err := tooLong(id); err != nil {
		return nil, err
	}
	if strings.HasPrefix(id, "https://") {
		return c.selfNamed.Get(ctx, tenant, id)
	}
	return c.clients.Get(ctx, tenant, id)
}

// FindResourceServer implements token.Configuration.
func (c *Configuration) FindResourceServer(ctx context.Context, tenant tenancy.ID, identifier string) (*token.ResourceServer, error) {
	if err := tooLong(identifier); err != nil {
		return nil, err
	}
	return c.resourceServers.Get(ctx, tenant, identifier)
}

// FindClientGrant implements token.Configuration.
func (c *Configuration) FindClientGrant(ctx context.Context, tenant tenancy.ID, clientID, audience string, subject token.SubjectType) (*token.ClientGrant, error) {
	return c.grants.Get(ctx, tenant, string(subject)+"\x00"+clientID+"\x00"+audience)
}

// ListConnections implements token.Configuration.
func (c *Configuration) ListConnections(ctx context.Context, tenant tenancy.ID, clientID string) ([]token.Connection, error) {
	return c.connections.Get(ctx, tenant, clientID)
}

// FindSettings implements token.Configuration.
func (c *Configuration) FindSettings(ctx context.Context, tenant tenancy.ID) (*token.Settings, error) {
	return c.settings.Get(ctx, tenant, "")
}

// ListMobileApps implements token.Configuration.
func (c *Configuration) ListMobileApps(ctx context.Context, tenant tenancy.ID) ([]token.MobileApp, error) {
	return c.apps.Get(ctx, tenant, "")
}

// Changed drops what an event about a thing of a tenant makes doubtful. A kind it does not know drops all the tenant has.
func (c *Configuration) Changed(tenant tenancy.ID, kind, id string) {
	switch kind {
	case "client":
		c.clients.Forget(tenant, id)
		c.selfNamed.ForgetTenant(tenant)   // the event has its id, and here it goes by a URL
		c.connections.ForgetTenant(tenant) // a new client may be switched on for connections
		c.grants.ForgetTenant(tenant)      // a deleted one takes its grants along
		c.apps.ForgetTenant(tenant)
	case "resource_server":
		c.resourceServers.ForgetTenant(tenant) // the event has its id, and we know it by its identifier
		c.grants.ForgetTenant(tenant)
	case "client_grant":
		c.grants.ForgetTenant(tenant)
	case "connection":
		c.connections.ForgetTenant(tenant)
	case "scim_configuration", "scim_token": // nothing of it is kept here
	case "settings":
		c.settings.ForgetTenant(tenant)
	default:
		c.clients.ForgetTenant(tenant)
		c.selfNamed.ForgetTenant(tenant)
		c.resourceServers.ForgetTenant(tenant)
		c.grants.ForgetTenant(tenant)
		c.connections.ForgetTenant(tenant)
		c.settings.ForgetTenant(tenant)
		c.apps.ForgetTenant(tenant)
	}
}

// Missed makes everything old: changes may have gone by unheard.
func (c *Configuration) Missed() {
	c.clients.Expire()
	c.selfNamed.Expire()
	c.resourceServers.Expire()
	c.grants.Expire()
	c.connections.Expire()
	c.settings.Expire()
	c.apps.Expire()
}
