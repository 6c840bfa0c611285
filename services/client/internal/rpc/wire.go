package rpc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

func toClient(c client.Client) *clientapi.Client {
	out := &clientapi.Client{
		ClientId: string(c.ID), Name: c.Name, Secret: string(c.Secret), AppType: c.AppType,
		Callbacks: c.Settings.Texts("callbacks"), AllowedLogoutUrls: c.Settings.Texts("allowed_logout_urls"),
		WebOrigins: c.Settings.Texts("web_origins"), AllowedOrigins: c.Settings.Texts("allowed_origins"),
		GrantTypes: c.GrantTypes(), TokenEndpointAuthMethod: c.AuthMethod(), IsFirstParty: c.FirstParty,
		OidcConformant: c.Settings.Flag("oidc_conformant"), SsoDisabled: c.Settings.Flag("sso_disabled"), Global: c.Global,
		IdTokenAlg: c.IDTokenAlg(), IdTokenLifetimeSeconds: int64(c.IDTokenLife().Seconds()),
		SecretEncoded:    c.Settings.Group("jwt_configuration").Flag("secret_encoded"),
		InitiateLoginUri: c.Settings.Text("initiate_login_uri"), LogoUri: c.Settings.Text("logo_uri"), Metadata: c.Metadata(),
		AuthenticationMethods: c.AuthMethods(), Strict: c.Strict(), ExternalClientId: c.Settings.Text("external_client_id"),
		OrganizationUsage:    c.Settings.Text("organization_usage"),
		IpHeaderTrusted:      c.Settings.Flag("is_token_endpoint_ip_header_trusted"),
		RequirePar:           c.Settings.Flag("require_pushed_authorization_requests"),
		RequireSignedRequest: c.Settings.Group("signed_request_object").Flag("required"),
		RequireProof:         c.Settings.Flag("require_proof_of_possession"),
		ParExpirySeconds:     c.Settings.Number("par_request_expiry"),
		Refresh:              toRefresh(c.Settings.Group("refresh_token")), BackchannelLogout: toBackchannel(c.Settings.Group("oidc_logout")),
		TokenExchange:            c.Settings.Group("token_exchange").Texts("allow_any_profile_of_type"),
		OpenRedirectProtection:   c.Settings.Text("redirection_policy") == "open_redirect_protection",
		ResourceServerIdentifier: c.Settings.Text("resource_server_identifier"), ComplianceLevel: c.Settings.Text("compliance_level"),
		TokenQuota: toQuota(c.Settings), SessionTransfer: toTransfer(c.Settings),
	}
	if name := "skip_non_verifiable_callback_uri_confirmation_prompt"; c.Settings.Has(name) {
		skip := c.Settings.Flag(name)
		out.SkipConfirmation = &skip
	}
	uses := c.CredentialUses()
	for _, method := range slices.Sorted(maps.Keys(uses)) {
		for _, cred := range uses[method] {
			one := &clientapi.Credential{
				Id: cred.ID, Method: method, Kid: cred.KeyID, Alg: cred.Alg, PublicKey: cred.PublicKey, SubjectDn: cred.SubjectDN,
				ThumbprintSha256: cred.Thumbprint,
			}
			if !cred.Expires.IsZero() {
				one.ExpiresUnix = cred.Expires.Unix()
			}
			out.Credentials = append(out.Credentials, one)
		}
	}
	return out
}

// toQuota gives the client's own quota; nil: it has none. Where it does not say, it is enforced, as on the wire.
func toQuota(s client.Settings) *clientapi.TokenQuota {
	if !s.Has("token_quota") {
		return nil
	}
	q := s.Group("token_quota").Group("client_credentials")
	return &clientapi.TokenQuota{Enforce: q.Flag("enforce") || !q.Has("enforce"), PerHour: q.Number("per_hour"), PerDay: q.Number("per_day")}
}

// toTransfer gives how sessions are handed on; nil: not at all. What it leaves out is what the wire does then.
func toTransfer(s client.Settings) *clientapi.SessionTransfer {
	if !s.Has("session_transfer") {
		return nil
	}
	g := s.Group("session_transfer")
	orTrue := func(name string) bool { return g.Flag(name) || !g.Has(name) }
	return &clientapi.SessionTransfer{
		Gives: g.Flag("can_create_session_transfer_token"), Cascades: orTrue("enforce_cascade_revocation"),
		Takes: g.Texts("allowed_authentication_methods"), DeviceBinding: cmp.Or(g.Text("enforce_device_binding"), "ip"),
		RefreshTokens: g.Flag("allow_refresh_token"), Online: orTrue("enforce_online_refresh_tokens"),
	}
}

func toConnection(c client.Connection) (*clientapi.Connection, error) {
	options, err := json.Marshal(c.Options)
	if err != nil {
		return nil, fault.Internal(fmt.Errorf("encoding options: %w", err))
	}
	ids := make([]string, len(c.EnabledClients))
	for i, id := range c.EnabledClients {
		ids[i] = string(id)
	}
	return &clientapi.Connection{Id: c.ID, Name: c.Name, Strategy: c.Strategy, EnabledClients: ids, OptionsJson: options}, nil
}

// toRefresh gives the refresh policy with what the wire's switches make of its lifetimes: zero is no end.
func toRefresh(s client.Settings) *clientapi.RefreshPolicy {
	out := &clientapi.RefreshPolicy{Rotating: s.Text("rotation_type") == "rotating", LeewaySeconds: s.Number("leeway")}
	if s.Text("expiration_type") == "expiring" {
		if !s.Flag("infinite_token_lifetime") {
			out.LifetimeSeconds = s.Number("token_lifetime")
		}
		if !s.Flag("infinite_idle_token_lifetime") {
			out.IdleLifetimeSeconds = s.Number("idle_token_lifetime")
		}
	}
	for _, p := range s.Groups("policies") {
		out.Also = append(out.Also, &clientapi.RefreshPolicy_Opening{Audience: p.Text("audience"), Scope: p.Texts("scope")})
	}
	return out
}

func toBackchannel(s client.Settings) *clientapi.BackchannelLogout {
	urls := s.Texts("backchannel_logout_urls")
	if len(urls) == 0 {
		return nil
	}
	initiators := s.Group("backchannel_logout_initiators")
	return &clientapi.BackchannelLogout{
		Url: urls[0], Initiators: initiators.Texts("selected_initiators"), AllInitiators: initiators.Text("mode") == "all",
		SessionMetadata: s.Group("backchannel_logout_session_metadata").Flag("include"),
	}
}

func toResourceServer(r client.ResourceServer) *clientapi.ResourceServer {
	out := &clientapi.ResourceServer{
		Id: r.ID, Name: r.Name, Identifier: r.Identifier, Scopes: r.ScopeValues(), SigningAlg: r.SigningAlg(),
		TokenLifetimeSeconds:                      r.Settings.Number("token_lifetime"),
		TokenLifetimeForWebSeconds:                r.Settings.Number("token_lifetime_for_web"),
		AllowOfflineAccess:                        r.Settings.Flag("allow_offline_access"),
		AllowOnlineAccess:                         r.Settings.Flag("allow_online_access"),
		AllowOnlineAccessEphemeral:                r.Settings.Flag("allow_online_access_with_ephemeral_sessions"),
		SkipConsentForVerifiableFirstPartyClients: r.Settings.Flag("skip_consent_for_verifiable_first_party_clients"),
		ConsentPolicy:                             r.Settings.Text("consent_policy"),
		IsSystem:                                  r.System,
		TokenDialect:                              r.Settings.Text("token_dialect"),
		EnforcePolicies:                           r.Settings.Flag("enforce_policies"),
		SigningSecret:                             string(r.SigningSecret),
		UserPolicy:                                r.AccessPolicy(client.SubjectUser),
		ScopeDescriptions:                         map[string]string{},
	}
	for _, scope := range r.Scopes() {
		if scope.Description != "" {
			out.ScopeDescriptions[scope.Value] = scope.Description
		}
	}
	if e, ok := r.Encryption(); ok {
		out.TokenEncryption = &clientapi.TokenEncryption{Alg: e.Alg, Kid: e.KeyID, PublicKey: e.PublicKey}
	}
	if proof := r.Settings.Group("proof_of_possession"); proof != nil {
		out.ProofMechanism = proof.Text("mechanism")
		if proof.Flag("required") {
			out.ProofRequired = proof.Text("required_for")
			if out.ProofRequired == "" {
				out.ProofRequired = "all_clients"
			}
		}
	}
	return out
}
