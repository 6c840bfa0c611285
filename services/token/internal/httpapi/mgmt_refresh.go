package httpapi

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// refreshWire is a family of refresh tokens on the Management API.
type refreshWire struct {
	ID              string            `json:"id"`
	UserID          string            `json:"user_id"`
	Created         time.Time         `json:"created_at"`
	IdleExpires     *time.Time        `json:"idle_expires_at"`
	Expires         *time.Time        `json:"expires_at"`
	Device          *deviceWire       `json:"device,omitempty"`
	ClientID        string            `json:"client_id"`
	SessionID       *string           `json:"session_id"`
	Rotating        bool              `json:"rotating"`
	ResourceServers []resourceWire    `json:"resource_servers"`
	Metadata        map[string]string `json:"refresh_token_metadata,omitempty"`
	LastExchanged   *time.Time        `json:"last_exchanged_at"`
}

type deviceWire struct {
	InitialIP        string `json:"initial_ip"`
	InitialASN       string `json:"initial_asn"`
	InitialUserAgent string `json:"initial_user_agent"`
	LastIP           string `json:"last_ip"`
	LastASN          string `json:"last_asn"`
	LastUserAgent    string `json:"last_user_agent"`
}

type resourceWire struct {
	Audience string `json:"audience"`
	Scopes   string `json:"scopes"`
}

func toRefreshWire(r token.RefreshToken) refreshWire {
	w := refreshWire{
		ID: r.ID, UserID: r.UserID, Created: r.Created, IdleExpires: orNil(r.IdleUntil), Expires: orNil(r.Until), ClientID: r.ClientID,
		Rotating: r.Rotating, ResourceServers: []resourceWire{{Audience: r.Audience, Scopes: r.Scope.String()}}, Metadata: r.Metadata,
		LastExchanged: orNil(r.LastExchanged), Device: &deviceWire{
			InitialIP: r.First.IP, InitialUserAgent: r.First.UserAgent, LastIP: r.Last.IP, LastUserAgent: r.Last.UserAgent,
		},
	}
	if r.SessionID != "" {
		w.SessionID = &r.SessionID
	}
	return w
}

// Checkpoint is how lists that page by checkpoint alone are asked for.
type Checkpoint struct {
	Take int    `query:"take" minimum:"1" maximum:"100" default:"50" doc:"Items of a page"`
	From string `query:"from" maxLength:"1000" doc:"The next of the page before"`
	// IncludeTotals is what stock clients send out of habit.
	IncludeTotals bool `query:"include_totals" doc:"Changes nothing: there is no total in checkpoint paging"`
}

// markPrefix tells our marks from anything else that is base64.
const markPrefix = "after:"

// page gives the part that is asked for; one more than that is looked at, to know whether there is a next.
func (c Checkpoint) page() (token.Page, error) {
	p := token.Page{Limit: c.Take + 1}
	if c.From == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.From)
	after, ok := strings.CutPrefix(string(raw), markPrefix)
	if err != nil || !ok || after == "" || strings.ContainsRune(after, 0) {
		return token.Page{}, fault.Invalid("invalid_query_string", "Query validation error: 'Not a checkpoint of this list' on property from.")
	}
	p.After = after
	return p, nil
}

// list gives a page of families under the resource's name.
func (c Checkpoint) list(name string, list []token.RefreshToken, show func(refreshWire) any) *mgmtkit.List {
	next := ""
	if len(list) > c.Take {
		list = list[:c.Take]
		next = base64.RawURLEncoding.EncodeToString([]byte(markPrefix + list[c.Take-1].ID))
	}
	items := make([]any, 0, len(list))
	for _, r := range list {
		wire := toRefreshWire(r)
		wire.Device = nil // the wire's lists have none
		items = append(items, show(wire))
	}
	return mgmtkit.Page(mgmtkit.Paging{Take: c.Take}, name, items, 0, next)
}

type listRefreshIn struct {
	Checkpoint

	UserID        string `query:"user_id" required:"true" minLength:"1" maxLength:"300"`
	ClientID      string `query:"client_id" maxLength:"255"`
	Fields        string `query:"fields" maxLength:"2000" doc:"Properties, separated by commas"`
	IncludeFields bool   `query:"include_fields" default:"true" doc:"Whether fields are those to show, or those to leave out"`
}

type listRefreshOfUserIn struct {
	Checkpoint

	UserID string `path:"user_id" minLength:"1" maxLength:"300"`
}

type refreshOfUserIn struct {
	UserID string `path:"user_id" minLength:"1" maxLength:"300"`
}

type refreshIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

type refreshOut struct{ Body refreshWire }

type updateRefreshIn struct {
	ID   string `path:"id" minLength:"1" maxLength:"64"`
	Body struct {
		Metadata mgmtkit.Optional[map[string]string] `json:"refresh_token_metadata" doc:"What takes the place of the metadata; null takes it away"`
	}
}

type revokeRefreshIn struct {
	Body struct {
		IDs      []string `json:"ids,omitempty" minItems:"1" maxItems:"100" minLength:"1" maxLength:"30"`
		UserID   string   `json:"user_id,omitempty" minLength:"1" maxLength:"300"`
		ClientID string   `json:"client_id,omitempty" minLength:"1" maxLength:"255"`
		Audience string   `json:"audience,omitempty" minLength:"1" maxLength:"600"`
	}
}

func (d Management) mountRefreshTokens(api *mgmtkit.API) {
	const tag, all, one, ofUser = "refresh-tokens", "/refresh-tokens", "/refresh-tokens/{id}", "/users/{user_id}/refresh-tokens"
	read, end := []string{"read:refresh_tokens"}, []string{"delete:refresh_tokens"}
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_refresh_tokens", Summary: "Get refresh tokens", Tag: tag, Method: http.MethodGet, Path: all, Scopes: read}, d.listRefreshTokens)
	mgmtkit.Register(api, mgmtkit.Op{ID: "revoke_refresh_tokens", Summary: "Revoke refresh tokens", Tag: tag, Method: http.MethodPost, Path: all + "/revoke", Scopes: end, Status: http.StatusAccepted}, d.revokeRefreshTokens)
	mgmtkit.Register(api, mgmtkit.Op{ID: "get_refresh_token", Summary: "Get a refresh token", Tag: tag, Method: http.MethodGet, Path: one, Scopes: read}, d.getRefreshToken)
	mgmtkit.Register(api, mgmtkit.Op{ID: "update_refresh_token", Summary: "Update a refresh token", Tag: tag, Method: http.MethodPatch, Path: one, Scopes: []string{"update:refresh_tokens"}}, d.updateRefreshToken)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_refresh_token", Summary: "Delete a refresh token", Tag: tag, Method: http.MethodDelete, Path: one, Scopes: end, Status: http.StatusNoContent}, d.deleteRefreshToken)
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_refresh_tokens_of_user", Summary: "Get refresh tokens for a user", Tag: "users", Method: http.MethodGet, Path: ofUser, Scopes: read}, d.listRefreshTokensOfUser)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_refresh_tokens_of_user", Summary: "Delete refresh tokens for a user", Tag: "users", Method: http.MethodDelete, Path: ofUser, Scopes: end, Status: http.StatusAccepted}, d.deleteRefreshTokensOfUser)
}

func (d Management) listRefreshTokens(ctx context.Context, t tenancy.Tenant, in *listRefreshIn) (*mgmtkit.List, error) {
	page, err := in.page()
	if err != nil {
		return nil, err
	}
	list, _, err := d.Devices.ListRefreshTokens(ctx, t.ID, token.RefreshFilter{UserID: in.UserID, ClientID: in.ClientID}, page)
	if err != nil {
		return nil, err
	}
	return in.list("refresh_tokens", list, func(w refreshWire) any { return shown(w, in.Fields, in.IncludeFields) }), nil
}

func (d Management) listRefreshTokensOfUser(ctx context.Context, t tenancy.Tenant, in *listRefreshOfUserIn) (*mgmtkit.List, error) {
	page, err := in.page()
	if err != nil {
		return nil, err
	}
	list, _, err := d.Devices.ListRefreshTokens(ctx, t.ID, token.RefreshFilter{UserID: in.UserID}, page)
	if err != nil {
		return nil, err
	}
	return in.list("tokens", list, func(w refreshWire) any { return w }), nil
}

func (d Management) deleteRefreshTokensOfUser(ctx context.Context, t tenancy.Tenant, in *refreshOfUserIn) (*struct{}, error) {
	return nil, d.Devices.EndRefreshTokens(ctx, t.ID, token.RefreshFilter{UserID: in.UserID})
}

func (d Management) getRefreshToken(ctx context.Context, t tenancy.Tenant, in *refreshIn) (*refreshOut, error) {
	r, err := d.Devices.FindRefreshToken(ctx, t.ID, in.ID)
	if err != nil {
		return nil, err
	}
	return &refreshOut{Body: toRefreshWire(r)}, nil
}

func (d Management) updateRefreshToken(ctx context.Context, t tenancy.Tenant, in *updateRefreshIn) (*refreshOut, error) {
	r, err := d.Devices.SetMetadata(mgmtkit.Answering(ctx, toRefreshWire), t.ID, in.ID, in.Body.Metadata.Value)
	if err != nil {
		return nil, err
	}
	return &refreshOut{Body: toRefreshWire(r)}, nil
}

func (d Management) deleteRefreshToken(ctx context.Context, t tenancy.Tenant, in *refreshIn) (*struct{}, error) {
	return nil, d.Devices.EndRefreshToken(ctx, t.ID, in.ID)
}

func (d Management) revokeRefreshTokens(ctx context.Context, t tenancy.Tenant, in *revokeRefreshIn) (*struct{}, error) {
	return nil, d.Devices.EndRefreshTokens(ctx, t.ID, token.RefreshFilter{
		IDs: in.Body.IDs, UserID: in.Body.UserID, ClientID: in.Body.ClientID, Audience: in.Body.Audience,
	})
}

// shown cuts an item down to the properties asked for.
func shown(item any, fields string, include bool) any {
	if fields == "" {
		return item
	}
	wire := propertiesOf(item)
	named := strings.FieldsFunc(fields, func(r rune) bool { return r == ',' || r == ' ' })
	for name := range wire {
		if slices.Contains(named, name) != include {
			delete(wire, name)
		}
	}
	return wire
}
