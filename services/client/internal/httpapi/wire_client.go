package httpapi

import "github.com/postern-id/postern/libs/mgmtkit"

// ClientFields are the properties of a client that a caller may set, each with its type. The values are kept as they were sent; these
// types are what they are held against, and what the API description says. To add a property, add a line.
type ClientFields struct {
	Description mgmtkit.Optional[string] `json:"description,omitzero" maxLength:"140"`
	LogoURI     mgmtkit.Optional[string] `json:"logo_uri,omitzero" maxLength:"2048"`
	AppType     mgmtkit.Optional[string] `json:"app_type,omitzero" enum:"native,spa,regular_web,non_interactive,resource_server,express_configuration,sso_integration,oag,rms,box,cloudbees,concur,dropbox,mscrm,echosign,egnyte,newrelic,office365,salesforce,sentry,sharepoint,slack,springcm,zendesk,zoom"`
	FirstParty  mgmtkit.Optional[bool]   `json:"is_first_party,omitzero"`
	Conformant  mgmtkit.Optional[bool]   `json:"oidc_conformant,omitzero"`

	Callbacks         mgmtkit.Optional[[]string] `json:"callbacks,omitzero" maxItems:"100"`
	AllowedLogoutURLs mgmtkit.Optional[[]string] `json:"allowed_logout_urls,omitzero" maxItems:"100"`
	WebOrigins        mgmtkit.Optional[[]string] `json:"web_origins,omitzero" maxItems:"100"`
	AllowedOrigins    mgmtkit.Optional[[]string] `json:"allowed_origins,omitzero" maxItems:"100"`
	ClientAliases     mgmtkit.Optional[[]string] `json:"client_aliases,omitzero" maxItems:"100"`
	AllowedClients    mgmtkit.Optional[[]string] `json:"allowed_clients,omitzero" maxItems:"100"`
	InitiateLoginURI  mgmtkit.Optional[string]   `json:"initiate_login_uri,omitzero" maxLength:"2048"`

	GrantTypes      mgmtkit.Optional[[]string]    `json:"grant_types,omitzero" maxItems:"50" uniqueItems:"true"`
	AuthMethod      mgmtkit.Optional[string]      `json:"token_endpoint_auth_method,omitzero" enum:"none,client_secret_post,client_secret_basic"`
	AuthMethods     mgmtkit.Optional[authMethods] `json:"client_authentication_methods,omitzero"`
	TrustedIPHeader mgmtkit.Optional[bool]        `json:"is_token_endpoint_ip_header_trusted,omitzero"`

	JWT           mgmtkit.Optional[jwtConfiguration] `json:"jwt_configuration,omitzero"`
	EncryptionKey mgmtkit.Optional[encryptionKey]    `json:"encryption_key,omitzero"`
	RefreshToken  mgmtkit.Optional[refreshToken]     `json:"refresh_token,omitzero"`

	SSO                  mgmtkit.Optional[bool]   `json:"sso,omitzero"`
	SSODisabled          mgmtkit.Optional[bool]   `json:"sso_disabled,omitzero"`
	CrossOrigin          mgmtkit.Optional[bool]   `json:"cross_origin_authentication,omitzero"`
	CrossOriginOld       mgmtkit.Optional[bool]   `json:"cross_origin_auth,omitzero"`
	CrossOriginLoc       mgmtkit.Optional[string] `json:"cross_origin_loc,omitzero" maxLength:"2048"`
	CustomLoginPageOn    mgmtkit.Optional[bool]   `json:"custom_login_page_on,omitzero"`
	CustomLoginPage      mgmtkit.Optional[string] `json:"custom_login_page,omitzero"`
	CustomLoginPreview   mgmtkit.Optional[string] `json:"custom_login_page_preview,omitzero"`
	FormTemplate         mgmtkit.Optional[string] `json:"form_template,omitzero"`
	SkipConfirmationPage mgmtkit.Optional[bool]   `json:"skip_non_verifiable_callback_uri_confirmation_prompt,omitzero"`

	Addons   mgmtkit.Optional[addons]             `json:"addons,omitzero"`
	Metadata mgmtkit.Optional[map[string]*string] `json:"client_metadata,omitzero"`
	Mobile   mgmtkit.Optional[mobile]             `json:"mobile,omitzero"`

	NativeSocialLogin mgmtkit.Optional[nativeSocialLogin] `json:"native_social_login,omitzero"`
	FedCM             mgmtkit.Optional[fedCM]             `json:"fedcm_login,omitzero"`

	DefaultOrganization mgmtkit.Optional[defaultOrganization] `json:"default_organization,omitzero"`
	OrganizationUsage   mgmtkit.Optional[string]              `json:"organization_usage,omitzero" enum:"deny,allow,require"`
	RequireBehaviour    mgmtkit.Optional[string]              `json:"organization_require_behavior,omitzero" enum:"no_prompt,pre_login_prompt,post_login_prompt"`
	DiscoveryMethods    mgmtkit.Optional[[]discoveryMethod]   `json:"organization_discovery_methods,omitzero" minItems:"1" uniqueItems:"true"`

	RequirePAR      mgmtkit.Optional[bool]                `json:"require_pushed_authorization_requests,omitzero"`
	PARExpiry       mgmtkit.Optional[int]                 `json:"par_request_expiry,omitzero" minimum:"10" maximum:"600"`
	RequireProof    mgmtkit.Optional[bool]                `json:"require_proof_of_possession,omitzero"`
	SignedRequest   mgmtkit.Optional[signedRequestObject] `json:"signed_request_object,omitzero"`
	ComplianceLevel mgmtkit.Optional[string]              `json:"compliance_level,omitzero" enum:"none,fapi1_adv_pkj_par,fapi1_adv_mtls_par,fapi2_sp_pkj_mtls,fapi2_sp_mtls_mtls"`

	OIDCLogout      mgmtkit.Optional[oidcLogout]      `json:"oidc_logout,omitzero"`
	OIDCLogoutOld   mgmtkit.Optional[oidcLogout]      `json:"oidc_backchannel_logout,omitzero"`
	SessionTransfer mgmtkit.Optional[sessionTransfer] `json:"session_transfer,omitzero"`
	TokenExchange   mgmtkit.Optional[tokenExchange]   `json:"token_exchange,omitzero"`
	TokenQuota      mgmtkit.Optional[tokenQuota]      `json:"token_quota,omitzero"`

	SecurityMode      mgmtkit.Optional[string] `json:"third_party_security_mode,omitzero" enum:"strict,permissive"`
	RedirectionPolicy mgmtkit.Optional[string] `json:"redirection_policy,omitzero" enum:"open_redirect_protection,allow_always"`

	AnonymousSessions mgmtkit.Optional[active]         `json:"anonymous_sessions,omitzero"`
	IdentityAssertion mgmtkit.Optional[active]         `json:"identity_assertion_authorization_grant,omitzero"`
	AsyncApproval     mgmtkit.Optional[[]asyncChannel] `json:"async_approval_notification_channels,omitzero" minItems:"1" uniqueItems:"true"`
	Express           mgmtkit.Optional[express]        `json:"express_configuration,omitzero"`
	MyOrganization    mgmtkit.Optional[myOrganization] `json:"my_organization_configuration,omitzero"`
	B2BIntegration    mgmtkit.Optional[map[string]any] `json:"b2b_integration_configuration,omitzero"`
	PrivilegedAccess  mgmtkit.Optional[privileged]     `json:"token_vault_privileged_access,omitzero"`
}

type createClient struct {
	Name               string                   `json:"name" minLength:"1" pattern:"^[^<>]+$"`
	ResourceIdentifier mgmtkit.Optional[string] `json:"resource_server_identifier,omitzero" minLength:"1" maxLength:"600"`
	ClientFields
}

type updateClient struct {
	Name   mgmtkit.Optional[string] `json:"name,omitzero" minLength:"1" pattern:"^[^<>]+$"`
	Secret mgmtkit.Optional[string] `json:"client_secret,omitzero" minLength:"16" maxLength:"1024"`
	ClientFields
}

// clientWire is a client as it is shown; what is not set is left out.
type clientWire struct {
	ClientID           string       `json:"client_id"`
	Tenant             string       `json:"tenant"`
	Name               string       `json:"name"`
	Global             bool         `json:"global"`
	Secret             string       `json:"client_secret,omitempty" doc:"Only with read:client_keys"`
	SigningKeys        []signingKey `json:"signing_keys,omitempty" doc:"Only with read:client_keys"`
	ResourceIdentifier string       `json:"resource_server_identifier,omitempty"`
	ExternalClientID   string       `json:"external_client_id,omitempty"`
	MetadataType       string       `json:"external_metadata_type,omitempty"`
	MetadataCreatedBy  string       `json:"external_metadata_created_by,omitempty"`
	JWKSURI            string       `json:"jwks_uri,omitempty"`
	ClientFields
}

type signingKey struct {
	Cert    string `json:"cert,omitempty"`
	PKCS7   string `json:"pkcs7,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// credentialRef names a credential of the client, or, when the client is created, brings one along.
type credentialRef struct {
	ID   string `json:"id,omitempty" minLength:"1" maxLength:"64"`
	Type string `json:"credential_type,omitempty" enum:"public_key,cert_subject_dn,x509_cert"`
	CredentialFields
}

type credentialRefs struct {
	Credentials []credentialRef `json:"credentials" maxItems:"2"`
}

type authMethods struct {
	PrivateKeyJWT *credentialRefs `json:"private_key_jwt,omitempty"`
	TLS           *credentialRefs `json:"tls_client_auth,omitempty"`
	SelfSignedTLS *credentialRefs `json:"self_signed_tls_client_auth,omitempty"`
}

type jwtConfiguration struct {
	Lifetime      *int           `json:"lifetime_in_seconds,omitempty" minimum:"1" maximum:"2592000"`
	SecretEncoded *bool          `json:"secret_encoded,omitempty"`
	Scopes        map[string]any `json:"scopes,omitempty"`
	Alg           string         `json:"alg,omitempty" enum:"HS256,RS256,RS512,PS256"`
}

type encryptionKey struct {
	Pub     string `json:"pub,omitempty"`
	Cert    string `json:"cert,omitempty"`
	Subject string `json:"subject,omitempty"`
}

type refreshToken struct {
	RotationType   string                            `json:"rotation_type" enum:"rotating,non-rotating"`
	ExpirationType string                            `json:"expiration_type" enum:"expiring,non-expiring"`
	Leeway         *int                              `json:"leeway,omitempty" minimum:"0"`
	Lifetime       *int                              `json:"token_lifetime,omitempty" minimum:"1" maximum:"31557600"`
	Infinite       *bool                             `json:"infinite_token_lifetime,omitempty"`
	IdleLifetime   *int                              `json:"idle_token_lifetime,omitempty" minimum:"1" maximum:"31557600"`
	InfiniteIdle   *bool                             `json:"infinite_idle_token_lifetime,omitempty"`
	Policies       mgmtkit.Optional[[]refreshPolicy] `json:"policies,omitzero" maxItems:"100"`
}

type refreshPolicy struct {
	Audience string   `json:"audience" minLength:"1"`
	Scope    []string `json:"scope"`
}

type mobile struct {
	Android *struct {
		Package      string   `json:"app_package_name,omitempty"`
		Fingerprints []string `json:"sha256_cert_fingerprints,omitempty"`
	} `json:"android,omitempty"`
	IOS *struct {
		Team   string `json:"team_id,omitempty"`
		Bundle string `json:"app_bundle_identifier,omitempty"`
	} `json:"ios,omitempty"`
}

type enabled struct {
	Enabled *bool `json:"enabled,omitempty"`
}

type nativeSocialLogin struct {
	Apple    *enabled `json:"apple,omitempty"`
	Facebook *enabled `json:"facebook,omitempty"`
	Google   *enabled `json:"google,omitempty"`
}

type fedCM struct {
	Google *struct {
		Enabled *bool `json:"is_enabled,omitempty"`
	} `json:"google,omitempty"`
}

type defaultOrganization struct {
	OrganizationID string   `json:"organization_id" minLength:"1"`
	Flows          []string `json:"flows" minItems:"1" enum:"client_credentials"`
}

type discoveryMethod string

type transferMethod string

type asyncChannel string

type active struct {
	Active *bool `json:"active,omitempty"`
}

type signedRequestObject struct {
	Required    *bool           `json:"required,omitempty"`
	Credentials []credentialRef `json:"credentials,omitempty" maxItems:"2"`
}

type oidcLogout struct {
	URLs       []string `json:"backchannel_logout_urls,omitempty" maxItems:"1"`
	Initiators *struct {
		Mode     string   `json:"mode,omitempty" enum:"custom,all"`
		Selected []string `json:"selected_initiators,omitempty" enum:"rp-logout,idp-logout,password-changed,session-expired,session-revoked,account-deleted,email-identifier-changed,mfa-phone-unenrolled,account-deactivated"`
	} `json:"backchannel_logout_initiators,omitempty"`
	Metadata mgmtkit.Optional[logoutMetadata] `json:"backchannel_logout_session_metadata,omitzero"`
}

type logoutMetadata struct {
	Include *bool `json:"include,omitempty"`
}

type sessionTransfer struct {
	CanCreate     *bool                              `json:"can_create_session_transfer_token,omitempty"`
	CascadeRevoke *bool                              `json:"enforce_cascade_revocation,omitempty"`
	Methods       mgmtkit.Optional[[]transferMethod] `json:"allowed_authentication_methods,omitzero" uniqueItems:"true"`
	DeviceBinding string                             `json:"enforce_device_binding,omitempty" enum:"none,ip,asn"`
	AllowRefresh  *bool                              `json:"allow_refresh_token,omitempty"`
	OnlineRefresh *bool                              `json:"enforce_online_refresh_tokens,omitempty"`
	Delegation    *struct {
		Allow   *bool  `json:"allow_delegated_access,omitempty"`
		Binding string `json:"enforce_device_binding,omitempty" enum:"none,ip,asn"`
	} `json:"delegation,omitempty"`
}

type tokenExchange struct {
	Profiles []string `json:"allow_any_profile_of_type,omitempty" enum:"custom_authentication,on_behalf_of_token_exchange"`
}

type tokenQuota struct {
	ClientCredentials *struct {
		Enforce *bool `json:"enforce,omitempty"`
		PerDay  *int  `json:"per_day,omitempty" minimum:"1" maximum:"2147483647"`
		PerHour *int  `json:"per_hour,omitempty" minimum:"1" maximum:"2147483647"`
	} `json:"client_credentials"`
}

type express struct {
	InitiateLogin      string           `json:"initiate_login_uri_template,omitempty"`
	AttributeProfile   string           `json:"user_attribute_profile_id,omitempty"`
	ConnectionProfile  string           `json:"connection_profile_id,omitempty"`
	EnableClient       *bool            `json:"enable_client,omitempty"`
	EnableOrganization *bool            `json:"enable_organization,omitempty"`
	Linked             []map[string]any `json:"linked_clients,omitempty"`
	OktaClient         string           `json:"okta_oin_client_id,omitempty"`
	AdminDomain        string           `json:"admin_login_domain,omitempty"`
	Submission         string           `json:"oin_submission_id,omitempty"`
}

type myOrganization struct {
	ConnectionProfile string   `json:"connection_profile_id,omitempty"`
	AttributeProfile  string   `json:"user_attribute_profile_id,omitempty"`
	Strategies        []string `json:"allowed_strategies,omitempty"`
	Deletion          string   `json:"connection_deletion_behavior,omitempty" enum:"allow,allow_if_empty"`
	Invitation        string   `json:"invitation_landing_client_id,omitempty"`
	ThirdParty        *struct {
		Default string   `json:"default_value" enum:"allow,block"`
		Allowed []string `json:"allowed_values" enum:"allow,block"`
	} `json:"third_party_client_access,omitempty"`
}

type privileged struct {
	Credentials []credentialRef  `json:"credentials,omitempty" maxItems:"2"`
	IPAllowlist []string         `json:"ip_allowlist,omitempty"`
	Grants      []map[string]any `json:"grants,omitempty"`
}
