package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

func registerSettings(api *mgmtkit.API, settings *tenant.SettingsService) {
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "get_tenant_settings", Summary: "Get tenant settings", Method: http.MethodGet, Path: "/tenants/settings",
		Scopes: []string{"read:tenant_settings"}, Tag: "tenants",
	}, func(ctx context.Context, t tenancy.Tenant, in *settingsQuery) (*settingsOutput, error) {
		found, err := settings.Find(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		return &settingsOutput{Body: in.pick(found.All())}, nil
	})
	mgmtkit.Register(api, mgmtkit.Op{
		ID: "update_tenant_settings", Summary: "Update tenant settings", Method: http.MethodPatch, Path: "/tenants/settings",
		Scopes: []string{"update:tenant_settings"}, Tag: "tenants",
	}, func(ctx context.Context, t tenancy.Tenant, in *settingsPatch) (*settingsOutput, error) {
		changes, err := in.changes()
		if err != nil {
			return nil, err
		}
		updated, err := settings.Update(mgmtkit.Answering(ctx, tenant.Settings.All), t.ID, changes)
		if err != nil {
			return nil, err
		}
		return &settingsOutput{Body: updated.All()}, nil
	})
}

type settingsOutput struct{ Body map[string]any }

// settingsQuery picks fields of the answer.
type settingsQuery struct {
	Fields        string `query:"fields" maxLength:"2048" pattern:"^[A-Za-z0-9_]+(,[A-Za-z0-9_]+)*$" doc:"Names, separated by commas"`
	IncludeFields bool   `query:"include_fields" default:"true" doc:"False: all fields but those named"`
}

func (q *settingsQuery) pick(all map[string]any) map[string]any {
	if q.Fields == "" {
		return all
	}
	named := strings.Split(q.Fields, ",")
	maps.DeleteFunc(all, func(name string, _ any) bool { return slices.Contains(named, name) != q.IncludeFields })
	return all
}

// settingsPatch is what a PATCH may hold; types and bounds are checked by the declaration, the rest by the domain.
type settingsPatch struct {
	Body settingsBody
}

// changes gives exactly the properties that were sent, by their names.
func (p *settingsPatch) changes() (map[string]any, error) {
	raw, err := json.Marshal(p.Body)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding the settings sent: %w", err))
	}
	changes := map[string]any{}
	if err := json.Unmarshal(raw, &changes); err != nil {
		return nil, fault.Internal(fmt.Errorf("decoding the settings sent: %w", err))
	}
	return changes, nil
}
