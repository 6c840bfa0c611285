package httpapi

import (
	"context"
	"net/http"

	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// exchangeProfileWire is a profile of token exchanges as it is shown.
type exchangeProfileWire struct {
	ID               string `json:"id"`
	Name             string `json:"name"`
	SubjectTokenType string `json:"subject_token_type"`
	ActionID         string `json:"action_id"`
	Type             string `json:"type" enum:"custom_authentication"`
	CreatedAt        string `json:"created_at"`
	UpdatedAt        string `json:"updated_at"`
}

type exchangeProfilesIn struct {
	Take int    `query:"take" minimum:"1" maximum:"100" default:"50" doc:"Profiles a page"`
	From string `query:"from" maxLength:"256" doc:"Checkpoint: the next of the page before"`
}

// exchangeProfilesOut is a page of profiles; it is always an object.
type exchangeProfilesOut struct {
	Body struct {
		Profiles []exchangeProfileWire `json:"token_exchange_profiles"`
	}
}

type exchangeProfileOut struct{ Body exchangeProfileWire }

type exchangeProfileIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type createExchangeProfileIn struct {
	Body struct {
		Name             string `json:"name" minLength:"3" maxLength:"50"`
		SubjectTokenType string `json:"subject_token_type" minLength:"8" maxLength:"100"`
		ActionID         string `json:"action_id" minLength:"1" maxLength:"36"`
		Type             string `json:"type" enum:"custom_authentication"`
	}
}

type updateExchangeProfileIn struct {
	ID   string `path:"id" minLength:"1" maxLength:"64"`
	Body struct {
		Name             string `json:"name,omitempty" minLength:"3" maxLength:"50"`
		SubjectTokenType string `json:"subject_token_type,omitempty" minLength:"8" maxLength:"100"`
	}
}

func (h handlers) mountExchangeProfiles(api *mgmtkit.API) {
	const tag, profiles, profile = "token-exchange-profiles", "/token-exchange-profiles", "/token-exchange-profiles/{id}"
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_token_exchange_profiles", Summary: "Get token exchange profiles", Tag: tag, Method: http.MethodGet, Path: profiles, Scopes: []string{"read:token_exchange_profiles"}}, h.listExchangeProfiles)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_token_exchange_profile", Summary: "Create a token exchange profile", Tag: tag, Method: http.MethodPost, Path: profiles, Scopes: []string{"create:token_exchange_profiles"}, Status: http.StatusCreated}, h.createExchangeProfile)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_token_exchange_profile", Summary: "Get a token exchange profile", Tag: tag, Method: http.MethodGet, Path: profile, Scopes: []string{"read:token_exchange_profiles"}}, h.getExchangeProfile)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_token_exchange_profile", Summary: "Update an existing token exchange profile", Tag: tag, Method: http.MethodPatch, Path: profile, Scopes: []string{"update:token_exchange_profiles"}}, h.updateExchangeProfile)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_token_exchange_profile", Summary: "Delete a token exchange profile", Tag: tag, Method: http.MethodDelete, Path: profile, Scopes: []string{"delete:token_exchange_profiles"}, Status: http.StatusNoContent}, h.deleteExchangeProfile)
}

// listExchangeProfiles gives the tenant's profiles. Each needs an action, and none can be made yet, so there are none.
func (h handlers) listExchangeProfiles(_ context.Context, _ tenancy.Tenant, _ *exchangeProfilesIn) (*exchangeProfilesOut, error) {
	out := &exchangeProfilesOut{}
	out.Body.Profiles = []exchangeProfileWire{}
	return out, nil
}

func (h handlers) createExchangeProfile(_ context.Context, _ tenancy.Tenant, in *createExchangeProfileIn) (*exchangeProfileOut, error) {
	return nil, client.ExchangeProfile{Name: in.Body.Name, SubjectTokenType: in.Body.SubjectTokenType, ActionID: in.Body.ActionID}.Check()
}

func (h handlers) getExchangeProfile(_ context.Context, _ tenancy.Tenant, _ *exchangeProfileIn) (*exchangeProfileOut, error) {
	return nil, client.ErrNoExchangeProfile
}

func (h handlers) updateExchangeProfile(_ context.Context, _ tenancy.Tenant, _ *updateExchangeProfileIn) (*struct{}, error) {
	return nil, client.ErrNoExchangeProfile
}

func (h handlers) deleteExchangeProfile(_ context.Context, _ tenancy.Tenant, _ *exchangeProfileIn) (*struct{}, error) {
	return nil, client.ErrNoExchangeProfile
}
