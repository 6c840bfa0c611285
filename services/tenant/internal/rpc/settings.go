package rpc

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/fault"
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
	all := document(found.All())
	authorities, err := found.Authorities()
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("reading certificate authorities: %w", err)) // they were checked when they were set
	}
	return &tenantapi.Settings{
		FriendlyName: found.Text(tenant.FriendlyName), PictureUrl: found.Text(tenant.PictureURL), SupportEmail: found.Text(tenant.SupportEmail),
		SupportUrl: found.Text(tenant.SupportURL), DefaultAudience: found.Text(tenant.DefaultAudience),
		DefaultDirectory: found.Text(tenant.DefaultDirectory), AllowedLogoutUrls: found.Texts(tenant.AllowedLogoutURLs),
		SessionLifetimeSeconds:     int64(found.Lifetime("session_lifetime") / time.Second),
		IdleSessionLifetimeSeconds: int64(found.Lifetime("idle_session_lifetime") / time.Second),
		DefaultRedirectionUri:      found.Text(tenant.DefaultRedirectionURI), Flags: found.AllFlags(),
		EphemeralSessionLifetimeSeconds:     int64(found.Lifetime("ephemeral_session_lifetime") / time.Second),
		IdleEphemeralSessionLifetimeSeconds: int64(found.Lifetime("idle_ephemeral_session_lifetime") / time.Second),
		EphemeralSessions:                   all.group("session_cookie").text("mode") == "non-persistent",
		LogoutPrompt:                        all.group("sessions").flag("oidc_logout_prompt_enabled"),
		EndSessionDiscovery:                 all.group("oidc_logout").flag("rp_logout_end_session_endpoint_discovery"),
		PushedRequests:                      all.flag("pushed_authorization_requests_supported"),
		IssuerInResponses:                   all.flag("authorization_response_iss_parameter_supported"),
		AcrValuesSupported:                  found.Texts("acr_values_supported"),
		MtlsAliases:                         all.group("mtls").flag("enable_endpoint_aliases"),
		SkipConfirmation:                    all.flag("skip_non_verifiable_callback_uri_confirmation_prompt"),
		ResourceParameter:                   all.text("resource_parameter_profile") == "compatibility",
		EnabledLocales:                      tenant.Settings(all).Texts("enabled_locales"),
		UserCodeCharset:                     all.group("device_flow").text("charset"),
		UserCodeMask:                        all.group("device_flow").text("mask"),
		CertificateAuthorities:              authorities,
		ErrorPageUrl:                        all.group("error_page").text("url"),
		ClientQuota:                         toQuota(all.group("default_token_quota").group("clients")),
	}, nil
}

// toQuota gives a default quota; nil: there is none. Where it does not say, it is enforced, as on the wire.
func toQuota(d document) *tenantapi.TokenQuota {
	q := d.group("client_credentials")
	if q == nil {
		return nil
	}
	_, said := q["enforce"].(bool)
	return &tenantapi.TokenQuota{Enforce: q.flag("enforce") || !said, PerHour: q.number("per_hour"), PerDay: q.number("per_day")}
}

// document reads the wire's settings by their names; what is not there, or of another type, is the zero value.
type document map[string]any

func (d document) group(name string) document { g, _ := d[name].(map[string]any); return g }
func (d document) text(name string) string    { s, _ := d[name].(string); return s }
func (d document) number(name string) int64   { n, _ := d[name].(float64); return int64(n) }
func (d document) flag(name string) bool      { b, _ := d[name].(bool); return b }
