package httpapi

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

type clientOut struct{ Body object[clientWire] }

type listClientsIn struct {
	mgmtkit.Paging
	Shown

	Global     string   `query:"is_global" enum:"true,false"`
	FirstParty string   `query:"is_first_party" enum:"true,false"`
	AppTypes   []string `query:"app_type,explode"`
	ExternalID string   `query:"external_client_id" maxLength:"2048"`
	Q          string   `query:"q" maxLength:"1024"`
}

func (h handlers) listClients(ctx context.Context, t tenancy.Tenant, in *listClientsIn) (*mgmtkit.List, error) {
	filter := client.Filter{
		Global: truth(in.Global), FirstParty: truth(in.FirstParty), AppTypes: split(in.AppTypes), ExternalID: in.ExternalID,
	}
	if err := in.search(&filter); err != nil {
		return nil, err
	}
	page, err := pageOf(in.Paging)
	if err != nil {
		return nil, err
	}
	view := h.viewOf(ctx, t)
	part, err := h.Clients.ListClients(ctx, t.ID, filter, page, view.keys)
	if err != nil {
		return nil, err
	}
	return listOf(in.Paging, "clients", part, func(c client.Client) map[string]any { return shown(ctx, in.of(view.wire(c))) }), nil
}

// search reads q, which on this wire knows two terms, and pages by checkpoint alone.
func (in *listClientsIn) search(filter *client.Filter) error {
	if in.Q == "" {
		return nil
	}
	if !in.Checkpoint() {
		return fault.Invalid("invalid_query_string", "Query validation error: 'q needs checkpoint paging (take, from)' on property q.")
	}
	field, value, _ := strings.Cut(in.Q, ":")
	value = strings.Trim(value, `"`)
	switch {
	case field == "client_grant.allow_any_organization" && value == "true":
		filter.AnyOrganization = true
	case field == "client_grant.organization_id" && organizationID.MatchString(value):
		filter.Organization = value
	default:
		return fault.Invalid("invalid_query_string",
			"Query validation error: 'Only client_grant.organization_id:<id> and client_grant.allow_any_organization:true can be searched for' on property q.")
	}
	return nil
}

// organizationID is the form of an organization's id.
var organizationID = regexp.MustCompile(`^org_[A-Za-z0-9]{1,32}$`)

// shown notes for the audit log that an answer holds a client's secret.
func shown(ctx context.Context, wire map[string]any) map[string]any {
	if _, ok := wire[secretProperty]; ok {
		mgmtkit.Revealed(ctx, secretProperty)
	}
	return wire
}

// secretProperty is the one property of a client that is a secret.
const secretProperty = "client_secret"

type getClientIn struct {
	Shown

	ID string `path:"id" maxLength:"128"`
}

func (h handlers) getClient(ctx context.Context, t tenancy.Tenant, in *getClientIn) (*clientOut, error) {
	c, err := h.Clients.FindClient(ctx, t.ID, client.ID(in.ID))
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: shown(ctx, in.of(h.viewOf(ctx, t).wire(c)))}, nil
}

type createClientIn struct {
	Body    createClient
	RawBody []byte
}

func (h handlers) createClient(ctx context.Context, t tenancy.Tenant, in *createClientIn) (*clientOut, error) {
	settings, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	view := h.viewOf(ctx, t)
	wire := func(c client.Client) map[string]any { // only here are credentials shown whole: they were just made
		c.Settings = c.SettingsWith(func(cred client.Credential) any { return credentialToWire(cred) })
		return view.wire(c)
	}
	c, err := h.Clients.CreateClient(mgmtkit.Answering(ctx, wire), t.ID, settings)
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: wire(c)}, nil
}

type updateClientIn struct {
	ID      string `path:"id" maxLength:"128"`
	Body    updateClient
	RawBody []byte
}

func (h handlers) updateClient(ctx context.Context, t tenancy.Tenant, in *updateClientIn) (*clientOut, error) {
	patch, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	caller := mgmtkit.CallerOf(ctx)
	for name := range patch {
		if err := mayUpdate(caller, name); err != nil {
			return nil, err
		}
	}
	view := h.viewOf(ctx, t)
	c, err := h.Clients.UpdateClient(mgmtkit.Answering(ctx, view.wire), t.ID, client.ID(in.ID), patch)
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: view.wire(c)}, nil
}

// mayUpdate holds each property of a client to its own scope: what proves the client is not for whoever may rename it.
func mayUpdate(caller mgmtkit.Caller, property string) error {
	scope := scopeUpdateClients
	switch property {
	case secretProperty:
		scope = scopeUpdateKeys
	case "client_authentication_methods":
		if caller.Has(scopeUpdateCredentials) {
			return nil
		}
	case "token_vault_privileged_access":
		scope = scopeUpdatePrivileged
	}
	if !caller.Has(scope) {
		return fault.Denied("insufficient_scope", "Insufficient scope, expected any of: "+scope)
	}
	return nil
}

type clientIDIn struct {
	ID string `path:"id" maxLength:"128"`
}

func (h handlers) deleteClient(ctx context.Context, t tenancy.Tenant, in *clientIDIn) (*struct{}, error) {
	return nil, h.Clients.DeleteClient(ctx, t.ID, client.ID(in.ID))
}

func (h handlers) rotateSecret(ctx context.Context, t tenancy.Tenant, in *clientIDIn) (*clientOut, error) {
	view := h.viewOf(ctx, t)
	view.summary = false
	wire := func(c client.Client) map[string]any {
		out := view.wire(c)
		out["client_secret"] = string(c.Secret) // what was asked for
		return out
	}
	c, err := h.Clients.RotateSecret(mgmtkit.Answering(ctx, wire), t.ID, client.ID(in.ID))
	if err != nil {
		return nil, err
	}
	return &clientOut{Body: wire(c)}, nil
}

type listClientConnectionsIn struct {
	mgmtkit.Paging
	Shown

	ID         string   `path:"id" maxLength:"128"`
	Strategies []string `query:"strategy,explode"`
}

func (h handlers) listClientConnections(ctx context.Context, t tenancy.Tenant, in *listClientConnectionsIn) (*mgmtkit.List, error) {
	paging := in.Paging
	if !paging.Checkpoint() && !paging.IncludeTotals {
		paging.Take = 50 // this list is an object however it is asked for
	}
	page, err := pageOf(paging)
	if err != nil {
		return nil, err
	}
	part, err := h.Clients.ListConnections(ctx, t.ID, client.ConnectionFilter{Client: client.ID(in.ID), Strategies: split(in.Strategies)}, page)
	if err != nil {
		return nil, err
	}
	return listOf(paging, "connections", part, func(c client.Connection) map[string]any {
		wire := connectionToWire(c)
		delete(wire, "enabled_clients")
		if !mgmtkit.CallerOf(ctx).Has(scopeReadConnections) {
			delete(wire, "options") // they hold the secrets of connections
		}
		return in.of(wire, alwaysShown)
	}), nil
}

// clientView is how one caller sees clients.
type clientView struct {
	tenant  tenancy.Tenant
	keys    bool // secrets and keys
	summary bool // hardly anything
	certs   []Certificate
}

func (h handlers) viewOf(ctx context.Context, t tenancy.Tenant) clientView {
	caller := mgmtkit.CallerOf(ctx)
	v := clientView{tenant: t, keys: caller.Has(scopeReadKeys)}
	full := v.keys || caller.Has(scopeReadClients) || caller.Has(scopeReadCredentials) || caller.Has("create:clients") ||
		caller.Has(scopeUpdateClients) || caller.Has(scopeUpdateKeys) || caller.Has(scopeUpdateCredentials) || caller.Has(scopeUpdatePrivileged)
	v.summary = !full
	if v.keys {
		v.certs = h.Certificates(ctx, t.ID)
	}
	return v
}

// summaryProperties are what read:client_summary shows.
var summaryProperties = []string{"name", "client_id", "tenant", "app_type", "logo_uri", "is_first_party", "global", "description"}

func (v clientView) wire(c client.Client) map[string]any {
	wire := map[string]any(c.Settings.Clone())
	wire["client_id"] = string(c.ID)
	wire["tenant"] = v.tenant.Name
	wire["name"] = c.Name
	wire["global"] = c.Global
	wire["is_first_party"] = c.FirstParty
	if c.AppType != "" {
		wire["app_type"] = c.AppType
	}
	if urls, ok := c.Settings.Group("oidc_logout")["backchannel_logout_urls"]; ok { // its older name is still read
		wire["oidc_backchannel_logout"] = map[string]any{"backchannel_logout_urls": urls}
	}
	if v.summary {
		short := map[string]any{}
		for _, name := range summaryProperties {
			if value, ok := wire[name]; ok {
				short[name] = value
			}
		}
		return short
	}
	if !v.keys {
		delete(wire, "encryption_key")
		return wire
	}
	wire[secretProperty] = string(c.Secret)
	if len(v.certs) > 0 {
		keys := make([]any, len(v.certs))
		for i, cert := range v.certs {
			keys[i] = signingKey{Cert: cert.PEM, PKCS7: cert.PKCS7, Subject: cert.Subject}
		}
		wire["signing_keys"] = keys
	}
	return wire
}

// stamp writes a time as the wire does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
