package httpapi

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

type scimMapping struct {
	Auth0 string `json:"auth0" minLength:"1" maxLength:"256" doc:"Property of users"`
	SCIM  string `json:"scim" minLength:"1" maxLength:"256" doc:"Attribute of SCIM"`
}

type scimWire struct {
	ConnectionID    string        `json:"connection_id"`
	ConnectionName  string        `json:"connection_name"`
	Strategy        string        `json:"strategy"`
	TenantName      string        `json:"tenant_name"`
	UserIDAttribute string        `json:"user_id_attribute"`
	Mapping         []scimMapping `json:"mapping"`
	CreatedAt       string        `json:"created_at"`
	UpdatedOn       string        `json:"updated_on"`
}

// scimToWire shows configurations as those of a tenant.
func scimToWire(t tenancy.Tenant) func(client.SCIM) scimWire {
	return func(s client.SCIM) scimWire {
		return scimWire{
			ConnectionID: s.ConnectionID, ConnectionName: s.ConnectionName, Strategy: s.Strategy, TenantName: t.Canonical,
			UserIDAttribute: s.UserIDAttribute, Mapping: mappingToWire(s.Mapping), CreatedAt: stamp(s.Created), UpdatedOn: stamp(s.Updated),
		}
	}
}

func mappingToWire(mapping []client.SCIMMapping) []scimMapping {
	out := make([]scimMapping, len(mapping))
	for i, m := range mapping {
		out[i] = scimMapping(m)
	}
	return out
}

// mappingOf gives nil for what was not sent.
func mappingOf(sent []scimMapping) []client.SCIMMapping {
	if sent == nil {
		return nil
	}
	out := make([]client.SCIMMapping, len(sent))
	for i, m := range sent {
		out[i] = client.SCIMMapping(m)
	}
	return out
}

type scimOut struct{ Body scimWire }

func (h handlers) getSCIM(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*scimOut, error) {
	s, err := h.Clients.FindSCIM(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &scimOut{Body: scimToWire(t)(s)}, nil
}

type createSCIMIn struct {
	ID string `path:"id" maxLength:"64"`
	// Body may be left out: a strategy has defaults for all of it.
	Body *struct {
		UserIDAttribute string        `json:"user_id_attribute,omitempty" minLength:"1" maxLength:"256"`
		Mapping         []scimMapping `json:"mapping,omitempty" maxItems:"200"`
	}
}

func (h handlers) createSCIM(ctx context.Context, t tenancy.Tenant, in *createSCIMIn) (*scimOut, error) {
	attribute, mapping := "", []client.SCIMMapping(nil)
	if in.Body != nil {
		attribute, mapping = in.Body.UserIDAttribute, mappingOf(in.Body.Mapping)
	}
	wire := scimToWire(t)
	s, err := h.Clients.CreateSCIM(mgmtkit.Answering(ctx, wire), t.ID, in.ID, attribute, mapping)
	if err != nil {
		return nil, err
	}
	return &scimOut{Body: wire(s)}, nil
}

type updateSCIMIn struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		UserIDAttribute string        `json:"user_id_attribute" minLength:"1" maxLength:"256"`
		Mapping         []scimMapping `json:"mapping" maxItems:"200" nullable:"false"`
	}
}

func (h handlers) updateSCIM(ctx context.Context, t tenancy.Tenant, in *updateSCIMIn) (*scimOut, error) {
	wire := scimToWire(t)
	s, err := h.Clients.UpdateSCIM(mgmtkit.Answering(ctx, wire), t.ID, in.ID, in.Body.UserIDAttribute, mappingOf(in.Body.Mapping))
	if err != nil {
		return nil, err
	}
	return &scimOut{Body: wire(s)}, nil
}

func (h handlers) deleteSCIM(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*struct{}, error) {
	return nil, h.Clients.DeleteSCIM(ctx, t.ID, in.ID)
}

type scimMappingOut struct {
	Body struct {
		Mapping []scimMapping `json:"mapping"`
	}
}

func (h handlers) defaultSCIMMapping(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*scimMappingOut, error) {
	c, err := h.Clients.FindConnection(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	mapping, err := c.DefaultSCIMMapping()
	if err != nil {
		return nil, err
	}
	out := &scimMappingOut{}
	out.Body.Mapping = mappingToWire(mapping)
	return out, nil
}

type listSCIMIn struct {
	Take int    `query:"take" minimum:"1" maximum:"100" default:"50" doc:"Items of a checkpoint page"`
	From string `query:"from" doc:"Checkpoint: the next of the page before"`
}

func (h handlers) listSCIM(ctx context.Context, t tenancy.Tenant, in *listSCIMIn) (*mgmtkit.List, error) {
	paging := mgmtkit.Paging{Take: in.Take, From: in.From}
	page, err := pageOf(paging)
	if err != nil {
		return nil, err
	}
	part, err := h.Clients.ListSCIM(ctx, t.ID, page)
	if err != nil {
		return nil, err
	}
	return listOf(paging, "scim_configurations", part, scimToWire(t)), nil
}

// scimTokenWire is a token as it is shown: the token itself once, to who made it.
type scimTokenWire struct {
	ID         string   `json:"token_id"`
	Token      string   `json:"token,omitempty"`
	Scopes     []string `json:"scopes"`
	CreatedAt  string   `json:"created_at"`
	ValidUntil string   `json:"valid_until,omitempty"`
	LastUsedAt string   `json:"last_used_at,omitempty"`
}

func scimTokenToWire(t client.SCIMToken) scimTokenWire {
	wire := scimTokenWire{ID: t.ID, Token: string(t.Secret), Scopes: t.Scopes, CreatedAt: stamp(t.Created)}
	if !t.Expires.IsZero() {
		wire.ValidUntil = stamp(t.Expires)
	}
	if !t.LastUsed.IsZero() {
		wire.LastUsedAt = stamp(t.LastUsed)
	}
	return wire
}

type scimTokensOut struct{ Body []scimTokenWire }

func (h handlers) listSCIMTokens(ctx context.Context, t tenancy.Tenant, in *connectionIDIn) (*scimTokensOut, error) {
	tokens, err := h.Clients.ListSCIMTokens(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	out := &scimTokensOut{Body: make([]scimTokenWire, len(tokens))}
	for i, token := range tokens {
		out.Body[i] = scimTokenToWire(token)
	}
	return out, nil
}

type createSCIMTokenIn struct {
	ID string `path:"id" maxLength:"64"`
	// Body may be left out: a token without an end, for users.
	Body *struct {
		Scopes   []string              `json:"scopes,omitempty" minItems:"1" maxItems:"10" nullable:"false" doc:"What the token allows; all of users when absent"`
		Lifetime mgmtkit.Optional[int] `json:"token_lifetime,omitzero" minimum:"901" maximum:"3153600000" doc:"Seconds, more than 900; null: without an end"`
	}
}

type scimTokenOut struct{ Body scimTokenWire }

func (h handlers) createSCIMToken(ctx context.Context, t tenancy.Tenant, in *createSCIMTokenIn) (*scimTokenOut, error) {
	scopes, life := []string(nil), time.Duration(0)
	if in.Body != nil {
		scopes, life = in.Body.Scopes, time.Duration(in.Body.Lifetime.Value)*time.Second
	}
	token, err := h.Clients.CreateSCIMToken(mgmtkit.Answering(ctx, scimTokenToWire), t.ID, in.ID, scopes, life)
	if err != nil {
		return nil, err
	}
	return &scimTokenOut{Body: scimTokenToWire(token)}, nil
}

type scimTokenIn struct {
	ID    string `path:"id" maxLength:"64"`
	Token string `path:"tokenId" maxLength:"64"`
}

func (h handlers) deleteSCIMToken(ctx context.Context, t tenancy.Tenant, in *scimTokenIn) (*struct{}, error) {
	return nil, h.Clients.DeleteSCIMToken(ctx, t.ID, in.ID, in.Token)
}
