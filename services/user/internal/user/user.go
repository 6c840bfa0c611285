package user

import (
	"crypto/md5" //nolint:gosec // the avatar service's address is made of it; nothing is protected by it
	"crypto/rand"
	"encoding/hex"
	"maps"
	"strings"
	"time"
)

// ID names a user: the provider, a bar and the identity's own id ("auth0|" and 24 hex digits). It is the sub of tokens and is never
// given to another user of the tenant while the first exists.
type ID string

// NewIdentityID makes the part behind the bar: 24 hex digits at random.
func NewIdentityID() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Split gives the provider and the identity's own id; ok is false for what is no user id.
func (id ID) Split() (provider, own string, ok bool) {
	provider, own, ok = strings.Cut(string(id), "|")
	return provider, own, ok && provider != "" && own != "" && len(id) <= maxID && !strings.ContainsRune(string(id), 0)
}

const maxID = 255

// Metadata is a tree of JSON values under the tenant's own names.
type Metadata map[string]any

// User is one person's record in one tenant.
type User struct {
	ID            ID
	Email         string // lower case; empty when none is known
	EmailVerified bool
	Username      string // lower case
	PhoneNumber   string
	PhoneVerified bool
	Name          string
	GivenName     string
	FamilyName    string
	Nickname      string
	Picture       string
	Blocked       bool
	UserMetadata  Metadata // the user may change it
	AppMetadata   Metadata // only the tenant may
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// LastLogin, LastIP and LoginsCount are zero until the first login; LastPasswordReset until the first change.
	LastLogin         time.Time
	LastIP            string
	LoginsCount       int64
	LastPasswordReset time.Time
	// LoginsValidFrom is when the e-mail address, username, phone number or password last changed; zero: never since CreatedAt. A
	// login from before it is over: it may be the one that the change was to shut out.
	LoginsValidFrom time.Time
	// Identities are the ways in, the primary (whose provider and id are in ID) first.
	Identities []Identity
}

// Identity is one login of a user at a connection.
type Identity struct {
	Connection string // its name
	Provider   string // the strategy of the connection, in the user id
	ID         string // unique within the provider and the tenant
	IsSocial   bool
}

// Primary gives the identity that the user id is made of.
func (u User) Primary() Identity {
	if len(u.Identities) == 0 {
		return Identity{}
	}
	return u.Identities[0]
}

// Credential verifies an identity: a PHC string of the password's hash, never a password.
type Credential struct{ Hash string }

// NormalEmail is the form in which e-mails are stored and compared: lower case, no blanks around.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Defaults fills in what a caller may leave out: the name (e-mail, else username or phone), the nickname (the e-mail's local part)
// and the picture.
func (u *User) Defaults() {
	if u.Name == "" {
		u.Name = firstOf(u.Email, u.Username, u.PhoneNumber)
	}
	if u.Nickname == "" {
		local, _, _ := strings.Cut(u.Email, "@")
		u.Nickname = firstOf(u.Username, local, u.PhoneNumber)
	}
	if u.Picture == "" {
		u.Picture = Picture(firstOf(u.Email, u.Username, u.PhoneNumber))
	}
}

// Picture is the address of the avatar of who has no other: Gravatar's for the e-mail, which draws a pattern for strangers.
func Picture(email string) string {
	sum := md5.Sum([]byte(email)) //nolint:gosec // see the import
	return "https://s.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=480&r=pg&d=identicon"
}

// Merge lays change over m one level deep and gives the result: a property of change replaces m's, a null deletes it.
func (m Metadata) Merge(change Metadata) Metadata {
	out := Metadata{}
	maps.Copy(out, m)
	for name, value := range change {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = value
	}
	return out
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
