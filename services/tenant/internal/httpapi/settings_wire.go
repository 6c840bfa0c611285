package httpapi

import "github.com/postern-id/postern/libs/mgmtkit"

// settingsBody has the wire's names and bounds. A property that was not sent is left out when it is encoded again.
type settingsBody struct {
	FriendlyName          mgmtkit.Optional[string]   `json:"friendly_name,omitzero" required:"false" maxLength:"120"`
	PictureURL            mgmtkit.Optional[string]   `json:"picture_url,omitzero" required:"false" maxLength:"2048"`
	SupportEmail          mgmtkit.Optional[string]   `json:"support_email,omitzero" required:"false" maxLength:"254"`
	SupportURL            mgmtkit.Optional[string]   `json:"support_url,omitzero" required:"false" maxLength:"2048"`
	DefaultAudience       mgmtkit.Optional[string]   `json:"default_audience,omitzero" required:"false" maxLength:"600"`
	DefaultDirectory      mgmtkit.Optional[string]   `json:"default_directory,omitzero" required:"false" maxLength:"128"`
	AllowedLogoutURLs     mgmtkit.Optional[[]string] `json:"allowed_logout_urls,omitzero" required:"false" maxItems:"100"`
	DefaultRedirectionURI mgmtkit.Optional[string]   `json:"default_redirection_uri,omitzero" required:"false" maxLength:"2048" pattern:"^(https://[^\\s#]+)?$" patternDescription:"https URL"`
	EnabledLocales        mgmtkit.Optional[[]string] `json:"enabled_locales,omitzero" required:"false" minItems:"1" maxItems:"100"`

	SessionLifetime                      mgmtkit.Optional[float64] `json:"session_lifetime,omitzero" required:"false" minimum:"0" maximum:"8760"`
	SessionLifetimeInMinutes             mgmtkit.Optional[float64] `json:"session_lifetime_in_minutes,omitzero" required:"false" minimum:"1" maximum:"525600"`
	IdleSessionLifetime                  mgmtkit.Optional[float64] `json:"idle_session_lifetime,omitzero" required:"false" minimum:"0" maximum:"8760"`
	IdleSessionLifetimeInMinutes         mgmtkit.Optional[float64] `json:"idle_session_lifetime_in_minutes,omitzero" required:"false" minimum:"1" maximum:"525600"`
	EphemeralLifetime                    mgmtkit.Optional[float64] `json:"ephemeral_session_lifetime,omitzero" required:"false" minimum:"0" maximum:"8760"`
	EphemeralSessionLifetimeInMinutes    mgmtkit.Optional[float64] `json:"ephemeral_session_lifetime_in_minutes,omitzero" required:"false" minimum:"1" maximum:"525600"`
	IdleEphemeralSessionLifetime         mgmtkit.Optional[float64] `json:"idle_ephemeral_session_lifetime,omitzero" required:"false" minimum:"0" maximum:"8760"`
	IdleEphemeralSessionLifetimeInMinute mgmtkit.Optional[float64] `json:"idle_ephemeral_session_lifetime_in_minutes,omitzero" required:"false" minimum:"1" maximum:"525600"`

	SessionCookie   mgmtkit.Optional[sessionCookie] `json:"session_cookie,omitzero" required:"false"`
	Sessions        mgmtkit.Optional[sessions]      `json:"sessions,omitzero" required:"false"`
	OIDCLogout      mgmtkit.Optional[oidcLogout]    `json:"oidc_logout,omitzero" required:"false"`
	ErrorPage       mgmtkit.Optional[errorPage]     `json:"error_page,omitzero" required:"false"`
	ChangePassword  mgmtkit.Optional[classicPage]   `json:"change_password,omitzero" required:"false"`
	GuardianMFAPage mgmtkit.Optional[classicPage]   `json:"guardian_mfa_page,omitzero" required:"false"`
	DeviceFlow      mgmtkit.Optional[deviceFlow]    `json:"device_flow,omitzero" required:"false"`
	MTLS            mgmtkit.Optional[mtls]          `json:"mtls,omitzero" required:"false"`
	Authorities     mgmtkit.Optional[[]string]      `json:"client_certificate_authorities,omitzero" required:"false" maxItems:"10"`
	TokenQuota      mgmtkit.Optional[quotas]        `json:"default_token_quota,omitzero" required:"false"`
	SecurityHeaders mgmtkit.Optional[securityHeads] `json:"security_headers,omitzero" required:"false"`
	CountryCodes    mgmtkit.Optional[countryCodes]  `json:"country_codes,omitzero" required:"false"`

	SandboxVersion       mgmtkit.Optional[string]   `json:"sandbox_version,omitzero" required:"false" enum:"22,18"`
	LegacySandboxVersion mgmtkit.Optional[string]   `json:"legacy_sandbox_version,omitzero" required:"false" maxLength:"8"`
	ACRValuesSupported   mgmtkit.Optional[[]string] `json:"acr_values_supported,omitzero" required:"false" maxItems:"50"`

	AllowOrganizationName  mgmtkit.Optional[bool]   `json:"allow_organization_name_in_authentication_api,omitzero" required:"false"`
	CustomizeMFA           mgmtkit.Optional[bool]   `json:"customize_mfa_in_postlogin_action,omitzero" required:"false"`
	PushedAuthorization    mgmtkit.Optional[bool]   `json:"pushed_authorization_requests_supported,omitzero" required:"false"`
	IssParameter           mgmtkit.Optional[bool]   `json:"authorization_response_iss_parameter_supported,omitzero" required:"false"`
	SkipConfirmationPrompt mgmtkit.Optional[bool]   `json:"skip_non_verifiable_callback_uri_confirmation_prompt,omitzero" required:"false"`
	ResourceParameter      mgmtkit.Optional[string] `json:"resource_parameter_profile,omitzero" required:"false" enum:"audience,compatibility"`
	ClientIDMetadata       mgmtkit.Optional[bool]   `json:"client_id_metadata_document_supported,omitzero" required:"false"`
	DCRSecurityMode        mgmtkit.Optional[string] `json:"dynamic_client_registration_security_mode,omitzero" required:"false" enum:"strict,permissive"`
	PhoneConsolidated      mgmtkit.Optional[bool]   `json:"phone_consolidated_experience,omitzero" required:"false"`
	EnableAIGuide          mgmtkit.Optional[bool]   `json:"enable_ai_guide,omitzero" required:"false"`
	SessionMetadataInLogs  mgmtkit.Optional[bool]   `json:"include_session_metadata_in_tenant_logs,omitzero" required:"false"`

	Flags mgmtkit.Optional[settingsFlags] `json:"flags,omitzero" required:"false"`
}

type sessionCookie struct {
	Mode string `json:"mode" enum:"persistent,non-persistent"`
}

type sessions struct {
	LogoutPrompt *bool              `json:"oidc_logout_prompt_enabled,omitempty"`
	Anonymous    *anonymousSessions `json:"anonymous,omitempty"`
}

type anonymousSessions struct {
	LifetimeInMinutes *int  `json:"lifetime_in_minutes,omitempty" minimum:"1" maximum:"525600"`
	ActivateCookie    *bool `json:"activate_cookie,omitempty"`
}

type oidcLogout struct {
	Discovery bool `json:"rp_logout_end_session_endpoint_discovery"`
}

type errorPage struct {
	HTML        *string `json:"html,omitempty" maxLength:"65536"`
	ShowLogLink *bool   `json:"show_log_link,omitempty"`
	URL         *string `json:"url,omitempty" maxLength:"2048"`
}

type classicPage struct {
	Enabled *bool   `json:"enabled,omitempty"`
	HTML    *string `json:"html,omitempty" maxLength:"65536"`
}

type deviceFlow struct {
	Charset string `json:"charset,omitempty" enum:"base20,digits"`
	Mask    string `json:"mask,omitempty" maxLength:"20" pattern:"^[*\\- ]*$"`
}

type mtls struct {
	EndpointAliases bool `json:"enable_endpoint_aliases"`
}

type quotas struct {
	Clients       *quota `json:"clients,omitempty"`
	Organizations *quota `json:"organizations,omitempty"`
}

type quota struct {
	ClientCredentials struct {
		Enforce *bool `json:"enforce,omitempty"`
		PerDay  *int  `json:"per_day,omitempty" minimum:"1" maximum:"2147483647"`
		PerHour *int  `json:"per_hour,omitempty" minimum:"1" maximum:"2147483647"`
	} `json:"client_credentials"`
}

type securityHeads struct {
	ContentSecurityPolicy map[string]any `json:"content_security_policy,omitempty"`
	XSSProtection         map[string]any `json:"x_xss_protection,omitempty"`
}

type countryCodes struct {
	List []string `json:"list,omitempty" maxItems:"250"`
	Mode string   `json:"mode,omitempty" enum:"allow,deny"`
}

// settingsFlags are the switches of the wire; a null takes one back to its default.
type settingsFlags struct {
	ChangePwdFlowV1              mgmtkit.Optional[bool] `json:"change_pwd_flow_v1,omitzero" required:"false"`
	EnableAPIsSection            mgmtkit.Optional[bool] `json:"enable_apis_section,omitzero" required:"false"`
	DisableImpersonation         mgmtkit.Optional[bool] `json:"disable_impersonation,omitzero" required:"false"`
	EnableClientConnections      mgmtkit.Optional[bool] `json:"enable_client_connections,omitzero" required:"false"`
	EnablePipeline2              mgmtkit.Optional[bool] `json:"enable_pipeline2,omitzero" required:"false"`
	LegacyDelegation             mgmtkit.Optional[bool] `json:"allow_legacy_delegation_grant_types,omitzero" required:"false"`
	LegacyRO                     mgmtkit.Optional[bool] `json:"allow_legacy_ro_grant_types,omitzero" required:"false"`
	LegacyTokeninfo              mgmtkit.Optional[bool] `json:"allow_legacy_tokeninfo_endpoint,omitzero" required:"false"`
	LegacyProfile                mgmtkit.Optional[bool] `json:"enable_legacy_profile,omitzero" required:"false"`
	EnableIDTokenAPI2            mgmtkit.Optional[bool] `json:"enable_idtoken_api2,omitzero" required:"false"`
	PublicSignupUserExistsError  mgmtkit.Optional[bool] `json:"enable_public_signup_user_exists_error,omitzero" required:"false"`
	EnableSSO                    mgmtkit.Optional[bool] `json:"enable_sso,omitzero" required:"false"`
	AllowChangingEnableSSO       mgmtkit.Optional[bool] `json:"allow_changing_enable_sso,omitzero" required:"false"`
	DisableClickjackProtection   mgmtkit.Optional[bool] `json:"disable_clickjack_protection_headers,omitzero" required:"false"`
	NoDiscloseEnterprise         mgmtkit.Optional[bool] `json:"no_disclose_enterprise_connections,omitzero" required:"false"`
	EnforcePasswordlessAuth      mgmtkit.Optional[bool] `json:"enforce_client_authentication_on_passwordless_start,omitzero" required:"false"`
	CannotChangePasswordlessAuth mgmtkit.Optional[bool] `json:"cannot_change_enforce_client_authentication_on_passwordless_start,omitzero" required:"false"`
	ADFSEmailVerification        mgmtkit.Optional[bool] `json:"enable_adfs_waad_email_verification,omitzero" required:"false"`
	RevokeRefreshTokenGrant      mgmtkit.Optional[bool] `json:"revoke_refresh_token_grant,omitzero" required:"false"`
	LogStreamsNext               mgmtkit.Optional[bool] `json:"dashboard_log_streams_next,omitzero" required:"false"`
	InsightsView                 mgmtkit.Optional[bool] `json:"dashboard_insights_view,omitzero" required:"false"`
	DisableFieldsMapFix          mgmtkit.Optional[bool] `json:"disable_fields_map_fix,omitzero" required:"false"`
	MFAShowFactorList            mgmtkit.Optional[bool] `json:"mfa_show_factor_list_on_enrollment,omitzero" required:"false"`
	RemoveAlgFromJWKS            mgmtkit.Optional[bool] `json:"remove_alg_from_jwks,omitzero" required:"false"`
	BotDetectionClassic          mgmtkit.Optional[bool] `json:"improved_signup_bot_detection_in_classic,omitzero" required:"false"`
	GenAITrial                   mgmtkit.Optional[bool] `json:"genai_trial,omitzero" required:"false"`
	LocalResourceDiscovery       mgmtkit.Optional[bool] `json:"local_resource_discovery,omitzero" required:"false"`
	DynamicClientRegistration    mgmtkit.Optional[bool] `json:"enable_dynamic_client_registration,omitzero" required:"false"`
	DisableSMSObfuscation        mgmtkit.Optional[bool] `json:"disable_management_api_sms_obfuscation,omitzero" required:"false"`
	TrustAzureEmailVerified      mgmtkit.Optional[bool] `json:"trust_azure_adfs_email_verified_connection_property,omitzero" required:"false"`
	CustomDomainsProvisioning    mgmtkit.Optional[bool] `json:"custom_domains_provisioning,omitzero" required:"false"`
	UniversalLogin               mgmtkit.Optional[bool] `json:"universal_login,omitzero" required:"false"`
	ScopeDescriptionsForConsent  mgmtkit.Optional[bool] `json:"use_scope_descriptions_for_consent,omitzero" required:"false"`
}
