// Package httpapi is the client service's part of the Management API: it checks scopes and types, turns wire objects into the domain's
// settings and back, and leaves the rules to the domain.
package httpapi

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// Scopes that more than one operation looks at.
const (
	scopeReadClients       = "read:clients"
	scopeCreateClients     = "create:clients"
	scopeReadKeys          = "read:client_keys"
	scopeReadCredentials   = "read:client_credentials"
	scopeReadSummary       = "read:client_summary"
	scopeUpdateClients     = "update:clients"
	scopeUpdateKeys        = "update:client_keys"
	scopeUpdateCredentials = "update:client_credentials"
	scopeUpdatePrivileged  = "update:client_token_vault_privileged_access"
	scopeReadConnections   = "read:connections"
	scopeUpdateConnections = "update:connections"
	scopeReadSCIM          = "read:scim_config"
)

// secretOptions are options of connections that the audit log must not keep and that do not tell by their names.
var secretOptions = []string{"signingKey", "signing_key", "decryptionKey", "key", "app_secret", "tenant_secret", "credentials"}

// Deps are what the routes are made of.
type Deps struct {
	Clients  *client.Service
	Verifier mgmtkit.Verifier
	// Recorder keeps the audit lines of reads that revealed secrets and of refused writes; nil: they are lost.
	Recorder mgmtkit.Recorder
	// Certificates gives the tenant's signing certificates, the present one first; none when they are not known now.
	Certificates func(ctx context.Context, tenant tenancy.ID) []Certificate
	Now          clock.Now
}

type handlers struct{ Deps }

// Register hangs every route of the service on engine, whose requests have a proved tenant.
func Register(engine *gin.Engine, d Deps) *mgmtkit.API {
	api, h := mgmtkit.New(engine, d.Verifier, mgmtkit.WithRecorder(d.Recorder)), handlers{d}

	const clients, servers, grants, connections = "clients", "resource-servers", "client-grants", "connections"
	readClients := []string{scopeReadClients, scopeReadKeys, scopeReadCredentials, scopeReadSummary}
	updateClients := []string{scopeUpdateClients, scopeUpdateKeys, scopeUpdateCredentials, scopeUpdatePrivileged}

	mgmtkit.Register(api, mgmtkit.Op{ID: "list_clients", Summary: "Get clients", Tag: clients, Method: http.MethodGet, Path: "/clients", Scopes: readClients}, h.listClients)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_client", Summary: "Create a client", Tag: clients, Method: http.MethodPost, Path: "/clients", Scopes: []string{"create:clients"}, Status: http.StatusCreated}, h.createClient)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_client", Summary: "Get a client by ID", Tag: clients, Method: http.MethodGet, Path: "/clients/{id}", Scopes: readClients}, h.getClient)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_client", Summary: "Update a client", Tag: clients, Method: http.MethodPatch, Path: "/clients/{id}", Scopes: updateClients}, h.updateClient)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_client", Summary: "Delete a client", Tag: clients, Method: http.MethodDelete, Path: "/clients/{id}", Scopes: []string{"delete:clients"}, Status: http.StatusNoContent}, h.deleteClient)
	mgmtkit.Register(api, mgmtkit.Op{ID: "rotate_client_secret", Summary: "Rotate a client secret", Tag: clients, Method: http.MethodPost, Path: "/clients/{id}/rotate-secret", Scopes: []string{scopeUpdateKeys}}, h.rotateSecret)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_client_connections", Summary: "Get enabled connections for a client", Tag: clients, Method: http.MethodGet, Path: "/clients/{id}/connections", Scopes: []string{scopeReadConnections, scopeReadClients, scopeReadSummary}}, h.listClientConnections)
	mgmtkit.Register(api, mgmtkit.Op{ID: "preview_client_metadata", Summary: "Preview and validate Client ID Metadata Document", Tag: clients, Method: http.MethodPost, Path: "/clients/cimd/preview", Scopes: []string{scopeReadClients}}, h.previewMetadata)
	mgmtkit.Register(api, mgmtkit.Op{ID: "register_client_metadata", Summary: "Register or update a CIMD client via metadata URI", Tag: clients, Method: http.MethodPost, Path: "/clients/cimd/register", Scopes: []string{scopeCreateClients, scopeUpdateClients}, Status: http.StatusCreated}, h.registerMetadata)

	const proofs = "/clients/{id}/credentials"
	const proof = proofs + "/{credential_id}"
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_client_credentials", Summary: "Get client credentials", Tag: clients, Method: http.MethodGet, Path: proofs, Scopes: []string{scopeReadCredentials}}, h.listCredentials)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_client_credential", Summary: "Create a client credential", Tag: clients, Method: http.MethodPost, Path: proofs, Scopes: []string{"create:client_credentials"}, Status: http.StatusCreated}, h.createCredential)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_client_credential", Summary: "Get client credential details", Tag: clients, Method: http.MethodGet, Path: proof, Scopes: []string{scopeReadCredentials}}, h.getCredential)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_client_credential", Summary: "Update a client credential", Tag: clients, Method: http.MethodPatch, Path: proof, Scopes: []string{scopeUpdateCredentials}}, h.updateCredential)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_client_credential", Summary: "Delete a client credential", Tag: clients, Method: http.MethodDelete, Path: proof, Scopes: []string{"delete:client_credentials"}, Status: http.StatusNoContent}, h.deleteCredential)

	mgmtkit.Register(api, mgmtkit.Op{ID: "list_resource_servers", Summary: "Get resource servers", Tag: servers, Method: http.MethodGet, Path: "/resource-servers", Scopes: []string{"read:resource_servers"}}, h.listResourceServers)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_resource_server", Summary: "Create a resource server", Tag: servers, Method: http.MethodPost, Path: "/resource-servers", Scopes: []string{"create:resource_servers"}, Status: http.StatusCreated}, h.createResourceServer)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_resource_server", Summary: "Get a resource server", Tag: servers, Method: http.MethodGet, Path: "/resource-servers/{id}", Scopes: []string{"read:resource_servers"}}, h.getResourceServer)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_resource_server", Summary: "Update a resource server", Tag: servers, Method: http.MethodPatch, Path: "/resource-servers/{id}", Scopes: []string{"update:resource_servers"}}, h.updateResourceServer)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_resource_server", Summary: "Delete a resource server", Tag: servers, Method: http.MethodDelete, Path: "/resource-servers/{id}", Scopes: []string{"delete:resource_servers"}, Status: http.StatusNoContent}, h.deleteResourceServer)

	mgmtkit.Register(api, mgmtkit.Op{ID: "list_client_grants", Summary: "Get client grants", Tag: grants, Method: http.MethodGet, Path: "/client-grants", Scopes: []string{"read:client_grants"}}, h.listGrants)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_client_grant", Summary: "Create client grant", Tag: grants, Method: http.MethodPost, Path: "/client-grants", Scopes: []string{"create:client_grants"}, Status: http.StatusCreated}, h.createGrant)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_client_grant", Summary: "Get client grant", Tag: grants, Method: http.MethodGet, Path: "/client-grants/{id}", Scopes: []string{"read:client_grants"}}, h.getGrant)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_client_grant", Summary: "Update client grant", Tag: grants, Method: http.MethodPatch, Path: "/client-grants/{id}", Scopes: []string{"update:client_grants"}}, h.updateGrant)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_client_grant", Summary: "Delete client grant", Tag: grants, Method: http.MethodDelete, Path: "/client-grants/{id}", Scopes: []string{"delete:client_grants"}, Status: http.StatusNoContent}, h.deleteGrant)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_client_grant_organizations", Summary: "Get the organizations associated to a client grant", Tag: grants, Method: http.MethodGet, Path: "/client-grants/{id}/organizations", Scopes: []string{"read:organization_client_grants"}}, h.listGrantOrganizations)

	mgmtkit.Register(api, mgmtkit.Op{ID: "list_connections", Summary: "Get all connections", Tag: connections, Method: http.MethodGet, Path: "/connections", Scopes: []string{scopeReadConnections}}, h.listConnections)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_connection", Summary: "Create a connection", Tag: connections, Method: http.MethodPost, Path: "/connections", Scopes: []string{"create:connections"}, Secrets: secretOptions, Status: http.StatusCreated}, h.createConnection)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_connection", Summary: "Get a connection", Tag: connections, Method: http.MethodGet, Path: "/connections/{id}", Scopes: []string{scopeReadConnections}}, h.getConnection)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_connection", Summary: "Update a connection", Tag: connections, Method: http.MethodPatch, Path: "/connections/{id}", Scopes: []string{scopeUpdateConnections}, Secrets: secretOptions}, h.updateConnection)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_connection", Summary: "Delete a connection", Tag: connections, Method: http.MethodDelete, Path: "/connections/{id}", Scopes: []string{"delete:connections"}, Status: http.StatusAccepted}, h.deleteConnection)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_connection_status", Summary: "Check connection status", Tag: connections, Method: http.MethodGet, Path: "/connections/{id}/status", Scopes: []string{scopeReadConnections}}, h.connectionStatus)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_connection_clients", Summary: "Get enabled clients for a connection", Tag: connections, Method: http.MethodGet, Path: "/connections/{id}/clients", Scopes: []string{scopeReadConnections}}, h.listConnectionClients)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_connection_clients", Summary: "Update enabled clients for a connection", Tag: connections, Method: http.MethodPatch, Path: "/connections/{id}/clients", Scopes: []string{scopeUpdateConnections}, Status: http.StatusNoContent}, h.updateConnectionClients)

	mgmtkit.Register(api, mgmtkit.Op{ID: "list_actions", Summary: "Get actions", Tag: "actions", Method: http.MethodGet, Path: "/actions/actions", Scopes: []string{"read:actions"}}, h.listActions)
	h.mountExchangeProfiles(api)

	const scim, scimTokens = "/connections/{id}/scim-configuration", "/connections/{id}/scim-configuration/tokens"
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_scim_configuration", Summary: "Get a connection's SCIM configuration", Tag: connections, Method: http.MethodGet, Path: scim, Scopes: []string{scopeReadSCIM}}, h.getSCIM)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_scim_configuration", Summary: "Create a SCIM configuration", Tag: connections, Method: http.MethodPost, Path: scim, Scopes: []string{"create:scim_config"}, Status: http.StatusCreated}, h.createSCIM)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_scim_configuration", Summary: "Patch a connection's SCIM configuration", Tag: connections, Method: http.MethodPatch, Path: scim, Scopes: []string{"update:scim_config"}}, h.updateSCIM)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_scim_configuration", Summary: "Delete a connection's SCIM configuration", Tag: connections, Method: http.MethodDelete, Path: scim, Scopes: []string{"delete:scim_config"}, Status: http.StatusNoContent}, h.deleteSCIM)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_scim_default_mapping", Summary: "Get a connection's default SCIM mapping", Tag: connections, Method: http.MethodGet, Path: scim + "/default-mapping", Scopes: []string{scopeReadSCIM}}, h.defaultSCIMMapping)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_scim_configurations", Summary: "Get a list of SCIM configurations", Tag: connections, Method: http.MethodGet, Path: "/connections-scim-configurations", Scopes: []string{scopeReadSCIM}}, h.listSCIM)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_scim_tokens", Summary: "Get a connection's SCIM tokens", Tag: connections, Method: http.MethodGet, Path: scimTokens, Scopes: []string{"read:scim_token"}}, h.listSCIMTokens)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_scim_token", Summary: "Create a SCIM Token", Tag: connections, Method: http.MethodPost, Path: scimTokens, Scopes: []string{"create:scim_token"}, Status: http.StatusCreated}, h.createSCIMToken)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_scim_token", Summary: "Delete a connection's SCIM token", Tag: connections, Method: http.MethodDelete, Path: scimTokens + "/{tokenId}", Scopes: []string{"delete:scim_token"}, Status: http.StatusNoContent}, h.deleteSCIMToken)

	engine.NoMethod(httpkit.NoMethod(registrationPath))
	engine.POST(registrationPath, httpkit.Handle(h.registerClient, httpkit.WriteOAuth))
	return api
}
