package rpc

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Settings answers SettingsService.
type Settings struct{ Settings *tenant.SettingsService }

// FindSettings implements SettingsServiceHandler.
func (s *Settings) FindSettings(ctx context.Context, r *tenantapi.FindSettingsRequest) (*tenantapi.Settings, error) {
	found, err := s.Settings.Find(ctx, tenancy.ID(r.GetTenantId()))
	if err != nil {
		return nil, err
	}
	return &tenantapi.Settings{
		FriendlyName: found.Text(tenant.FriendlyName), PictureUrl: found.Text(tenant.PictureURL), SupportEmail: found.Text(tenant.SupportEmail),
		SupportUrl: found.Text(tenant.SupportURL), DefaultAudience: found.Text(tenant.DefaultAudience),
		DefaultDirectory: found.Text(tenant.DefaultDirectory), AllowedLogoutUrls: found.Texts(tenant.AllowedLogoutURLs),
		SessionLifetimeSeconds:     int64(found.Lifetime("session_lifetime") / time.Second),
		IdleSessionLifetimeSeconds: int64(found.Lifetime("idle_session_lifetime") / time.Second),
		DefaultRedirectionUri:      found.Text(tenant.DefaultRedirectionURI), Flags: found.AllFlags(),
	}, nil
}
