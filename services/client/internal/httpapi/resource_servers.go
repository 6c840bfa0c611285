package httpapi

import (
	"context"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// ResourceServerFields are the properties of a resource server that a caller may set.
type ResourceServerFields struct {
	Scopes          mgmtkit.Optional[[]scopeWire] `json:"scopes,omitzero"`
	SigningAlg      mgmtkit.Optional[string]      `json:"signing_alg,omitzero" enum:"HS256,RS256,RS512,PS256,ES256"`
	SigningSecret   mgmtkit.Optional[string]      `json:"signing_secret,omitzero" minLength:"16" maxLength:"1024"`
	Offline         mgmtkit.Optional[bool]        `json:"allow_offline_access,omitzero"`
	Online          mgmtkit.Optional[bool]        `json:"allow_online_access,omitzero"`
	OnlineEphemeral mgmtkit.Optional[bool]        `json:"allow_online_access_with_ephemeral_sessions,omitzero"`
	SkipConsent     mgmtkit.Optional[bool]        `json:"skip_consent_for_verifiable_first_party_clients,omitzero"`
	Lifetime        mgmtkit.Optional[int]         `json:"token_lifetime,omitzero" minimum:"1" maximum:"2592000"`
	WebLifetime     mgmtkit.Optional[int]         `json:"token_lifetime_for_web,omitzero" minimum:"1" maximum:"2592000"`
	AnonLifetime    mgmtkit.Optional[int]         `json:"token_lifetime_for_anonymous_access_tokens,omitzero" minimum:"1" maximum:"2592000"`
	Dialect         mgmtkit.Optional[string]      `json:"token_dialect,omitzero" enum:"access_token,access_token_authz,rfc9068_profile,rfc9068_profile_authz"`
	EnforcePolicies mgmtkit.Optional[bool]        `json:"enforce_policies,omitzero"`
	Encryption      mgmtkit.Optional[encryption]  `json:"token_encryption,omitzero"`
	ConsentPolicy   mgmtkit.Optional[string]      `json:"consent_policy,omitzero" enum:"standard,transactional-authorization-with-mfa"`
	AuthDetails     mgmtkit.Optional[[]any]       `json:"authorization_details,omitzero"`
	Proof           mgmtkit.Optional[proof]       `json:"proof_of_possession,omitzero"`
	Subjects        mgmtkit.Optional[subjects]    `json:"subject_type_authorization,omitzero"`
	Policy          mgmtkit.Optional[policy]      `json:"authorization_policy,omitzero"`
}

type createResourceServer struct {
	Name       mgmtkit.Optional[string] `json:"name,omitzero" minLength:"1" maxLength:"200" pattern:"^[^<>]+$"`
	Identifier string                   `json:"identifier" minLength:"1" maxLength:"600"`
	ResourceServerFields
}

type updateResourceServer struct {
	Name mgmtkit.Optional[string] `json:"name,omitzero" minLength:"1" maxLength:"200" pattern:"^[^<>]+$"`
	ResourceServerFields
}

type resourceServerWire struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
	System     bool   `json:"is_system,omitempty"`
	ClientID   string `json:"client_id,omitempty"`
	ResourceServerFields
}

type scopeWire struct {
	Value       string `json:"value" minLength:"1" maxLength:"280"`
	Description string `json:"description,omitempty" maxLength:"500"`
}

type encryption struct {
	Format string `json:"format" enum:"compact-nested-jwe"`
	Key    struct {
		Name string `json:"name,omitempty" maxLength:"128"`
		Alg  string `json:"alg" enum:"RSA-OAEP-256,RSA-OAEP-384,RSA-OAEP-512"`
		Kid  string `json:"kid,omitempty" maxLength:"128"`
		PEM  string `json:"pem" maxLength:"4096"`
	} `json:"encryption_key"`
}

type proof struct {
	Mechanism   string `json:"mechanism" enum:"mtls,dpop"`
	Required    bool   `json:"required"`
	RequiredFor string `json:"required_for,omitempty" enum:"public_clients,all_clients"`
}

type subjects struct {
	User      *subjectPolicy `json:"user,omitempty"`
	Client    *subjectPolicy `json:"client,omitempty"`
	Anonymous *subjectPolicy `json:"anonymous_user,omitempty"`
}

type subjectPolicy struct {
	Policy string `json:"policy" enum:"allow_all,deny_all,require_client_grant"`
}

type policy struct {
	ID string `json:"policy_id" minLength:"1"`
}

type resourceServerOut struct{ Body object[resourceServerWire] }

type listResourceServersIn struct {
	mgmtkit.Paging
	Shown

	Identifiers []string `query:"identifiers,explode"`
	Identifier  string   `query:"identifier" maxLength:"600"`
}

func (h handlers) listResourceServers(ctx context.Context, t tenancy.Tenant, in *listResourceServersIn) (*mgmtkit.List, error) {
	page, err := pageOf(in.Paging)
	if err != nil {
		return nil, err
	}
	identifiers := split(in.Identifiers)
	if in.Identifier != "" {
		identifiers = append(identifiers, in.Identifier)
	}
	part, err := h.Clients.ListResourceServers(ctx, t.ID, identifiers, page)
	if err != nil {
		return nil, err
	}
	return listOf(in.Paging, "resource_servers", part, func(r client.ResourceServer) map[string]any { return in.of(resourceServerToWire(r)) }), nil
}

type getResourceServerIn struct {
	Shown

	ID string `path:"id" maxLength:"600" doc:"Id or identifier"`
}

func (h handlers) getResourceServer(ctx context.Context, t tenancy.Tenant, in *getResourceServerIn) (*resourceServerOut, error) {
	r, err := h.Clients.FindResourceServer(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &resourceServerOut{Body: in.of(resourceServerToWire(r))}, nil
}

type createResourceServerIn struct {
	Body    createResourceServer
	RawBody []byte
}

func (h handlers) createResourceServer(ctx context.Context, t tenancy.Tenant, in *createResourceServerIn) (*resourceServerOut, error) {
	settings, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	if in.Body.Identifier == t.UserinfoAudience() {
		return nil, client.ErrIdentifierTaken // by the platform: what opens /userinfo is no tenant's to hand out
	}
	r, err := h.Clients.CreateResourceServer(mgmtkit.Answering(ctx, resourceServerToWire), t.ID, settings)
	if err != nil {
		return nil, err
	}
	return &resourceServerOut{Body: resourceServerToWire(r)}, nil
}

type updateResourceServerIn struct {
	ID      string `path:"id" maxLength:"600"`
	Body    updateResourceServer
	RawBody []byte
}

func (h handlers) updateResourceServer(ctx context.Context, t tenancy.Tenant, in *updateResourceServerIn) (*resourceServerOut, error) {
	patch, err := sent(in.RawBody)
	if err != nil {
		return nil, err
	}
	r, err := h.Clients.UpdateResourceServer(mgmtkit.Answering(ctx, resourceServerToWire), t.ID, in.ID, patch)
	if err != nil {
		return nil, err
	}
	return &resourceServerOut{Body: resourceServerToWire(r)}, nil
}

type resourceServerIDIn struct {
	ID string `path:"id" maxLength:"600"`
}

func (h handlers) deleteResourceServer(ctx context.Context, t tenancy.Tenant, in *resourceServerIDIn) (*struct{}, error) {
	return nil, h.Clients.DeleteResourceServer(ctx, t.ID, in.ID)
}

func resourceServerToWire(r client.ResourceServer) map[string]any {
	wire := map[string]any(r.Settings.Clone())
	wire["id"], wire["name"], wire["identifier"] = r.ID, r.Name, r.Identifier
	if r.System {
		wire["is_system"] = true
	}
	if r.SigningSecret != "" && r.SigningAlg() == "HS256" {
		wire["signing_secret"] = string(r.SigningSecret)
	}
	if r.ClientID != "" {
		wire["client_id"] = string(r.ClientID)
	}
	return wire
}
