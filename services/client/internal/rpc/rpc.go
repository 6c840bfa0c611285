// Package rpc answers the neighbours in the cell (libs/api/client): client configuration by tenant, secrets in the clear, and what a
// new tenant starts with. It is never reachable from outside.
package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"

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
	return &clientapi.ResourceServer{
		Id: r.ID, Name: r.Name, Identifier: r.Identifier, Scopes: r.ScopeValues(), SigningAlg: r.SigningAlg(),
		TokenLifetimeSeconds:                      r.Settings.Number("token_lifetime"),
		TokenLifetimeForWebSeconds:                r.Settings.Number("token_lifetime_for_web"),
		AllowOfflineAccess:                        r.Settings.Flag("allow_offline_access"),
		SkipConsentForVerifiableFirstPartyClients: r.Settings.Flag("skip_consent_for_verifiable_first_party_clients"),
		IsSystem:        r.System,
		TokenDialect:    r.Settings.Text("token_dialect"),
		EnforcePolicies: r.Settings.Flag("enforce_policies"),
		SigningSecret:   string(r.SigningSecret),
		UserPolicy:      r.AccessPolicy(client.SubjectUser),
		ClientPolicy:    r.AccessPolicy(client.SubjectClient),
	}, nil
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

func toClient(c client.Client) *clientapi.Client {
	out := &clientapi.Client{
		ClientId: string(c.ID), Name: c.Name, Secret: string(c.Secret), AppType: c.AppType,
		Callbacks: c.Settings.Texts("callbacks"), AllowedLogoutUrls: c.Settings.Texts("allowed_logout_urls"),
		WebOrigins: c.Settings.Texts("web_origins"), AllowedOrigins: c.Settings.Texts("allowed_origins"),
		GrantTypes: c.GrantTypes(), TokenEndpointAuthMethod: c.AuthMethod(), IsFirstParty: c.FirstParty,
		OidcConformant: c.Settings.Flag("oidc_conformant"), SsoDisabled: c.Settings.Flag("sso_disabled"), Global: c.Global,
		IdTokenAlg: c.IDTokenAlg(), IdTokenLifetimeSeconds: int64(c.IDTokenLife().Seconds()),
		SecretEncoded:    c.Settings.Group("jwt_configuration").Flag("secret_encoded"),
		InitiateLoginUri: c.Settings.Text("initiate_login_uri"), LogoUri: c.Settings.Text("logo_uri"), Metadata: c.Metadata(),
		AuthenticationMethods: c.AuthMethods(), Strict: c.Strict(), ExternalClientId: c.Settings.Text("external_client_id"),
		JwksUri: c.Settings.Text("jwks_uri"), OrganizationUsage: c.Settings.Text("organization_usage"),
		IpHeaderTrusted:      c.Settings.Flag("is_token_endpoint_ip_header_trusted"),
		RequirePar:           c.Settings.Flag("require_pushed_authorization_requests"),
		RequireSignedRequest: c.Settings.Group("signed_request_object").Flag("required"),
		RequireProof:         c.Settings.Flag("require_proof_of_possession"),
	}
	uses := c.CredentialUses()
	for _, method := range slices.Sorted(maps.Keys(uses)) {
		for _, cred := range uses[method] {
			one := &clientapi.Credential{
				Id: cred.ID, Method: method, Kid: cred.KeyID, Alg: cred.Alg, PublicKey: cred.PublicKey, SubjectDn: cred.SubjectDN,
				ThumbprintSha256: cred.Thumbprint,
			}
			if !cred.Expires.IsZero() {
				one.ExpiresUnix = cred.Expires.Unix()
			}
			out.Credentials = append(out.Credentials, one)
		}
	}
	return out
}

func toConnection(c client.Connection) (*clientapi.Connection, error) {
	options, err := json.Marshal(c.Options)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding options: %w", err))
	}
	ids := make([]string, len(c.EnabledClients))
	for i, id := range c.EnabledClients {
		ids[i] = string(id)
	}
	return &clientapi.Connection{Id: c.ID, Name: c.Name, Strategy: c.Strategy, EnabledClients: ids, OptionsJson: options}, nil
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
