package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// The kinds of device credentials, as the wire calls them.
const (
	devicePublicKey = "public_key"
	deviceRefresh   = "refresh_token"
	deviceRotating  = "rotating_refresh_token"
)

// The scopes by which a user handles their own device credentials.
const (
	scopeCreateOwnDevices = "create:current_user_device_credentials"
	scopeDeleteOwnDevices = "delete:current_user_device_credentials"
	scopeDeleteDevices    = "delete:device_credentials"
)

type deviceCredential struct {
	ID         string `json:"id"`
	DeviceName string `json:"device_name"`
	DeviceID   string `json:"device_id"`
	Type       string `json:"type"`
	UserID     string `json:"user_id"`
	ClientID   string `json:"client_id,omitempty"`
}

type listDevicesIn struct {
	mgmtkit.Paging

	Fields        string `query:"fields" maxLength:"2000" doc:"Properties, separated by commas"`
	IncludeFields bool   `query:"include_fields" default:"true" doc:"Whether fields are those to show, or those to leave out"`
	UserID        string `query:"user_id" maxLength:"300"`
	ClientID      string `query:"client_id" maxLength:"255"`
	Type          string `query:"type" enum:"public_key,refresh_token,rotating_refresh_token" default:"refresh_token"`
}

type createDeviceIn struct {
	Body struct {
		DeviceName string `json:"device_name" minLength:"1" maxLength:"255"`
		Type       string `json:"type" enum:"public_key"`
		Value      string `json:"value" minLength:"1" maxLength:"8192" doc:"Base64 of the public key"`
		DeviceID   string `json:"device_id" minLength:"1" maxLength:"255"`
		ClientID   string `json:"client_id,omitempty" maxLength:"255"`
	}
}

type createdDevice struct {
	ID string `json:"id"`
}

type createDeviceOut struct{ Body createdDevice }

type deviceIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64"`
}

func (d Management) mountDeviceCredentials(api *mgmtkit.API) {
	const tag, all = "device-credentials", "/device-credentials"
	mgmtkit.Register(api, mgmtkit.Op{ID: "list_device_credentials", Summary: "Retrieve device credentials", Tag: tag, Method: http.MethodGet, Path: all, Scopes: []string{"read:device_credentials"}}, d.listDevices)
	mgmtkit.Register(api, mgmtkit.Op{ID: "create_device_credential", Summary: "Create a device public key credential", Tag: tag, Method: http.MethodPost, Path: all, Scopes: []string{scopeCreateOwnDevices}, Status: http.StatusCreated}, d.createDevice)
	mgmtkit.Register(api, mgmtkit.Op{ID: "delete_device_credential", Summary: "Delete a device credential", Tag: tag, Method: http.MethodDelete, Path: all + "/{id}", Scopes: []string{scopeDeleteDevices, scopeDeleteOwnDevices}, Status: http.StatusNoContent}, d.deleteDevice)
}

func (d Management) listDevices(ctx context.Context, t tenancy.Tenant, in *listDevicesIn) (*mgmtkit.List, error) {
	if in.Checkpoint() {
		return nil, fault.Invalid("invalid_query_string", "Device credentials are paged by page and per_page")
	}
	items, total, err := d.devices(ctx, t, in)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		out = append(out, shown(item, in.Fields, in.IncludeFields))
	}
	return mgmtkit.Page(in.Paging, "device_credentials", out, total, ""), nil
}

func (d Management) devices(ctx context.Context, t tenancy.Tenant, in *listDevicesIn) (items []deviceCredential, total int, err error) {
	page := token.Page{Offset: in.Offset(), Limit: in.Limit()}
	if in.Type == devicePublicKey {
		keys, total, err := d.Devices.ListKeys(ctx, t.ID, in.UserID, in.ClientID, page)
		for _, k := range keys {
			items = append(items, deviceCredential{ID: k.ID, DeviceName: k.DeviceName, DeviceID: k.DeviceID, Type: devicePublicKey, UserID: k.UserID, ClientID: k.ClientID})
		}
		return items, total, err
	}
	rotating := in.Type == deviceRotating
	list, total, err := d.Devices.ListRefreshTokens(ctx, t.ID, token.RefreshFilter{UserID: in.UserID, ClientID: in.ClientID, Rotating: &rotating}, page)
	for _, r := range list {
		items = append(items, deviceCredential{ID: r.ID, DeviceName: r.First.UserAgent, DeviceID: r.ID, Type: in.Type, UserID: r.UserID, ClientID: r.ClientID})
	}
	return items, total, err
}

// createDevice stores a key of the user who calls.
func (d Management) createDevice(ctx context.Context, t tenancy.Tenant, in *createDeviceIn) (*createDeviceOut, error) {
	user := callingUser(ctx)
	if user == "" {
		return nil, fault.Denied("insufficient_scope", "A user's token is needed")
	}
	b := in.Body
	answer := func(id string) createdDevice { return createdDevice{ID: id} }
	id, err := d.Devices.AddKey(mgmtkit.Answering(ctx, answer), t.ID, token.DeviceKey{
		UserID: user, ClientID: b.ClientID, DeviceID: b.DeviceID, DeviceName: b.DeviceName, PublicKey: b.Value,
	})
	if err != nil {
		return nil, err
	}
	return &createDeviceOut{Body: answer(id)}, nil
}

// deleteDevice deletes any credential for an administrator, and a user's own for the user.
func (d Management) deleteDevice(ctx context.Context, t tenancy.Tenant, in *deviceIn) (*struct{}, error) {
	user := ""
	if !mgmtkit.CallerOf(ctx).Has(scopeDeleteDevices) {
		if user = callingUser(ctx); user == "" {
			return nil, fault.Denied("insufficient_scope", "A user's token is needed")
		}
	}
	return nil, d.Devices.Delete(ctx, t.ID, in.ID, user)
}

// callingUser gives the user whose token the caller holds; empty: a client acts for itself.
func callingUser(ctx context.Context) string {
	subject := mgmtkit.CallerOf(ctx).Subject
	if strings.HasSuffix(subject, "@clients") {
		return ""
	}
	return subject
}

// propertiesOf gives what an answer has on the wire.
func propertiesOf(v any) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // fixed shapes
	}
	out := map[string]any{}
	if err := json.Unmarshal(raw, &out); err != nil {
		panic(err)
	}
	return out
}
