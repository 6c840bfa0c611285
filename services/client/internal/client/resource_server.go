package client

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
)

const (
	propScopes     = "scopes"
	propAlg        = "signing_alg"
	propSignSecret = "signing_secret"
	propLife       = "token_lifetime"
	propLifeWeb    = "token_lifetime_for_web"
	propSubjects   = "subject_type_authorization"

	// policyDeny and policyGrant say how a kind of subject gets tokens for a resource server.
	policyDeny  = "deny_all"
	policyAllow = "allow_all"
	policyGrant = "require_client_grant"

	day             = 86_400
	webLife         = 7_200
	minSigningChars = 16
)

// Scope is what a token for a resource server can be allowed (RFC 6749 §3.3).
type Scope struct {
	Value       string
	Description string
}

// ResourceServer is what tokens are for (RFC 6749 §1.1). Its Identifier is the audience: unique in its tenant and immutable.
type ResourceServer struct {
	ID         string // 24 hexadecimal digits
	Identifier string
	Name       string
	// System marks the platform's own; it cannot be deleted and its scopes are the platform's.
	System bool
	// SigningSecret keys HS256 tokens; empty for the other algorithms.
	SigningSecret Secret
	// ClientID names the client of type resource_server that stands for it; empty when there is none. The store's.
	ClientID ID
	Settings Settings // everything else, by wire name
	Created  time.Time
	Updated  time.Time
	Version  int64
}

// Scopes gives the scopes in the order they were given.
func (r ResourceServer) Scopes() []Scope {
	groups := r.Settings.Groups(propScopes)
	scopes := make([]Scope, len(groups))
	for i, g := range groups {
		scopes[i] = Scope{Value: g.Text("value"), Description: g.Text("description")}
	}
	return scopes
}

// ScopeValues gives the values of Scopes.
func (r ResourceServer) ScopeValues() []string {
	scopes := r.Scopes()
	values := make([]string, len(scopes))
	for i, s := range scopes {
		values[i] = s.Value
	}
	return values
}

// SigningAlg is the algorithm of the tokens for it.
func (r ResourceServer) SigningAlg() string { return r.Settings.Text(propAlg) }

// RefusesClients reports whether no client gets a token of its own for it, grant or not.
func (r ResourceServer) RefusesClients() bool {
	return r.AccessPolicy(SubjectClient) == policyDeny
}

// AccessPolicy says how that kind of subject gets tokens for it: allow_all, deny_all or require_client_grant; "" when it is not said.
func (r ResourceServer) AccessPolicy(subject string) string {
	return r.Settings.Group(propSubjects).Group(subject).Text("policy")
}

// NewResourceServer makes a resource server of what was sent. Invalid when it breaks a rule.
func NewResourceServer(sent Settings, now time.Time) (ResourceServer, error) {
	r := ResourceServer{
		ID: NewResourceServerID(), Identifier: sent.Text("identifier"), Name: sent.Text(propName),
		SigningSecret: Secret(sent.Text(propSignSecret)), Created: now, Updated: now,
		Settings: Settings{}.Merged(without(sent, "identifier", propName, propSignSecret)),
	}
	if r.Name == "" {
		r.Name = r.Identifier
	}
	life := int64(day)
	if n := r.Settings.Number(propLife); n > 0 {
		life = n
	}
	r.Settings = r.Settings.withDefaults(Settings{
		propAlg: "RS256", propLife: float64(life), propLifeWeb: float64(min(webLife, life)), "allow_offline_access": false,
		"skip_consent_for_verifiable_first_party_clients": false,
		propSubjects: map[string]any{"user": map[string]any{"policy": policyAllow}, "client": map[string]any{"policy": policyGrant}},
	})
	r = r.keyed()
	return r, r.check()
}

// Patched gives the resource server with the properties of patch in the place of its own. Of a system one, what the platform decides
// stays; sending it as it is changes nothing, as tools do.
func (r ResourceServer) Patched(patch Settings, now time.Time) (ResourceServer, error) {
	if r.System {
		for _, name := range []string{propScopes, propName, propAlg, propSignSecret, propSubjects, "enforce_policies", "token_dialect"} {
			if patch.Has(name) && !r.holds(name, patch[name]) {
				return ResourceServer{}, errUnsupported("The %s of a system API cannot be changed", name)
			}
		}
	}
	out := r
	out.Updated = now
	if patch.Has(propName) {
		out.Name = patch.Text(propName)
	}
	if secret := patch.Text(propSignSecret); secret != "" {
		out.SigningSecret = Secret(secret)
	}
	patch = without(patch, propName, propSignSecret)
	if life := patch.Number(propLife); life > 0 && !patch.Has(propLifeWeb) && r.Settings.Number(propLifeWeb) > life {
		patch[propLifeWeb] = float64(life)
	}
	out.Settings = r.Settings.Merged(patch)
	out = out.keyed()
	return out, out.check()
}

// holds reports whether the property has that value already.
func (r ResourceServer) holds(name string, value any) bool {
	if name == propName {
		return value == any(r.Name)
	}
	return reflect.DeepEqual(value, r.Settings[name])
}

// keyed gives an HS256 resource server the secret it needs.
func (r ResourceServer) keyed() ResourceServer {
	if r.SigningAlg() == "HS256" && r.SigningSecret == "" {
		r.SigningSecret = NewSecret()
	}
	return r
}

// errUnsupported refuses what no caller may do, whatever the body says.
func errUnsupported(format string, args ...any) *fault.Error {
	f := invalid(format, args...)
	f.Code = "operation_not_supported"
	return f
}

func (r ResourceServer) check() error {
	life, web := r.Settings.Number(propLife), r.Settings.Number(propLifeWeb)
	switch {
	case r.Identifier == "" || !utf8.ValidString(r.Identifier) || strings.ContainsFunc(r.Identifier, control):
		return invalidAt("identifier", "Object didn't pass validation for format identifier: %s", quoted(r.Identifier))
	case strings.TrimSpace(r.Name) == "" || strings.ContainsAny(r.Name, "<>"):
		return invalidAt(propName, "String does not match pattern ^[^<>]+$")
	case r.SigningSecret != "" && len(r.SigningSecret) < minSigningChars:
		return invalidAt(propSignSecret, "String is too short (%d chars), minimum %d", len(r.SigningSecret), minSigningChars)
	case life < 0 || life > month:
		return invalidAt(propLife, "Value %d is not between 0 and %d", life, month)
	case web > life:
		return invalid("token_lifetime_for_web must not be greater than token_lifetime")
	}
	seen := map[string]int{}
	for i, scope := range r.Scopes() {
		if scope.Value == "" || strings.ContainsFunc(scope.Value, notScope) {
			return invalidAt(propScopes, "%s is not a scope", quoted(scope.Value))
		}
		if first, twice := seen[scope.Value]; twice {
			return invalidAt(propScopes, "Array items are not unique (indexes %d and %d)", first, i)
		}
		seen[scope.Value] = i
	}
	if err := r.checkEncryption(); err != nil {
		return err
	}
	return r.checkSubjects()
}

func (r ResourceServer) checkSubjects() error {
	allowed := map[string][]string{
		"user": {policyAllow, policyDeny, policyGrant}, "client": {policyGrant, policyDeny}, "anonymous_user": {policyAllow, policyDeny, policyGrant},
	}
	subjects := r.Settings.Group(propSubjects)
	for _, kind := range slices.Sorted(maps.Keys(subjects)) {
		if policy := subjects.Group(kind).Text("policy"); !slices.Contains(allowed[kind], policy) {
			return invalidAt(propSubjects+"."+kind+".policy", "No enum match for: %s", quoted(policy))
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// notScope tells characters that no scope token holds (RFC 6749 §3.3).
func notScope(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r == 0x7f }

// scopeList makes the JSON list of scopes.
func scopeList(scopes []Scope) []any {
	out := make([]any, len(scopes))
	for i, s := range scopes {
		out[i] = map[string]any{"value": s.Value, "description": s.Description}
	}
	return out
}
