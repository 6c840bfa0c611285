package client

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/oauth"
)

// The app types that rules ask for; the door knows them all.
const (
	AppNative         = "native"
	AppSPA            = "spa"
	AppRegularWeb     = "regular_web"
	AppMachine        = "non_interactive"
	AppResourceServer = "resource_server"
	AppExpress        = "express_configuration"
)

// Names of properties that rules read.
const (
	propName        = "name"
	propAppType     = "app_type"
	propFirstParty  = "is_first_party"
	propSecret      = "client_secret"
	propCallbacks   = "callbacks"
	propGrantTypes  = "grant_types"
	propAuthMethod  = "token_endpoint_auth_method"
	propAuthMethods = "client_authentication_methods"
	propConformant  = "oidc_conformant"
	propJWT         = "jwt_configuration"
	propRefresh     = "refresh_token"
	propMetadata    = "client_metadata"
	propMode        = "third_party_security_mode"
	propUsage       = "organization_usage"
	propBehaviour   = "organization_require_behavior"
	propIdentifier  = "resource_server_identifier"
	propLogout      = "oidc_logout"
)

const (
	modeStrict     = "strict"
	modePermissive = "permissive"

	maxMetadata      = 10
	maxMetadataChars = 255
)

// Client is an OAuth client (RFC 6749 §2). The zero Client is none; NewClient makes one.
type Client struct {
	ID   ID
	Name string // not unique
	// AppType is empty when it was not sent; immutable it is not.
	AppType    string
	FirstParty bool // immutable
	Global     bool // the one that stands for all applications; at most one a tenant
	// Secret is set for public clients too: it keys their HS256 tokens. Empty means that the reader did not ask for it.
	Secret   Secret
	Settings Settings // everything else, by wire name
	// Credentials are what the client proves itself with, oldest first; lists of clients come without.
	Credentials []Credential
	Created     time.Time
	Updated     time.Time
	Version     int64 // counts writes; the store's
}

// GrantTypes gives what the client may ask /oauth/token for.
func (c Client) GrantTypes() []string { return c.Settings.Texts(propGrantTypes) }

// AuthMethod is how the client proves itself at the token endpoint; "" means any way that uses the secret.
func (c Client) AuthMethod() string { return c.Settings.Text(propAuthMethod) }

// Public reports whether the client has no way to prove itself (RFC 6749 §2.1).
func (c Client) Public() bool {
	return c.AuthMethod() == oauth.AuthNone && !c.Settings.Has(propAuthMethods)
}

// Strict reports whether this is a third-party client held to the narrow rules.
func (c Client) Strict() bool {
	return !c.FirstParty && c.Settings.Text(propMode) != modePermissive
}

// IDTokenAlg is the algorithm of the client's ID tokens: as set, else HS256 with the client's secret, which a public client cannot
// check in a browser, so RS256 there.
func (c Client) IDTokenAlg() string {
	if alg := c.Settings.Group(propJWT).Text("alg"); alg != "" {
		return alg
	}
	if c.Public() || c.Settings.Has(propAuthMethods) { // neither proves itself by the secret
		return "RS256"
	}
	return "HS256"
}

// defaultIDTokenLife is what ID tokens live when nothing is set.
const (
	defaultIDTokenLife = defaultLifetime * time.Second
	strictIDTokenLife  = strictLifetime * time.Second
)

// IDTokenLife is how long the client's ID tokens live.
func (c Client) IDTokenLife() time.Duration {
	if seconds := c.Settings.Group(propJWT).Number("lifetime_in_seconds"); seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if c.Strict() {
		return strictIDTokenLife
	}
	return defaultIDTokenLife
}

// Metadata gives client_metadata, the tenant's own notes on the client.
func (c Client) Metadata() map[string]string {
	notes := map[string]string{}
	group := c.Settings.Group(propMetadata)
	for key := range group {
		notes[key] = group.Text(key)
	}
	return notes
}

// NewClient makes a client of what was sent, filled up with the defaults of its kind. Invalid when it breaks a rule.
func NewClient(sent Settings, now time.Time) (Client, error) {
	sent = normalised(sent).withoutNulls()
	firstParty := true
	if sent.Has(propFirstParty) {
		firstParty = sent.Flag(propFirstParty)
	}
	c := Client{
		Name: sent.Text(propName), AppType: sent.Text(propAppType), FirstParty: firstParty, Secret: NewSecret(), Created: now, Updated: now,
		Settings: Settings{}.Merged(without(sent, propName, propAppType, propFirstParty)),
	}
	c.Settings = filled(c.Settings.withDefaults(defaultsOf(c)))
	c, err := c.withInline(now)
	if err != nil {
		return Client{}, err
	}
	c.ID = NewID()
	if c.Strict() {
		c.ID = NewStrictID()
	}
	return c, c.check()
}

// Patched gives the client with the properties of patch in the place of its own; null deletes, client_metadata is merged. A new
// client_secret is the caller's choice. Invalid when the outcome breaks a rule, or when patch changes what is immutable.
func (c Client) Patched(patch Settings, now time.Time) (Client, error) {
	patch = normalised(patch)
	for name, value := range patch {
		if name != propMetadata { // there a null deletes a key
			patch[name] = withoutNulls(value)
		}
	}
	if patch.Has(propFirstParty) && patch.Flag(propFirstParty) != c.FirstParty {
		return Client{}, invalid("The property is_first_party cannot be changed")
	}
	if patch.Has(propMode) && patch.Text(propMode) != c.Settings.Text(propMode) {
		return Client{}, invalid("The property third_party_security_mode cannot be changed")
	}
	out := c
	out.Updated = now
	if patch.Has(propName) {
		out.Name = patch.Text(propName)
	}
	if patch.Has(propAppType) {
		out.AppType = patch.Text(propAppType)
	}
	if secret := patch.Text(propSecret); secret != "" {
		out.Secret = Secret(secret)
	}
	patch = without(patch, propName, propAppType, propFirstParty, propSecret)
	// The two ways to say how a client proves itself exclude each other; setting one that is not null leaves the other.
	if patch[propAuthMethods] != nil && !patch.Has(propAuthMethod) {
		patch[propAuthMethod] = nil
	}
	if patch[propAuthMethod] != nil && !patch.Has(propAuthMethods) {
		patch[propAuthMethods] = nil
	}
	out.Settings = filled(c.Settings.Merged(patch, propMetadata))
	return out, out.check()
}

// Rotated gives the client with a new secret.
func (c Client) Rotated(now time.Time) Client {
	c.Secret, c.Updated = NewSecret(), now
	return c
}

func without(s Settings, names ...string) Settings {
	out := s.Clone()
	for _, name := range names {
		delete(out, name)
	}
	return out
}

// normalised puts old names of properties into today's.
func normalised(sent Settings) Settings {
	out := sent.Clone()
	for old, name := range map[string]string{"cross_origin_auth": "cross_origin_authentication", "oidc_backchannel_logout": propLogout} {
		if value, ok := out[old]; ok {
			delete(out, old)
			if !out.Has(name) {
				out[name] = value
			}
		}
	}
	return out
}

// check holds the client to its rules; the types of the properties are the door's.
func (c Client) check() error {
	for _, rule := range []func() error{
		c.checkName, c.checkURLs, c.checkAuth, c.checkCredentials, c.checkGrantTypes, c.checkTokens, c.checkRefresh, c.checkOrganizations, c.checkMetadata, c.checkKind,
	} {
		if err := rule(); err != nil {
			return err
		}
	}
	return nil
}

func (c Client) checkName() error {
	switch {
	case strings.TrimSpace(c.Name) == "":
		return invalidAt(propName, "String is too short (0 chars), minimum 1")
	case strings.ContainsAny(c.Name, "<>"), !utf8.ValidString(c.Name):
		return invalidAt(propName, "String does not match pattern ^[^<>]+$")
	case strings.ContainsFunc(c.Name, unicode.IsControl):
		return invalidAt(propName, "Control characters are not allowed")
	}
	return nil
}

func (c Client) checkURLs() error {
	stars := !c.Strict()
	for _, list := range []struct {
		property string
		rule     urlRule
	}{{propCallbacks, callbackRule}, {"allowed_logout_urls", logoutRule}, {"web_origins", webRule}, {"allowed_origins", corsRule}} {
		list.rule.stars = stars
		if err := checkURLs(list.property, c.Settings.Texts(list.property), list.rule); err != nil {
			return err
		}
	}
	if err := checkURL("logo_uri", c.Settings.Text("logo_uri"), pageRule); err != nil {
		return err
	}
	if err := checkURL("cross_origin_loc", c.Settings.Text("cross_origin_loc"), secureRule); err != nil {
		return err
	}
	if err := checkURL("initiate_login_uri", withoutOrganization(c.Settings.Text("initiate_login_uri")), initiateRule); err != nil {
		return err
	}
	return checkURLs(propBackchannelURLs, c.backchannelURLs(), backRule)
}

func (c Client) checkAuth() error {
	if c.AuthMethod() != "" && c.Settings.Has(propAuthMethods) {
		return invalid("token_endpoint_auth_method and client_authentication_methods exclude each other")
	}
	if c.Public() && c.Settings.Flag("is_token_endpoint_ip_header_trusted") {
		return invalid("is_token_endpoint_ip_header_trusted needs a client that authenticates at the token endpoint")
	}
	return nil
}

// checkTokens refuses ID tokens by a secret that the client does not use, or by an algorithm that its key does not have.
func (c Client) checkTokens() error {
	alg := c.Settings.Group(propJWT).Text("alg")
	if c.Settings.Group(propAuthMethods).Has("private_key_jwt") && alg != "" && alg != "RS256" && alg != "PS256" {
		return invalid("A client that authenticates by private_key_jwt needs jwt_configuration.alg RS256 or PS256")
	}
	return nil
}

func (c Client) checkOrganizations() error {
	usage, behaviour := c.Settings.Text(propUsage), c.Settings.Text(propBehaviour)
	switch {
	case behaviour == "post_login_prompt" && !c.Settings.Flag(propConformant):
		return invalid("organization_require_behavior post_login_prompt needs oidc_conformant")
	case behaviour != "" && behaviour != "no_prompt" && (usage == "" || usage == "deny"):
		return invalid("organization_require_behavior needs organization_usage allow or require")
	}
	return nil
}

func (c Client) checkMetadata() error {
	group := c.Settings.Group(propMetadata)
	if len(group) > maxMetadata {
		return invalidAt(propMetadata, "Too many properties defined (%d), maximum %d", len(group), maxMetadata)
	}
	for _, key := range slices.Sorted(maps.Keys(group)) {
		path := propMetadata + "." + quoted(key)
		value, ok := group[key].(string)
		if !ok {
			return invalidAt(path, "Expected type string")
		}
		if key == "" {
			return invalidAt(propMetadata, "A key is too short (0 chars), minimum 1")
		}
		for _, text := range []string{key, value} {
			if n := utf8.RuneCountInString(text); n > maxMetadataChars {
				return invalidAt(path, "String is too long (%d chars), maximum %d", n, maxMetadataChars)
			}
		}
	}
	return nil
}

func (c Client) checkKind() error {
	identifier := c.Settings.Text(propIdentifier)
	switch {
	case c.AppType == AppResourceServer && identifier == "":
		return invalid("A client of type resource_server needs resource_server_identifier")
	case c.AppType != AppResourceServer && identifier != "":
		return invalid("resource_server_identifier is only for clients of type resource_server")
	case c.AppType == AppResourceServer && len(c.GrantTypes()) > 0 && slices.Contains(c.GrantTypes(), string(oauth.GrantImplicit)):
		return invalid("Invalid grant types: %s", oauth.GrantImplicit)
	case !c.Strict() && c.Settings.Has("redirection_policy"):
		return invalid("redirection_policy is only for third-party clients in strict mode")
	case c.Global && c.AppType != "":
		return invalid("The global client has no app_type")
	case c.FirstParty && c.Settings.Has(propMode):
		return invalid("third_party_security_mode is only for third-party clients")
	}
	return nil
}
