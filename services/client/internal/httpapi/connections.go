package httpapi

import (
	"context"
	"encoding/base64"
	"sort"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// ConnectionFields are the properties of a connection that can be changed later.
type ConnectionFields struct {
	DisplayName    mgmtkit.Optional[string]             `json:"display_name,omitzero" maxLength:"128"`
	Options        mgmtkit.Optional[map[string]any]     `json:"options,omitzero"`
	EnabledClients mgmtkit.Optional[[]string]           `json:"enabled_clients,omitzero" maxItems:"10000"`
	Domain         mgmtkit.Optional[bool]               `json:"is_domain_connection,omitzero"`
	ShowAsButton   mgmtkit.Optional[bool]               `json:"show_as_button,omitzero"`
	Realms         mgmtkit.Optional[[]string]           `json:"realms,omitzero" maxItems:"10"`
	Metadata       mgmtkit.Optional[map[string]*string] `json:"metadata,omitzero" maxProperties:"10"`
	Authentication mgmtkit.Optional[active]             `json:"authentication,omitzero"`
	Accounts       mgmtkit.Optional[connectedAccounts]  `json:"connected_accounts,omitzero"`
	RequestingApp  mgmtkit.Optional[active]             `json:"cross_app_access_requesting_app,omitzero"`
	ResourceApp    mgmtkit.Optional[resourceApp]        `json:"cross_app_access_resource_app,omitzero"`
}

type connectedAccounts struct {
	Active         *bool `json:"active,omitempty"`
	CrossAppAccess *bool `json:"cross_app_access,omitempty"`
}

type resourceApp struct {
	Status string `json:"status" enum:"enabled,disabled"`
}

type createConnection struct {
	Name     string `json:"name" minLength:"1" maxLength:"128"`
	Strategy string `json:"strategy" minLength:"1" maxLength:"64"`
	ConnectionFields
}

type connectionWire struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
	ConnectionFields
}

// alwaysShown is a property of connections that no choice of fields leaves out.
const alwaysShown = "is_domain_connection"

type connectionOut struct{ Body object[connectionWire] }

type listConnectionsIn struct {
	mgmtkit.Paging
	Shown

	Strategies []string `query:"strategy,explode"`
	Name       string   `query:"name" maxLength:"128"`
}

func (h handlers) listConnections(ctx context.Context, t tenancy.Tenant, in *listConnectionsIn) (*mgmtkit.List, error) {
	page, err := pageOf(in.Paging)
	if err != nil {
		return nil, err
	}
	part, err := h.Clients.ListConnections(ctx, t.ID, client.ConnectionFilter{Strategies: split(in.Strategies), Name: in.Name}, page)
	if err != nil {
		return nil, err
	}
	return listOf(in.Paging, "connections", part, func(c client.Connection) map[string]any { return in.of(connectionToWire(c), alwaysShown) }), nil
}

type getConnectionIn struct {
	Shown

	ID string `path:"id" maxLength:"64"`
}

func (h handlers) getConnection(ctx context.Context, t tenancy.Tenant, in *getConnectionIn) (*connectionOut, error) {
	c, err := h.Clients.FindConnection(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &connectionOut{Body: in.of(connectionToWire(c), alwaysShown)}, nil
}

type createConnectionIn struct {
	Body    createConnection
	RawBody []byte
}

func (h handlers) createConnection(ctx context.Context, t tenancy.Tenant, in *createConnectionIn) (*connectionOut, error) {
	settings, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := h.Clients.CreateConnection(mgmtkit.Answering(ctx, connectionToWire), t.ID, settings)
	if err != nil {
		return nil, err
	}
	return &connectionOut{Body: connectionToWire(c)}, nil
}

type updateConnectionIn struct {
	ID      string `path:"id" maxLength:"64"`
	Body    ConnectionFields
	RawBody []byte
}

func (h handlers) updateConnection(ctx context.Context, t tenancy.Tenant, in *updateConnectionIn) (*connectionOut, error) {
	patch, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	c, err := h.Clients.UpdateConnection(mgmtkit.Answering(ctx, connectionToWire), t.ID, in.ID, patch)
	if err != nil {
		return nil, err
	}
	return &connectionOut{Body: connectionToWire(c)}, nil
}

type connectionIDIn struct {
	ID string `path:"id" maxLength:"64"`
}

type deletedOut struct {
	Body struct {
		DeletedAt string `json:"deleted_at"`
	}
}

func (h handlers) deleteConnection(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*deletedOut, error) {
	if err := h.Clients.DeleteConnection(ctx, t.ID, in.ID); err != nil {
		return nil, err
	}
	out := &deletedOut{}
	out.Body.DeletedAt = stamp(h.Now())
	return out, nil
}

// connectionStatus answers for databases only: they are here. Others say whether their agent or provider is reachable.
func (h handlers) connectionStatus(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*struct{}, error) {
	c, err := h.Clients.FindConnection(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	if !c.Database() {
		return nil, fault.Invalid("operation_not_supported", "The status of connections of strategy "+c.Strategy+" is not known")
	}
	return nil, nil //nolint:nilnil // nothing is the answer
}

type listConnectionClientsIn struct {
	ID   string `path:"id" maxLength:"64"`
	Take int    `query:"take" minimum:"1" maximum:"1000" default:"50"`
	From string `query:"from" maxLength:"256"`
}

type enabledClient struct {
	ClientID string `json:"client_id"`
}

type connectionClientsOut struct {
	Body struct {
		Clients []enabledClient `json:"clients"`
		Next    string          `json:"next,omitempty"`
	}
}

// listConnectionClients pages by client_id, so that a page goes on where it was while clients are switched on and off.
func (h handlers) listConnectionClients(ctx context.Context, t tenancy.Tenant, in *listConnectionClientsIn) (*connectionClientsOut, error) {
	after, err := base64.RawURLEncoding.DecodeString(in.From)
	if err != nil {
		return nil, fault.Invalid("invalid_query_string", "Query validation error: 'Not a checkpoint of this list' on property from.")
	}
	c, err := h.Clients.FindConnection(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(c.EnabledClients))
	for i, id := range c.EnabledClients {
		ids[i] = string(id)
	}
	sort.Strings(ids)
	out := &connectionClientsOut{}
	out.Body.Clients = []enabledClient{}
	for _, id := range ids[sort.Search(len(ids), func(i int) bool { return ids[i] > string(after) }):] {
		if len(out.Body.Clients) == in.Take {
			out.Body.Next = base64.RawURLEncoding.EncodeToString([]byte(out.Body.Clients[in.Take-1].ClientID))
			break
		}
		out.Body.Clients = append(out.Body.Clients, enabledClient{id})
	}
	return out, nil
}

type clientSwitch struct {
	ClientID string `json:"client_id" minLength:"1" maxLength:"128"`
	Status   bool   `json:"status"`
}

type updateConnectionClientsIn struct {
	ID   string         `path:"id" maxLength:"64"`
	Body []clientSwitch `minItems:"1" maxItems:"50" nullable:"false"`
}

func (h handlers) updateConnectionClients(ctx context.Context, t tenancy.Tenant, in *updateConnectionClientsIn) (*struct{}, error) {
	on := make(map[client.ID]bool, len(in.Body))
	for _, s := range in.Body {
		on[client.ID(s.ClientID)] = s.Status
	}
	return nil, h.Clients.SwitchClients(ctx, t.ID, in.ID, on)
}

func connectionToWire(c client.Connection) map[string]any {
	wire := map[string]any(c.Settings.Clone())
	wire["id"], wire["name"], wire["strategy"] = c.ID, c.Name, c.Strategy
	wire["options"] = map[string]any(c.Options.Clone())
	ids := make([]string, len(c.EnabledClients))
	for i, id := range c.EnabledClients {
		ids[i] = string(id)
	}
	wire["enabled_clients"] = ids
	return wire
}
