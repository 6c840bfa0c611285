package httpapi

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

type listActionsIn struct {
	Trigger       string `query:"triggerId" maxLength:"128"`
	Name          string `query:"actionName" maxLength:"256"`
	Deployed      string `query:"deployed" enum:"true,false"`
	Installed     string `query:"installed" enum:"true,false"`
	Page          int    `query:"page" minimum:"0" maximum:"10000000" doc:"Page, from 0"`
	PerPage       int    `query:"per_page" minimum:"1" maximum:"100" default:"50" doc:"Items a page"`
	IncludeTotals bool   `query:"include_totals" doc:"Makes no difference: this list always has its total"`
}

// actionsOut is a page of actions, whose lists have keys of their own on this wire.
type actionsOut struct {
	Body struct {
		Actions []struct{} `json:"actions"`
		Total   int        `json:"total"`
		Page    int        `json:"page"`
		PerPage int        `json:"per_page"`
	}
}

// listActions gives the tenant's actions. None can be made yet, so there are none; tools that look connections up read them, too.
func (h handlers) listActions(_ context.Context, _ tenancy.Tenant, in *listActionsIn) (*actionsOut, error) {
	out := &actionsOut{}
	out.Body.Actions, out.Body.Page, out.Body.PerPage = []struct{}{}, in.Page, in.PerPage
	return out, nil
}
