package httpapi

import (
	"context"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// GrantFields are the properties of a client grant that can be changed later.
type GrantFields struct {
	Scope             mgmtkit.Optional[[]string] `json:"scope,omitzero" maxItems:"1000"`
	OrganizationUsage mgmtkit.Optional[string]   `json:"organization_usage,omitzero" enum:"deny,allow,require"`
	AnyOrganization   mgmtkit.Optional[bool]     `json:"allow_any_organization,omitzero"`
	DetailsTypes      mgmtkit.Optional[[]string] `json:"authorization_details_types,omitzero" minLength:"1" maxLength:"255"`
	AllScopes         mgmtkit.Optional[bool]     `json:"allow_all_scopes,omitzero"`
}

type createGrant struct {
	ClientID    string `json:"client_id,omitempty" maxLength:"128"`
	DefaultFor  string `json:"default_for,omitempty" enum:"third_party_clients"`
	Audience    string `json:"audience" minLength:"1" maxLength:"600"`
	SubjectType string `json:"subject_type,omitempty" enum:"client,user,anonymous_user"`
	GrantFields
}

type grantWire struct {
	ID          string `json:"id"`
	ClientID    string `json:"client_id,omitempty"`
	DefaultFor  string `json:"default_for,omitempty"`
	Audience    string `json:"audience"`
	SubjectType string `json:"subject_type"`
	System      bool   `json:"is_system,omitempty"`
	GrantFields
}

type grantOut struct{ Body object[grantWire] }

type listGrantsIn struct {
	mgmtkit.Paging

	ClientID        string `query:"client_id" maxLength:"128"`
	Audience        string `query:"audience" maxLength:"600"`
	SubjectType     string `query:"subject_type" enum:"client,user,anonymous_user"`
	DefaultFor      string `query:"default_for" enum:"third_party_clients"`
	AnyOrganization string `query:"allow_any_organization" enum:"true,false"`
}

func (h handlers) listGrants(ctx context.Context, t tenancy.Tenant, in *listGrantsIn) (*mgmtkit.List, error) {
	page, err := pageOf(in.Paging)
	if err != nil {
		return nil, err
	}
	part, err := h.Clients.ListGrants(ctx, t.ID, client.GrantFilter{
		ClientID: client.ID(in.ClientID), Audience: in.Audience, SubjectType: in.SubjectType, DefaultFor: in.DefaultFor,
		AnyOrganization: truth(in.AnyOrganization),
	}, page)
	if err != nil {
		return nil, err
	}
	return listOf(in.Paging, "client_grants", part, grantToWire), nil
}

type grantIDIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (h handlers) getGrant(ctx context.Context, t tenancy.Tenant, in *grantIDIn) (*grantOut, error) {
	g, err := h.Clients.FindGrant(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &grantOut{Body: grantToWire(g)}, nil
}

type createGrantIn struct {
	Body    createGrant
	RawBody []byte
}

func (h handlers) createGrant(ctx context.Context, t tenancy.Tenant, in *createGrantIn) (*grantOut, error) {
	settings, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	g, err := h.Clients.CreateGrant(mgmtkit.Answering(ctx, grantToWire), t.ID, settings)
	if err != nil {
		return nil, err
	}
	return &grantOut{Body: grantToWire(g)}, nil
}

type updateGrantIn struct {
	ID      string `path:"id" maxLength:"64"`
	Body    GrantFields
	RawBody []byte
}

func (h handlers) updateGrant(ctx context.Context, t tenancy.Tenant, in *updateGrantIn) (*grantOut, error) {
	patch, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	g, err := h.Clients.UpdateGrant(mgmtkit.Answering(ctx, grantToWire), t.ID, in.ID, patch)
	if err != nil {
		return nil, err
	}
	return &grantOut{Body: grantToWire(g)}, nil
}

type listGrantOrganizationsIn struct {
	mgmtkit.Paging

	ID string `path:"id" maxLength:"64"`
}

func (h handlers) listGrantOrganizations(ctx context.Context, t tenancy.Tenant, in *listGrantOrganizationsIn) (*mgmtkit.List, error) {
	if _, err := pageOf(in.Paging); err != nil {
		return nil, err
	}
	part, err := h.Clients.ListGrantOrganizations(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return listOf(in.Paging, "organizations", part, func(id string) map[string]any { return map[string]any{"id": id} }), nil
}

func (h handlers) deleteGrant(ctx context.Context, t tenancy.Tenant, in *grantIDIn) (*struct{}, error) {
	return nil, h.Clients.DeleteGrant(ctx, t.ID, in.ID)
}

func grantToWire(g client.Grant) map[string]any {
	wire := map[string]any(g.Settings.Clone())
	wire["id"], wire["audience"], wire["subject_type"] = g.ID, g.Audience, g.SubjectType
	wire["scope"] = append([]string{}, g.Scope...)
	if g.ClientID != "" {
		wire["client_id"] = string(g.ClientID)
	}
	if g.DefaultFor != "" {
		wire["default_for"] = g.DefaultFor
	}
	if g.System {
		wire["is_system"] = true
	}
	return wire
}
