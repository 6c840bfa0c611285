package httpapi

import (
	"context"
	"net/http"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// grantWire is what a user agreed to, by the name that the wire has for it.
type grantWire struct {
	ID       string   `json:"id"`
	ClientID string   `json:"clientID"`
	UserID   string   `json:"user_id"`
	Audience string   `json:"audience"`
	Scope    []string `json:"scope"`
}

type listGrantsIn struct {
	mgmtkit.Paging

	UserID   string `query:"user_id" maxLength:"1024"`
	ClientID string `query:"client_id" maxLength:"255"`
	Audience string `query:"audience" maxLength:"600"`
}

type grantIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type grantsOfUserIn struct {
	UserID string `query:"user_id" required:"true" minLength:"1" maxLength:"1024"`
}

func (d Management) mountGrants(api *mgmtkit.API) {
	const tag = "grants"
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "list_grants", Summary: "Get grants", Tag: tag, Method: http.MethodGet, Path: "/grants", Scopes: []string{"read:grants"},
	}, d.listGrants)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "delete_grants_of_user", Summary: "Delete a grant by user_id", Tag: tag, Method: http.MethodDelete, Path: "/grants",
		Scopes: []string{"delete:grants"}, Status: http.StatusNoContent,
	}, d.deleteGrantsOfUser)
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "delete_grant", Summary: "Delete a grant by id", Tag: tag, Method: http.MethodDelete, Path: "/grants/{id}",
		Scopes: []string{"delete:grants"}, Status: http.StatusNoContent,
	}, d.deleteGrant)
}

func (d Management) listGrants(ctx context.Context, t tenancy.Tenant, in *listGrantsIn) (*mgmtkit.List, error) {
	if in.Checkpoint() {
		return nil, fault.Invalid("invalid_query_string", "Grants are paged by page and per_page")
	}
	filter := token.ConsentFilter{UserID: in.UserID, ClientID: in.ClientID, Audience: in.Audience}
	list, total, err := d.Consents.ListConsents(ctx, t.ID, filter, in.Offset(), in.Limit())
	if err != nil {
		return nil, err
	}
	items := make([]grantWire, 0, len(list))
	for _, c := range list {
		items = append(items, grantWire{ID: c.ID, ClientID: c.ClientID, UserID: c.UserID, Audience: c.Audience, Scope: append([]string{}, c.Scope...)})
	}
	return mgmtkit.Page(in.Paging, "grants", items, total, ""), nil
}

func (d Management) deleteGrantsOfUser(ctx context.Context, t tenancy.Tenant, in *grantsOfUserIn) (*struct{}, error) {
	_, err := d.Consents.WithdrawConsents(ctx, t.ID, "", token.ConsentFilter{UserID: in.UserID}, d.Now())
	return nil, err
}

// deleteGrant takes a grant back; one that is gone already is fine, as on the wire.
func (d Management) deleteGrant(ctx context.Context, t tenancy.Tenant, in *grantIn) (*struct{}, error) {
	_, err := d.Consents.WithdrawConsents(ctx, t.ID, in.ID, token.ConsentFilter{}, d.Now())
	return nil, err
}
