package client

import (
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
)

// The kinds of subject that a grant is for.
const (
	SubjectClient    = "client" // the client on its own behalf (RFC 6749 §4.4)
	SubjectUser      = "user"
	SubjectAnonymous = "anonymous_user"
)

// thirdParties are whom a default grant stands in for.
const thirdParties = "third_party_clients"

const (
	propAllScopes = "allow_all_scopes"
	propAnyOrg    = "allow_any_organization"
)

// Grant is a client grant: what a client may ask of a resource server. There is one per client (or DefaultFor), audience and kind
// of subject.
type Grant struct {
	ID          string // "cgr_" and 16
	ClientID    ID     // empty when DefaultFor is set
	DefaultFor  string // "third_party_clients": stands in where such a client has no grant of its own
	Audience    string
	Scope       []string
	SubjectType string
	System      bool     // made by the platform; not to be deleted
	Settings    Settings // everything else, by wire name
	Created     time.Time
	Updated     time.Time
	Version     int64
}

// AllScopes reports whether the grant covers whatever the resource server defines, now and later.
func (g Grant) AllScopes() bool { return g.Settings.Flag(propAllScopes) }

// NewGrant makes a grant of what was sent. Whether its client and audience are there is the store's to say.
func NewGrant(sent Settings, now time.Time) (Grant, error) {
	g := Grant{
		ID: NewGrantID(), ClientID: ID(sent.Text("client_id")), DefaultFor: sent.Text("default_for"), Audience: sent.Text("audience"),
		Scope: sent.Texts("scope"), SubjectType: sent.Text("subject_type"), Created: now, Updated: now,
		Settings: Settings{}.Merged(without(sent, "client_id", "default_for", "audience", "scope", "subject_type")),
	}
	if g.SubjectType == "" {
		g.SubjectType = SubjectClient
	}
	return g, g.check()
}

// Patched gives the grant with the properties of patch in the place of its own.
func (g Grant) Patched(patch Settings, now time.Time) (Grant, error) {
	out := g
	out.Updated = now
	if patch.Has("scope") {
		out.Scope = patch.Texts("scope")
	}
	out.Settings = g.Settings.Merged(without(patch, "scope"))
	return out, out.check()
}

func (g Grant) check() error {
	switch {
	case (g.ClientID == "") == (g.DefaultFor == ""):
		return invalid("Exactly one of client_id and default_for is needed")
	case g.Audience == "":
		return invalid("Payload validation error: 'Missing required property: audience' on property audience.")
	case g.AllScopes() && len(g.Scope) > 0:
		return invalid("scope and allow_all_scopes exclude each other")
	case g.Settings.Flag(propAnyOrg) && (g.Settings.Text(propUsage) == "" || g.Settings.Text(propUsage) == "deny"):
		return invalid("allow_any_organization needs organization_usage allow or require")
	}
	for i, scope := range g.Scope {
		if scope == "" || strings.ContainsFunc(scope, notScope) {
			return invalidAt("scope", "%s is not a scope", quoted(scope))
		}
		if first := slices.Index(g.Scope, scope); first != i {
			return invalidAt("scope", "Array items are not unique (indexes %d and %d)", first, i)
		}
	}
	return nil
}

// fits refuses scopes that the resource server does not define, and third-party clients at the platform's own.
func (g Grant) fits(r ResourceServer, c *Client) error {
	if r.System && (g.DefaultFor != "" || c != nil && !c.FirstParty) {
		return fault.Denied("operation_not_supported", "Third-party clients cannot be granted a system API")
	}
	defined := r.ScopeValues()
	var unknown []string
	for _, scope := range g.Scope {
		if !slices.Contains(defined, scope) {
			unknown = append(unknown, quoted(scope))
		}
	}
	if len(unknown) > 0 {
		return invalid("The resource server %s does not define the scopes: %s", quoted(r.Identifier), strings.Join(unknown, ","))
	}
	return nil
}

// usable gives the scopes of the grant that the resource server still defines, in the resource server's order.
func (g Grant) usable(r ResourceServer) []string {
	scopes := []string{}
	for _, value := range r.ScopeValues() {
		if g.AllScopes() || slices.Contains(g.Scope, value) {
			scopes = append(scopes, value)
		}
	}
	return scopes
}
