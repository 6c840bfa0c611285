// Package httpapi is the public doors of the tenant service: the Platform API of the control plane (accounts, tenants, operations)
// and a cell's part of the Management API (settings). It turns wire into domain and back, and decides nothing.
package httpapi

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// maxBody is plenty for what the Platform API takes.
const maxBody = 64 << 10

// NewPlatform makes the Platform API, for api.<base>. Its requests belong to accounts, not to tenants: nothing is sealed into them.
func NewPlatform(accounts *tenant.Accounts, log *slog.Logger) (http.Handler, error) {
	mgmtkit.UseProblems()
	engine := httpkit.NewEngine(httpkit.Config{Service: "tenant", Log: log, MaxBody: maxBody})
	api := humagin.New(engine, mgmtkit.Settings("Postern Platform API", "1"))
	p := &platform{accounts: accounts}

	public(api, route{http.MethodPost, "/v1/signups", "sign_up", "Sign up a company", http.StatusAccepted}, p.signUp)
	public(api, route{http.MethodGet, "/v1/signups/{id}", "find_signup", "See how far a sign-up is", http.StatusOK}, p.findSignup)
	public(api, route{http.MethodPost, "/v1/tokens", "create_token", "Sign in", http.StatusCreated}, p.signIn)
	public(api, route{http.MethodGet, "/v1/regions", "list_regions", "List the regions open for tenants", http.StatusOK}, p.listRegions)

	member(api, p, route{http.MethodDelete, "/v1/tokens/current", "delete_token", "Sign out", http.StatusNoContent}, p.signOut)
	member(api, p, route{http.MethodGet, "/v1/members", "list_members", "List the account's members", http.StatusOK}, p.listMembers)
	member(api, p, route{http.MethodGet, "/v1/tenants", "list_tenants", "List the account's tenants", http.StatusOK}, p.listTenants)
	member(api, p, route{http.MethodPost, "/v1/tenants", "create_tenant", "Create a tenant in another region", http.StatusAccepted}, p.createTenant)
	member(api, p, route{http.MethodGet, "/v1/tenants/{id}", "find_tenant", "Show a tenant", http.StatusOK}, p.findTenant)
	member(api, p, route{http.MethodDelete, "/v1/tenants/{id}", "delete_tenant", "Delete a tenant for good", http.StatusAccepted}, p.deleteTenant)
	member(api, p, route{http.MethodGet, "/v1/operations/{id}", "find_operation", "See how far an operation is", http.StatusOK}, p.findOperation)

	document := api.OpenAPI()
	document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer"}}
	described, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("describing the Platform API: %w", err)
	}
	engine.GET("/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", described) })
	return engine, nil
}

// NewManagement makes a cell's part of the Management API.
func NewManagement(settings *tenant.SettingsService, verifier mgmtkit.Verifier, seal *tenancy.Seal, log *slog.Logger, options ...mgmtkit.Option) http.Handler {
	engine := httpkit.NewEngine(httpkit.Config{Service: "tenant", Log: log, Seal: seal})
	registerSettings(mgmtkit.New(engine, verifier, options...), settings)
	return engine
}
