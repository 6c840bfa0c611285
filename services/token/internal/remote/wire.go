package remote

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"time"

	clientapi "github.com/postern-id/postern/libs/api/client"
	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
)

func clientOf(r *clientapi.Client) (*token.Client, error) {
	c := &token.Client{
		ID: r.GetClientId(), Name: r.GetName(), Secret: token.Secret(r.GetSecret()), SecretEncoded: r.GetSecretEncoded(),
		Callbacks: r.GetCallbacks(), AllowedLogoutURLs: r.GetAllowedLogoutUrls(), WebOrigins: r.GetWebOrigins(),
		AllowedOrigins: r.GetAllowedOrigins(), AuthMethod: r.GetTokenEndpointAuthMethod(), AuthMethods: r.GetAuthenticationMethods(),
		Native: r.GetAppType() == "native", FirstParty: r.GetIsFirstParty(), Strict: r.GetStrict(),
		OIDCConformant: r.GetOidcConformant(), SSODisabled: r.GetSsoDisabled(),
		IDTokenAlg: r.GetIdTokenAlg(), IDTokenLifetime: time.Duration(r.GetIdTokenLifetimeSeconds()) * time.Second,
		InitiateLoginURI: r.GetInitiateLoginUri(), LogoURI: r.GetLogoUri(), ExternalID: r.GetExternalClientId(),
		OrganizationUsage: r.GetOrganizationUsage(), IPHeaderTrusted: r.GetIpHeaderTrusted(),
		Refresh: refreshOf(r.GetRefresh()), Exchanges: r.GetTokenExchange(), PARLifetime: time.Duration(r.GetParExpirySeconds()) * time.Second,
		SkipConfirmation: r.SkipConfirmation, OpenRedirectProtection: r.GetOpenRedirectProtection(), ResourceServer: r.GetResourceServerIdentifier(),
		Quota: quotaOf(r.GetTokenQuota()), Transfer: transferOf(r.GetSessionTransfer()),
	}
	if level := r.GetComplianceLevel(); level != "none" {
		c.Compliance = token.Compliance(level)
	}
	if b := r.GetBackchannelLogout(); b != nil {
		c.Backchannel = token.Backchannel{URL: b.GetUrl(), Initiators: b.GetInitiators(), All: b.GetAllInitiators(), Metadata: b.GetSessionMetadata()}
	}
	for _, g := range r.GetGrantTypes() {
		c.GrantTypes = append(c.GrantTypes, oauth.GrantType(g))
	}
	for _, demand := range []struct {
		made bool
		name token.Demand
	}{
		{r.GetRequirePar(), token.DemandPAR}, {r.GetRequireSignedRequest(), token.DemandRequestObject}, {r.GetRequireProof(), token.DemandProof},
	} {
		if demand.made {
			c.Demands = append(c.Demands, demand.name)
		}
	}
	for _, cred := range r.GetCredentials() {
		one, err := credentialOf(cred)
		if err != nil {
			return nil, fault.Internal(fmt.Errorf("reading credential %s: %w", cred.GetId(), err))
		}
		c.Credentials = append(c.Credentials, one)
	}
	return c, nil
}

func credentialOf(r *clientapi.Credential) (token.Credential, error) {
	c := token.Credential{ID: r.GetId(), Method: r.GetMethod(), KeyID: r.GetKid(), Alg: r.GetAlg(), SubjectDN: r.GetSubjectDn(), Thumbprint: r.GetThumbprintSha256()}
	if unix := r.GetExpiresUnix(); unix != 0 {
		c.Expires = time.Unix(unix, 0).UTC()
	}
	if len(r.GetPublicKey()) == 0 {
		return c, nil
	}
	var err error
	c.Public, err = x509.ParsePKIXPublicKey(r.GetPublicKey())
	return c, err
}

func resourceServerOf(r *clientapi.ResourceServer) *token.ResourceServer {
	return &token.ResourceServer{
		Name: r.GetName(), Identifier: r.GetIdentifier(), Scopes: r.GetScopes(), SigningAlg: r.GetSigningAlg(),
		SigningSecret: token.Secret(r.GetSigningSecret()), TokenLifetime: time.Duration(r.GetTokenLifetimeSeconds()) * time.Second,
		WebLifetime:   time.Duration(r.GetTokenLifetimeForWebSeconds()) * time.Second,
		OfflineAccess: r.GetAllowOfflineAccess(), SkipConsent: r.GetSkipConsentForVerifiableFirstPartyClients(),
		System: r.GetIsSystem(), EnforcePolicies: r.GetEnforcePolicies(), Dialect: r.GetTokenDialect(),
		UserPolicy:   token.AccessPolicy(r.GetUserPolicy()),
		OnlineAccess: r.GetAllowOnlineAccess(), OnlineEphemeral: r.GetAllowOnlineAccessEphemeral(), ConsentPolicy: r.GetConsentPolicy(),
		Proof: token.Proof{Mechanism: r.GetProofMechanism(), Required: r.GetProofRequired()}, Descriptions: r.GetScopeDescriptions(),
		Encryption: encryptionOf(r.GetTokenEncryption()),
	}
}

// encryptionOf gives nil for none. A key that cannot be read is one that nothing can be encrypted to.
func encryptionOf(r *clientapi.TokenEncryption) *token.Encryption {
	if r == nil {
		return nil
	}
	e := &token.Encryption{Alg: r.GetAlg(), KeyID: r.GetKid()}
	if public, err := x509.ParsePKIXPublicKey(r.GetPublicKey()); err == nil {
		e.Public, _ = public.(*rsa.PublicKey)
	}
	return e
}

func refreshOf(r *clientapi.RefreshPolicy) token.RefreshPolicy {
	p := token.RefreshPolicy{
		Rotating: r.GetRotating(), Leeway: time.Duration(r.GetLeewaySeconds()) * time.Second,
		Lifetime: time.Duration(r.GetLifetimeSeconds()) * time.Second, Idle: time.Duration(r.GetIdleLifetimeSeconds()) * time.Second,
	}
	for _, also := range r.GetAlso() {
		p.Also = append(p.Also, token.Further{Audience: also.GetAudience(), Scope: also.GetScope()})
	}
	return p
}

func transferOf(r *clientapi.SessionTransfer) token.TransferPolicy {
	return token.TransferPolicy{
		Gives: r.GetGives(), Cascades: r.GetCascades(), Takes: r.GetTakes(), Binding: r.GetDeviceBinding(), Refresh: r.GetRefreshTokens(), Online: r.GetOnline(),
	}
}

func connectionsOf(r *clientapi.ListConnectionsResponse) []token.Connection {
	out := make([]token.Connection, 0, len(r.GetConnections()))
	for _, c := range r.GetConnections() {
		out = append(out, token.Connection{ID: c.GetId(), Name: c.GetName(), Strategy: c.GetStrategy()})
	}
	return out
}

func settingsOf(r *tenantapi.Settings) *token.Settings {
	return &token.Settings{
		CertificateAuthorities: authoritiesOf(r.GetCertificateAuthorities()),
		FriendlyName:           r.GetFriendlyName(), PictureURL: r.GetPictureUrl(), SupportURL: r.GetSupportUrl(), SupportEmail: r.GetSupportEmail(),
		DefaultAudience: r.GetDefaultAudience(), DefaultDirectory: r.GetDefaultDirectory(), AllowedLogoutURLs: r.GetAllowedLogoutUrls(),
		SessionLifetime:       time.Duration(r.GetSessionLifetimeSeconds()) * time.Second,
		IdleSessionLifetime:   time.Duration(r.GetIdleSessionLifetimeSeconds()) * time.Second,
		DefaultRedirectionURI: r.GetDefaultRedirectionUri(),
		Registration:          r.GetFlags()["enable_dynamic_client_registration"],
		EphemeralLifetime:     time.Duration(r.GetEphemeralSessionLifetimeSeconds()) * time.Second,
		EphemeralIdle:         time.Duration(r.GetIdleEphemeralSessionLifetimeSeconds()) * time.Second,
		Ephemeral:             r.GetEphemeralSessions(), LogoutPrompt: r.GetLogoutPrompt(), EndSessionDiscovery: r.GetEndSessionDiscovery(),
		PushedRequests: r.GetPushedRequests(), IssuerInResponses: r.GetIssuerInResponses(), ACRValues: r.GetAcrValuesSupported(),
		MTLSAliases: r.GetMtlsAliases(), SkipConfirmation: r.GetSkipConfirmation(), ResourceParameter: r.GetResourceParameter(),
		Locales: r.GetEnabledLocales(), UserCodes: token.UserCodes{Charset: r.GetUserCodeCharset(), Mask: r.GetUserCodeMask()},
		ErrorPageURL:            r.GetErrorPageUrl(),
		RevokeRefreshTokenGrant: r.GetFlags()["revoke_refresh_token_grant"], RemoveAlgFromJWKS: r.GetFlags()["remove_alg_from_jwks"],
		ScopeDescriptions: r.GetFlags()["use_scope_descriptions_for_consent"], ClientQuota: quotaOf(r.GetClientQuota()),
	}
}

// authoritiesOf gives nil for none: an empty pool and none at all are not the same to crypto/x509. What cannot be read stands behind nobody.
func authoritiesOf(certificates [][]byte) *x509.CertPool {
	var pool *x509.CertPool
	for _, der := range certificates {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		if pool == nil {
			pool = x509.NewCertPool()
		}
		pool.AddCert(cert)
	}
	return pool
}

// quotaOf gives a quota as either neighbour tells it; nil: none.
func quotaOf[Q any, P interface {
	*Q
	GetEnforce() bool
	GetPerHour() int64
	GetPerDay() int64
}](q P) *token.Quota {
	if q == nil {
		return nil
	}
	return &token.Quota{PerHour: q.GetPerHour(), PerDay: q.GetPerDay(), Enforced: q.GetEnforce()}
}

func appsOf(r *clientapi.ListMobileAppsResponse) []token.MobileApp {
	var out []token.MobileApp
	for _, app := range r.GetApps() {
		out = append(out, token.MobileApp{
			Package: app.GetAndroidPackage(), Fingerprints: app.GetAndroidSha256Fingerprints(), Team: app.GetIosTeamId(), Bundle: app.GetIosBundleIdentifier(),
		})
	}
	return out
}
