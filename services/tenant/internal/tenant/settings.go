package tenant

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Settings are what a tenant changed of its defaults, by the names and in the units of the wire (`/api/v2/tenants/settings`). They
// are one document, not forty fields: the platform acts on few of them, and the door has checked their types. Lifetimes are kept in
// minutes only. The zero Settings are the defaults. Never changed in place.
type Settings map[string]any

// Names of the settings that the platform itself acts on.
const (
	FriendlyName          = "friendly_name"
	PictureURL            = "picture_url"
	SupportEmail          = "support_email"
	SupportURL            = "support_url"
	DefaultAudience       = "default_audience"
	DefaultDirectory      = "default_directory"
	AllowedLogoutURLs     = "allowed_logout_urls"
	DefaultRedirectionURI = "default_redirection_uri"
	Flags                 = "flags"
	// CertificateAuthorities stand behind the certificates by which clients authenticate (RFC 8705 §2.1), each as PEM. The wire has no such
	// setting, since there whoever ends TLS for the customer checks the chain; here it is this platform.
	CertificateAuthorities = "client_certificate_authorities"

	minutes = "_in_minutes" // the suffix of a lifetime's finer unit
)

// lifetimes are the settings in hours that have a twin in minutes, with their defaults.
var lifetimes = map[string]time.Duration{
	"session_lifetime":                168 * time.Hour,
	"idle_session_lifetime":           72 * time.Hour,
	"ephemeral_session_lifetime":      72 * time.Hour,
	"idle_ephemeral_session_lifetime": 24 * time.Hour,
}

// defaultFlags are the flags of a new tenant.
var defaultFlags = map[string]bool{
	"allow_changing_enable_sso":                                         false,
	"cannot_change_enforce_client_authentication_on_passwordless_start": true,
	"disable_impersonation":                                             true,
	"enable_client_connections":                                         true,
	"enable_dynamic_client_registration":                                false,
	"enable_sso":                                                        true,
	"enforce_client_authentication_on_passwordless_start":               true,
	"mfa_show_factor_list_on_enrollment":                                false,
	"revoke_refresh_token_grant":                                        false,
	"universal_login":                                                   true,
	"use_scope_descriptions_for_consent":                                false,
}

// lockedFlags cannot be changed by a tenant.
var lockedFlags = map[string]bool{
	"allow_changing_enable_sso": true, "cannot_change_enforce_client_authentication_on_passwordless_start": true,
	"disable_impersonation": true, "enforce_client_authentication_on_passwordless_start": true,
}

// defaults are the settings of a new tenant, without lifetimes and flags.
func defaults() map[string]any {
	return map[string]any{
		FriendlyName:          "",
		PictureURL:            "",
		SupportEmail:          "",
		SupportURL:            "",
		DefaultAudience:       "",
		DefaultDirectory:      "",
		AllowedLogoutURLs:     []any{},
		DefaultRedirectionURI: "",
		"enabled_locales":     []any{"en"},
		"session_cookie":      map[string]any{"mode": "persistent"},
		"sessions":            map[string]any{"oidc_logout_prompt_enabled": true},
		"oidc_logout":         map[string]any{"rp_logout_end_session_endpoint_discovery": true},
		"error_page":          map[string]any{"html": "", "show_log_link": true, "url": ""},
		"change_password":     map[string]any{"enabled": false, "html": ""},
		"guardian_mfa_page":   map[string]any{"enabled": false, "html": ""},
		"device_flow":         map[string]any{"charset": "base20", "mask": "****-****"},
		"sandbox_version":     "22",

		"sandbox_versions_available":                     []any{"22", "18"},
		"allow_organization_name_in_authentication_api":  false,
		"customize_mfa_in_postlogin_action":              false,
		"pushed_authorization_requests_supported":        false,
		"authorization_response_iss_parameter_supported": false,
		"resource_parameter_profile":                     "audience",
		"client_id_metadata_document_supported":          false,
		"dynamic_client_registration_security_mode":      "strict",
		"mtls": map[string]any{"enable_endpoint_aliases": false},
	}
}

// All gives every setting with its defaults, as the wire shows them.
func (s Settings) All() map[string]any {
	all := defaults()
	flags := map[string]any{}
	for name, on := range defaultFlags {
		flags[name] = on
	}
	all[Flags] = flags
	for name := range lifetimes {
		life := s.Lifetime(name)
		all[name] = life.Hours()
		if life%time.Hour != 0 {
			all[name+minutes] = int64(life / time.Minute)
		}
	}
	for name, value := range s {
		switch {
		case name == Flags:
			maps.Copy(flags, object(value))
		case isLifetime(name):
		default:
			all[name] = value
		}
	}
	return all
}

// Lifetime gives one of the lifetimes by its name in hours.
func (s Settings) Lifetime(name string) time.Duration {
	if m, ok := number(s[name+minutes]); ok {
		return time.Duration(m) * time.Minute
	}
	return lifetimes[name]
}

// Text gives a setting that is text; empty when it is not set.
func (s Settings) Text(name string) string {
	text, _ := s[name].(string)
	return text
}

// Texts gives a setting that is a list of texts.
func (s Settings) Texts(name string) []string {
	list, _ := s[name].([]any)
	var out []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// AllFlags gives every flag with its default.
func (s Settings) AllFlags() map[string]bool {
	flags := maps.Clone(defaultFlags)
	for name, value := range object(s[Flags]) {
		if on, ok := value.(bool); ok {
			flags[name] = on
		}
	}
	return flags
}

// maxLifetime is the most hours a session may last.
const maxLifetime = 8760 * time.Hour

// Patch gives settings with the changes of one PATCH: a property replaces the one there was, null takes it back to its default, and
// flags are merged one by one. Invalid when a lifetime comes in both units or out of bounds, or a flag is locked.
func (s Settings) Patch(changes map[string]any) (Settings, error) {
	out := maps.Clone(s)
	if out == nil {
		out = Settings{}
	}
	for name, value := range changes {
		switch {
		case name == Flags:
			flags, err := patchFlags(object(out[Flags]), object(value))
			if err != nil {
				return nil, err
			}
			out[Flags] = flags
		case isLifetime(name):
			if err := out.patchLifetime(name, value, changes); err != nil {
				return nil, err
			}
		case value == nil:
			delete(out, name)
		case name == CertificateAuthorities:
			out[name] = value
			if _, err := out.Authorities(); err != nil {
				return nil, err
			}
		default:
			out[name] = value
		}
	}
	return out, nil
}

func patchFlags(old, changes map[string]any) (map[string]any, error) {
	flags := map[string]any{}
	maps.Copy(flags, old)
	for name, value := range changes {
		on, ok := value.(bool)
		if value == nil {
			delete(flags, name)
			continue
		}
		if ok && lockedFlags[name] && on != defaultFlags[name] {
			return nil, fault.Invalid("invalid_body", "The flag "+name+" cannot be changed")
		}
		flags[name] = value
	}
	return flags, nil
}

func (s Settings) patchLifetime(name string, value any, changes map[string]any) error {
	base, isMinutes := strings.CutSuffix(name, minutes)
	if _, both := changes[base]; isMinutes && both {
		return fault.Invalid("invalid_body", "Only one of "+base+" and "+name+" may be given")
	}
	if value == nil {
		delete(s, base+minutes)
		return nil
	}
	n, ok := number(value)
	if !ok {
		return fault.Invalid("invalid_body", name+" must be a number")
	}
	life := time.Duration(n * float64(time.Hour))
	if isMinutes {
		life = time.Duration(n * float64(time.Minute))
	}
	life = life.Round(time.Minute)
	if life < time.Minute || life > maxLifetime {
		return fault.Invalid("invalid_body", name+" must be at least one minute and at most 8760 hours")
	}
	s[base+minutes] = float64(life / time.Minute)
	return nil
}

func isLifetime(name string) bool {
	_, ok := lifetimes[strings.TrimSuffix(name, minutes)]
	return ok
}

// object reads a JSON object; anything else is empty.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// number reads a JSON number.
func number(v any) (float64, bool) {
	n, ok := v.(float64)
	return n, ok
}

// SettingsService are the verbs on settings.
type SettingsService struct{ store SettingsStore }

// NewSettingsService makes the verbs.
func NewSettingsService(store SettingsStore) *SettingsService { return &SettingsService{store} }

// Find gives the tenant's settings; NotFound.
func (s *SettingsService) Find(ctx context.Context, id tenancy.ID) (Settings, error) {
	return s.store.Find(ctx, id)
}

// Update changes the settings named (see Settings.Patch) and gives them all; NotFound, Invalid.
func (s *SettingsService) Update(ctx context.Context, id tenancy.ID, changes map[string]any) (Settings, error) {
	return s.store.Update(ctx, id, func(old Settings) (Settings, error) { return old.Patch(changes) })
}
