package user

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
)

// Store keeps users, each visible to its own tenant only. Every change writes its event in the same transaction. What is not there,
// or is another tenant's, is ErrNotFound.
type Store interface {
	// Create stores u with the credential of its primary identity (none when nil). An id, or within the connection an e-mail,
	// username or phone number, that is taken is ErrExists.
	Create(ctx context.Context, tenant tenancy.ID, u User, c *Credential) error
	// Find gives one user.
	Find(ctx context.Context, tenant tenancy.ID, id ID) (User, error)
	// ListByEmail gives the users with exactly that e-mail address, oldest first.
	ListByEmail(ctx context.Context, tenant tenancy.ID, email string) ([]User, error)
	// Search gives a page of what matches, and how many match in all when q.Total is set (else 0).
	Search(ctx context.Context, tenant tenancy.ID, q Query) ([]User, int, error)
	// Update locks the user, applies the change as of now and stores the outcome; c, when not nil, becomes the credential of the
	// primary identity, and of those before it change.KeepPasswords stay known. A taken e-mail address, username or phone number is ErrExists.
	Update(ctx context.Context, tenant tenancy.ID, id ID, change Change, c *Credential, now time.Time) (User, error)
	// Delete removes a user with all that hangs on it. Deleting who is not there changes nothing and is no error.
	Delete(ctx context.Context, tenant tenancy.ID, id ID, now time.Time) error
	// DeleteByEmail removes, as Delete does, the user whose main identity is of the database connection of that name and has that
	// e-mail address (in normal form); nobody is no error.
	DeleteByEmail(ctx context.Context, tenant tenancy.ID, connection, email string, now time.Time) error
	// FindByIdentifier gives the id of the user whose e-mail address, username or phone number at the connection is the identifier (in
	// normal form), and the credential of that identity (zero when it has none). It takes as long whether there is one or not.
	FindByIdentifier(ctx context.Context, tenant tenancy.ID, connection, identifier string) (ID, Identity, Credential, error)
	// ListPasswords gives the credentials that the identity has and had, as far as they are still known, the present one first; at most
	// limit.
	ListPasswords(ctx context.Context, tenant tenancy.ID, identity Identity, limit int) ([]Credential, error)
	// ReplaceHash puts a new hash of the same password in the place of old. When old is no longer the hash, nothing happens.
	ReplaceHash(ctx context.Context, tenant tenancy.ID, identity Identity, old, fresh Credential) error
	// RecordLogin counts a login and gives how many there were with it.
	RecordLogin(ctx context.Context, tenant tenancy.ID, id ID, ip string, now time.Time) (int64, error)
	// RemoveTenant deletes all the tenant has; a repeat is fine.
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
}

// Query asks for users.
type Query struct {
	Where      lucene.Node // nil: all
	Connection string      // the name of a connection that one of the identities is of; empty: any
	Sort       string      // one of the sortable fields; empty: by creation
	Descending bool
	Offset     int
	Limit      int
	Total      bool
}

// Connection is what this room must know of a connection.
type Connection struct {
	Name     string
	Strategy string
	Password PasswordRules
	// Username says that users of the connection have usernames.
	Username bool
	// UsernameMin and UsernameMax bound a username in characters; zero: what CheckUsername allows.
	UsernameMin, UsernameMax int
}

// Connections knows the tenant's connections.
type Connections interface {
	// Find gives the connection of that name; fault.NotFound when the tenant has none such.
	Find(ctx context.Context, tenant tenancy.ID, name string) (Connection, error)
	// FindByID gives the connection of that id; fault.NotFound when the tenant has none such.
	FindByID(ctx context.Context, tenant tenancy.ID, id string) (Connection, error)
}

// Hasher makes and checks password hashes; both are slow on purpose, bounded in number, and end early with ctx. Tenants that wait take
// turns, so that a flood at one does not hold the others up.
type Hasher interface {
	Hash(ctx context.Context, tenant tenancy.ID, password string) (Credential, error)
	// Verify reports whether the password is that of c, and whether c was made with other parameters than today's. The zero
	// Credential, and one that cannot be read, cost the same work and never match.
	Verify(ctx context.Context, tenant tenancy.ID, c Credential, password string) (ok, outdated bool, err error)
}
