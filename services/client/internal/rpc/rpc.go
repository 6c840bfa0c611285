// Package rpc answers the neighbours in the cell (libs/api/client): client configuration by tenant, secrets in the clear, and what a
// new tenant starts with. It is never reachable from outside.
package rpc

import (
	"context"
	"log/slog"
	"net/http"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// New gives the handler of ClientService.
func New(clients *client.Service, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(clientapiconnect.NewClientServiceHandler(server{clients}, rpckit.ServerOption(log)))
	return mux
}

type server struct{ clients *client.Service }

var errNoTenant = fault.Invalid("", "tenant_id is missing")

func tenantOf(id string) (tenancy.ID, error) {
	if id == "" {
		return "", errNoTenant
	}
	return tenancy.ID(id), nil
}

// FindClient implements clientapiconnect.ClientServiceHandler.
func (s server) FindClient(ctx context.Context, req *clientapi.FindClientRequest) (*clientapi.Client, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	c, err := s.clients.FindClientNamed(ctx, tenant, req.GetClientId())
	if err != nil {
		return nil, err
	}
	return toClient(c), nil
}

// FindResourceServer implements clientapiconnect.ClientServiceHandler.
func (s server) FindResourceServer(ctx context.Context, req *clientapi.FindResourceServerRequest) (*clientapi.ResourceServer, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	r, err := s.clients.FindResourceServer(ctx, tenant, req.GetIdentifier())
	if err != nil {
		return nil, err
	}
	if r.Identifier != req.GetIdentifier() { // an id is no audience
		return nil, client.ErrNoResourceServer
	}
	return toResourceServer(r), nil
}

// FindClientGrant implements clientapiconnect.ClientServiceHandler.
func (s server) FindClientGrant(ctx context.Context, req *clientapi.FindClientGrantRequest) (*clientapi.ClientGrant, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	subject := req.GetSubjectType()
	if subject == "" {
		subject = client.SubjectClient
	}
	g, err := s.clients.FindUsableGrant(ctx, tenant, client.ID(req.GetClientId()), req.GetAudience(), subject)
	if err != nil {
		return nil, err
	}
	return &clientapi.ClientGrant{
		Id: g.ID, ClientId: string(g.ClientID), Audience: g.Audience, Scope: g.Scope, SubjectType: g.SubjectType,
		OrganizationUsage: g.Settings.Text("organization_usage"),
	}, nil
}

// ListConnections implements clientapiconnect.ClientServiceHandler.
func (s server) ListConnections(ctx context.Context, req *clientapi.ListConnectionsRequest) (*clientapi.ListConnectionsResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	list, err := s.clients.ListEnabled(ctx, tenant, client.ID(req.GetClientId()))
	if err != nil {
		return nil, err
	}
	out := &clientapi.ListConnectionsResponse{}
	for _, c := range list {
		con, err := toConnection(c)
		if err != nil {
			return nil, err
		}
		out.Connections = append(out.Connections, con)
	}
	return out, nil
}

// FindConnection implements clientapiconnect.ClientServiceHandler.
func (s server) FindConnection(ctx context.Context, req *clientapi.FindConnectionRequest) (*clientapi.Connection, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	find, what := s.clients.FindConnectionNamed, req.GetName()
	if req.GetId() != "" {
		find, what = s.clients.FindConnection, req.GetId()
	}
	c, err := find(ctx, tenant, what)
	if err != nil {
		return nil, err
	}
	return toConnection(c)
}

// ListMobileApps implements clientapiconnect.ClientServiceHandler.
func (s server) ListMobileApps(ctx context.Context, req *clientapi.ListMobileAppsRequest) (*clientapi.ListMobileAppsResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	list, err := s.clients.ListMobileApps(ctx, tenant)
	if err != nil {
		return nil, err
	}
	out := &clientapi.ListMobileAppsResponse{}
	for _, app := range list {
		out.Apps = append(out.Apps, &clientapi.MobileApp{
			AndroidPackage: app.Package, AndroidSha256Fingerprints: app.Fingerprints, IosTeamId: app.Team, IosBundleIdentifier: app.Bundle,
		})
	}
	return out, nil
}

// SeedTenant implements clientapiconnect.ClientServiceHandler.
func (s server) SeedTenant(ctx context.Context, req *clientapi.SeedTenantRequest) (*clientapi.SeedTenantResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	if req.GetManagementAudience() == "" {
		return nil, fault.Invalid("", "management_audience is missing")
	}
	ctx = tenancy.With(ctx, tenancy.Tenant{ID: tenant, Name: req.GetTenantName()})
	kept, secret, err := s.clients.SeedTenant(ctx, tenant, req.GetManagementAudience())
	if err != nil {
		return nil, err
	}
	return &clientapi.SeedTenantResponse{
		ManagementClientId: string(kept.Management), ManagementClientSecret: string(secret), DefaultClientId: string(kept.Default),
	}, nil
}

// RemoveTenant implements clientapiconnect.ClientServiceHandler.
func (s server) RemoveTenant(ctx context.Context, req *clientapi.RemoveTenantRequest) (*clientapi.RemoveTenantResponse, error) {
	tenant, err := tenantOf(req.GetTenantId())
	if err != nil {
		return nil, err
	}
	if err := s.clients.RemoveTenant(ctx, tenant); err != nil {
		return nil, err
	}
	return &clientapi.RemoveTenantResponse{}, nil
}
