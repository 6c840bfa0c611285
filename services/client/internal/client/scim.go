package client

import (
	"crypto/sha256"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// SCIM is how a connection's users are provisioned by its identity provider (RFC 7643, RFC 7644): one of a connection.
type SCIM struct {
	ConnectionID   string
	ConnectionName string // of the connection, as is Strategy; the store fills both in
	Strategy       string
	// UserIDAttribute is the SCIM attribute of which user ids are made.
	UserIDAttribute string
	Mapping         []SCIMMapping
	Created         time.Time
	Updated         time.Time
}

// SCIMMapping lays one attribute of SCIM on one property of users.
type SCIMMapping struct{ Auth0, SCIM string }

// SCIMToken is what an identity provider shows at a connection's SCIM endpoint.
type SCIMToken struct {
	ID       string // "tok_" and 16
	Secret   Secret // set when it is made, and never known again
	Hash     []byte // SHA-256 of the secret
	Scopes   []string
	Created  time.Time
	Expires  time.Time // zero: never
	LastUsed time.Time // zero: never
}

const (
	// maxSCIMTokens a connection has at most: the one in use, and the one to change to.
	maxSCIMTokens = 2

	maxSCIMMappings  = 200
	maxSCIMAttribute = 256 // characters
	// A token lives longer than minSCIMTokenLife, or without an end; maxSCIMTokenLife keeps the sum within what a date can say.
	minSCIMTokenLife = 900 * time.Second
	maxSCIMTokenLife = 100 * 365 * 24 * time.Hour
)

// scimScopes are what a SCIM token may allow: those of users, and those of groups.
var scimScopes = []string{
	"get:users", "post:users", "put:users", "patch:users", "delete:users",
	"get:groups", "post:groups", "put:groups", "patch:groups", "delete:groups",
}

// userScopes are those of a token that was asked for without any.
var userScopes = scimScopes[:5]

// takesSCIM reports whether the connection's strategy has identity providers that provision by SCIM.
func (c Connection) takesSCIM() error {
	if !slices.Contains([]string{"samlp", "oidc", "okta", "waad"}, c.Strategy) {
		return errUnsupported("Connections of strategy %s have no SCIM configuration", c.Strategy)
	}
	return nil
}

// NewSCIM makes a configuration of what was sent; what is empty is taken from the strategy's defaults. Invalid when it breaks a rule, or
// the strategy has none.
func (c Connection) NewSCIM(userIDAttribute string, mapping []SCIMMapping, now time.Time) (SCIM, error) {
	if err := c.takesSCIM(); err != nil {
		return SCIM{}, err
	}
	s := SCIM{
		ConnectionID: c.ID, ConnectionName: c.Name, Strategy: c.Strategy, UserIDAttribute: userIDAttribute, Mapping: mapping, Created: now, Updated: now,
	}
	if s.UserIDAttribute == "" {
		s.UserIDAttribute = "externalId"
		if c.Strategy == "samlp" {
			s.UserIDAttribute = "userName" // what a NameID is
		}
	}
	if mapping == nil {
		s.Mapping = c.defaultSCIMMapping()
	}
	return s, s.check()
}

// DefaultSCIMMapping gives the mapping that the connection's strategy starts with; Invalid when the strategy has none.
func (c Connection) DefaultSCIMMapping() ([]SCIMMapping, error) {
	if err := c.takesSCIM(); err != nil {
		return nil, err
	}
	return c.defaultSCIMMapping(), nil
}

func (s SCIM) check() error {
	if len(s.Mapping) > maxSCIMMappings {
		return invalidAt("mapping", "Array is too long (%d), maximum %d", len(s.Mapping), maxSCIMMappings)
	}
	if err := checkSCIMAttribute("user_id_attribute", s.UserIDAttribute); err != nil {
		return err
	}
	for _, m := range s.Mapping {
		if err := checkSCIMAttribute("mapping.auth0", m.Auth0); err != nil {
			return err
		}
		if err := checkSCIMAttribute("mapping.scim", m.SCIM); err != nil {
			return err
		}
	}
	return nil
}

func checkSCIMAttribute(path, value string) error {
	n := utf8.RuneCountInString(value)
	switch {
	case n == 0:
		return invalidAt(path, "String is too short (0 chars), minimum 1")
	case n > maxSCIMAttribute:
		return invalidAt(path, "String is too long (%d chars), maximum %d", n, maxSCIMAttribute)
	}
	for _, r := range value {
		if !unicode.IsPrint(r) {
			return invalidAt(path, "Object didn't pass validation for format attribute-path: %s", quoted(value))
		}
	}
	return nil
}

// NewSCIMToken makes a token that allows scopes, those of users when there are none, for as long as life; zero: without an end.
func NewSCIMToken(scopes []string, life time.Duration, now time.Time) (SCIMToken, error) {
	switch {
	case life != 0 && life <= minSCIMTokenLife:
		return SCIMToken{}, invalidAt("token_lifetime", "Value %d is less than minimum %d", int64(life.Seconds()), int64(minSCIMTokenLife.Seconds())+1)
	case life > maxSCIMTokenLife:
		return SCIMToken{}, invalidAt("token_lifetime", "Value %d is greater than maximum %d", int64(life.Seconds()), int64(maxSCIMTokenLife.Seconds()))
	}
	if len(scopes) == 0 {
		scopes = userScopes
	}
	for i, scope := range scopes {
		if !slices.Contains(scimScopes, scope) {
			return SCIMToken{}, invalidAt("scopes", "No enum match for: %s", quoted(scope))
		}
		if first := slices.Index(scopes, scope); first != i {
			return SCIMToken{}, invalidAt("scopes", "Array items are not unique (indexes %d and %d)", first, i)
		}
	}
	t := SCIMToken{ID: "tok_" + random(shortIDLength), Scopes: slices.Clone(scopes), Created: now}
	t.Secret = Secret(t.ID + "." + string(NewSecret()))
	hash := sha256.Sum256([]byte(t.Secret))
	t.Hash = hash[:]
	if life > 0 {
		t.Expires = now.Add(life)
	}
	return t, nil
}

func (c Connection) defaultSCIMMapping() []SCIMMapping {
	mapping := slices.Clone(scimMapping)
	if c.Strategy == "samlp" {
		mapping[0].Auth0 = "username"
	}
	return mapping
}

// enterprise is the schema of employees (RFC 7643 §4.3).
const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User."

// scimMapping is the mapping that the wire starts with.
var scimMapping = []SCIMMapping{
	{"preferred_username", "userName"},
	{"email", "emails[primary eq true].value"},
	{"app_metadata.external_id", "externalId"},
	{"blocked", "active"},
	{"name", "displayName"},
	{"given_name", "name.givenName"},
	{"family_name", "name.familyName"},
	{"app_metadata.middle_name", "name.middleName"},
	{"app_metadata.honorific_prefix", "name.honorificPrefix"},
	{"app_metadata.honorific_suffix", "name.honorificSuffix"},
	{"nickname", "nickName"},
	{"picture", `photos[type eq "photo"].value`},
	{"app_metadata.primary_phone_number", "phoneNumbers[primary eq true].value"},
	{"app_metadata.mobile_phone_number", `phoneNumbers[type eq "mobile"].value`},
	{"app_metadata.street_address", `addresses[type eq "work"].streetAddress`},
	{"app_metadata.city", `addresses[type eq "work"].locality`},
	{"app_metadata.state", `addresses[type eq "work"].region`},
	{"app_metadata.postal_code", `addresses[type eq "work"].postalCode`},
	{"app_metadata.postal_address", `addresses[type eq "work"].formatted`},
	{"app_metadata.country", `addresses[type eq "work"].country`},
	{"app_metadata.profile_url", "profileUrl"},
	{"app_metadata.user_type", "userType"},
	{"app_metadata.title", "title"},
	{"app_metadata.language", "preferredLanguage"},
	{"app_metadata.locale", "locale"},
	{"app_metadata.timezone", "timezone"},
	{"app_metadata.employee_id", enterprise + "employeeNumber"},
	{"app_metadata.cost_center", enterprise + "costCenter"},
	{"app_metadata.organization", enterprise + "organization"},
	{"app_metadata.division", enterprise + "division"},
	{"app_metadata.department", enterprise + "department"},
	{"app_metadata.manager", enterprise + "manager"},
}
