package client

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// StrategyDatabase is the strategy of connections whose users and passwords are kept here.
const StrategyDatabase = "auth0"

// strategies are the kinds of connection the wire knows; all but the database are kept here and not acted on yet.
var strategies = []string{
	"ad", "adfs", "amazon", "aol", "apple", "asana", "atlassian", StrategyDatabase, "auth0-adldap", "auth0-oidc", "baidu", "bitbucket",
	"bitly", "box", "cloudflare-mcp", "custom", "daccount", "dropbox", "dwolla", "email", "evernote", "evernote-sandbox", "exact", "facebook",
	"fitbit", "flickr", "github", "gitlab", "google-apps", "google-oauth2", "google-openid", "hubspot-mcp", "instagram", "ip", "jwt", "line",
	"linear-mcp", "linkedin", "miicard", "notion-mcp", "oauth1", "oauth2", "office365", "oidc", "okta", "paypal", "paypal-sandbox",
	"pingfederate", "planningcenter", "renren", "salesforce", "salesforce-community", "salesforce-sandbox", "samlp", "sentry-mcp", "sharepoint",
	"shop", "shopify", "slack", "sms", "soundcloud", "thecity", "thecity-sandbox", "thirtysevensignals", "twitter", "untappd", "vkontakte",
	"waad", "weibo", "windowslive", "wordpress", "yahoo", "yammer", "yandex",
}

// connectionName is what a realm and a URL can carry.
var connectionName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,126}[a-zA-Z0-9])?$`)

const (
	propOptions = "options"
	propEnabled = "enabled_clients"
	propRealms  = "realms"
)

// Connection is a source of identities. Its Name is the realm, unique in its tenant, and immutable, as its strategy is.
type Connection struct {
	ID       string // "con_" and 16
	Name     string
	Strategy string
	// Options configure the strategy; they can hold secrets, so the store seals them.
	Options Settings
	// EnabledClients are the clients it is switched on for, in the order that happened.
	EnabledClients []ID
	Settings       Settings // everything else, by wire name
	Created        time.Time
	Updated        time.Time
	Version        int64
}

// Database reports whether the connection's users and passwords are kept here.
func (c Connection) Database() bool { return c.Strategy == StrategyDatabase }

// NewConnection makes a connection of what was sent. Whether the enabled clients are there is the store's to say.
func NewConnection(sent Settings, now time.Time) (Connection, error) {
	c := Connection{
		ID: NewConnectionID(), Name: sent.Text(propName), Strategy: sent.Text("strategy"), Options: sent.Group(propOptions).Clone(),
		EnabledClients: ids(sent.Texts(propEnabled)), Created: now, Updated: now,
		Settings: Settings{}.Merged(without(sent, propName, "strategy", propOptions, propEnabled)),
	}
	c.Settings = c.Settings.withDefaults(Settings{"is_domain_connection": false, propRealms: list(c.Name)})
	if c.Database() {
		c.Options = c.Options.withDefaults(Settings{
			"mfa": map[string]any{"active": true, "return_enroll_settings": true}, "passwordPolicy": "good",
		})
	}
	c.Options = c.optionDefaults()
	if err := c.check(); err != nil {
		return c, err
	}
	return c, c.checkOptions()
}

// Patched gives the connection with the properties of patch in the place of its own; options are replaced whole.
func (c Connection) Patched(patch Settings, now time.Time) (Connection, error) {
	out := c
	out.Updated = now
	if patch.Has(propOptions) {
		out.Options = patch.Group(propOptions).Clone()
		out.Options = out.optionDefaults()
	}
	if patch.Has(propEnabled) {
		out.EnabledClients = ids(patch.Texts(propEnabled))
	}
	out.Settings = c.Settings.Merged(without(patch, propOptions, propEnabled)).
		withDefaults(Settings{"is_domain_connection": false, propRealms: list(c.Name)})
	if err := out.check(); err != nil || !patch.Has(propOptions) {
		return out, err // options that an older release took stand in the way of no other change
	}
	return out, out.checkOptions()
}

// Switched gives the connection switched on or off for clients.
func (c Connection) Switched(on map[ID]bool, now time.Time) Connection {
	out := c
	out.Updated = now
	out.EnabledClients = slices.Clone(c.EnabledClients)
	for _, id := range slices.Sorted(maps.Keys(on)) {
		has := slices.Contains(out.EnabledClients, id)
		if on[id] && !has {
			out.EnabledClients = append(out.EnabledClients, id)
		}
		if !on[id] && has {
			out.EnabledClients = slices.DeleteFunc(out.EnabledClients, func(other ID) bool { return other == id })
		}
	}
	return out
}

// optionDefaults fills up what a database connection always shows.
func (c Connection) optionDefaults() Settings {
	if !c.Database() {
		return c.Options
	}
	return c.Options.withDefaults(Settings{
		"strategy_version": float64(2), "brute_force_protection": true,
		"authentication_methods": map[string]any{"password": map[string]any{"enabled": true}, "passkey": map[string]any{"enabled": false}},
		"passkey_options": map[string]any{
			"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true,
		},
	})
}

func (c Connection) check() error {
	switch {
	case !connectionName.MatchString(c.Name):
		return invalidAt(propName, "String does not match pattern %s", connectionName)
	case !slices.Contains(strategies, c.Strategy):
		return invalidAt("strategy", "No enum match for: %s", quoted(c.Strategy))
	}
	for i, id := range c.EnabledClients {
		if first := slices.Index(c.EnabledClients, id); first != i {
			return invalidAt(propEnabled, "Array items are not unique (indexes %d and %d)", first, i)
		}
	}
	return nil
}

func (c Connection) checkOptions() error {
	if !c.Database() {
		return nil
	}
	return c.checkDatabase()
}

func ids(texts []string) []ID {
	out := make([]ID, len(texts))
	for i, text := range texts {
		out[i] = ID(text)
	}
	return out
}
