package tenant

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// NewAccount is what a sign-up begins with: all of it is kept in one step, or nothing is.
type NewAccount struct {
	Account   Account
	Owner     Member
	Token     TokenRecord
	Tenant    Tenant
	Operation Operation
}

// Principal is who holds a token.
type Principal struct {
	Member Member
	Token  TokenRecord
}

// Store keeps accounts and all that is theirs. An account's things are found through that account only: asked for with another
// account they are fault.NotFound. The engine being away is fault.Unavailable.
type Store interface {
	// SignUp keeps a new account with its owner, first token, first tenant and operation, atomically; Conflict "account_taken" when
	// the slug belongs to an account, also to one whose tenants are all deleted. Of two concurrent calls for one slug one wins.
	SignUp(ctx context.Context, n NewAccount) error
	// FindSignup gives a sign-up with its steps; whoever calls must compare its TokenHash. NotFound.
	FindSignup(ctx context.Context, id OperationID) (Operation, error)
	// FindOperation gives an operation of the account with its steps; NotFound.
	FindOperation(ctx context.Context, account AccountID, id OperationID) (Operation, error)
	// TakeSecret gives the sealed hand-over of an operation that is ready, and forgets it: of two concurrent calls one wins.
	// NotFound when there is none, or it was taken.
	TakeSecret(ctx context.Context, account AccountID, id OperationID) ([]byte, error)

	// MembersByEmail gives who has the address, oldest first; of one account when account is not empty. None is no error.
	MembersByEmail(ctx context.Context, email string, account Slug, limit int) ([]Member, error)
	// ListMembers gives an account's members, oldest first.
	ListMembers(ctx context.Context, account AccountID) ([]Member, error)
	// SaveToken keeps a token.
	SaveToken(ctx context.Context, t TokenRecord) error
	// FindPrincipal gives who holds the token with the hash; NotFound when nobody does, or it is past its end.
	FindPrincipal(ctx context.Context, hash [sha256.Size]byte, now time.Time) (Principal, error)
	// DeleteToken forgets a token; a repeat is fine.
	DeleteToken(ctx context.Context, hash [sha256.Size]byte) error

	// ListTenants gives the account's tenants, oldest first, without those that failed.
	ListTenants(ctx context.Context, account AccountID) ([]Tenant, error)
	// FindTenant gives a tenant of the account with the steps of its newest operation; NotFound.
	FindTenant(ctx context.Context, account AccountID, id tenancy.ID) (Tenant, error)
	// CreateTenant keeps a tenant with the operation that makes it; Conflict "tenant_exists" when the account has, or had, one in
	// the region.
	CreateTenant(ctx context.Context, t Tenant, op Operation) error
	// DeleteTenant keeps the operation that deletes a tenant of the account; NotFound, or Conflict when the tenant is being made or
	// deleted, or is deleted already.
	DeleteTenant(ctx context.Context, op Operation) error
}

// WorkStore is what operations are carried out with. Its methods may be repeated: the second call changes nothing.
type WorkStore interface {
	// ListOpen gives operations that have not ended, oldest first: those pending, and those begun before stale.
	ListOpen(ctx context.Context, stale time.Time, limit int) ([]Operation, error)
	// Begin marks an operation as begun. One that has ended is fault.Conflict "ended".
	Begin(ctx context.Context, id OperationID, now time.Time) error
	// SaveSteps records news of steps. A step that is done or failed stays so, unless it runs again.
	SaveSteps(ctx context.Context, id OperationID, changes []StepChange, now time.Time) error
	// AssignCell gives the tenant the cell unless it has one, and gives the one it has then.
	AssignCell(ctx context.Context, id tenancy.ID, cell string) (string, error)
	// SaveHostnames keeps where the tenant answers. A host of another tenant is fault.Conflict "hostname_taken".
	SaveHostnames(ctx context.Context, id tenancy.ID, hosts []Hostname) error
	// DeleteHostnames forgets where the tenant answers and gives what that was.
	DeleteHostnames(ctx context.Context, id tenancy.ID) ([]Hostname, error)
	// ListEntries gives what the directory says of every host, a page at a time in order of host; after is the last host of the
	// page before. Hosts of a tenant whose deletion was asked for are those of a deleted one.
	ListEntries(ctx context.Context, after string, limit int) ([]Entry, error)
	// FindEntries gives what the directory says of the tenant's hosts.
	FindEntries(ctx context.Context, id tenancy.ID) ([]Entry, error)
	// FindOwner gives a member to write to about the tenant's account; NotFound.
	FindOwner(ctx context.Context, id tenancy.ID) (Member, error)
	// Complete ends an operation as ready and opens its tenant, with what its cell gave, atomically with the step that says so. A
	// repeat does not bring back a secret that was taken.
	Complete(ctx context.Context, id OperationID, result Result, now time.Time) error
	// Fail ends an operation as failed with a sentence. A sign-up's account is released: its slug is free, its members and tokens
	// are gone. A tenant that was being made is failed.
	Fail(ctx context.Context, id OperationID, sentence string, now time.Time) error
	// CompleteDelete ends an operation as ready and marks its tenant deleted.
	CompleteDelete(ctx context.Context, id OperationID, now time.Time) error
}

// Result is what a cell gave for a new tenant.
type Result struct {
	ManagementClientID string
	SealedSecret       []byte // see box.go
}

// Passwords hashes and checks passwords at a bounded cost.
type Passwords interface {
	// Hash gives the hash of password; Unavailable when too many callers wait.
	Hash(ctx context.Context, password string) (string, error)
	// Matches reports whether hash was made from password; Unavailable when too many callers wait.
	Matches(ctx context.Context, hash, password string) (bool, error)
}

// Workflows carries operations out. Its engine may be away.
type Workflows interface {
	// Start begins an operation's workflow, or finds it begun already; Unavailable when the engine is away.
	Start(ctx context.Context, op Operation) error
}

// Entry is what the directory says of one host.
type Entry struct {
	Hostname

	Tenant    tenancy.ID
	Slug      Slug
	Region    Region
	Cell      string
	State     State
	Canonical string // the tenant's canonical host
}

// Directory tells the routers who answers where.
type Directory interface {
	// Put publishes an entry and gives the revision of the directory from which it counts. What is there already is not published
	// again: the revision is then the one it has.
	Put(ctx context.Context, e Entry) (revision uint64, err error)
	// Remove takes a host out; a repeat is fine.
	Remove(ctx context.Context, host string) error
	// Hosts gives all that is published, by host.
	Hosts(ctx context.Context) (map[string]Entry, error)
	// Await returns once every live router has applied the revision; Unavailable when that has not come about before the end of
	// ctx, or when no router lives.
	Await(ctx context.Context, revision uint64) error
}

// Postman sends mail.
type Postman interface {
	Welcome(ctx context.Context, to string, t Tenant, domain string) error
}

// Keys makes a tenant's keys in its cell's vault. Repeats are harmless.
type Keys interface {
	CreateSigningKey(ctx context.Context, id tenancy.ID) error
	CreateWrappingKey(ctx context.Context, id tenancy.ID) error
	DeleteKeys(ctx context.Context, id tenancy.ID) error
}

// Seed is what the cell's services start a tenant with.
type Seed struct {
	Tenant             tenancy.ID
	Name               Slug
	ManagementAudience string
}

// Neighbours are the cell's other services. Repeats change nothing and answer the same.
type Neighbours interface {
	// Seed gives the new tenant its first clients, connection and grants, and the management client's credentials.
	Seed(ctx context.Context, s Seed) (clientID, secret string, err error)
	// PublishKeys makes the tenant's keys known to the world.
	PublishKeys(ctx context.Context, id tenancy.ID, hostname string) error
	// RemoveTenant deletes everything the services have of the tenant.
	RemoveTenant(ctx context.Context, id tenancy.ID) error
}

// SettingsStore keeps tenants' settings in their cell, each visible to its own tenant only.
type SettingsStore interface {
	// Create keeps settings for a tenant that has none; a repeat changes nothing.
	Create(ctx context.Context, id tenancy.ID, s Settings) error
	// Find gives the tenant's settings; NotFound.
	Find(ctx context.Context, id tenancy.ID) (Settings, error)
	// Update replaces the settings by what change makes of them and records the event, atomically: no concurrent change is lost.
	// NotFound; a failure of change changes nothing.
	Update(ctx context.Context, id tenancy.ID, change func(Settings) (Settings, error)) (Settings, error)
	// Remove deletes all the tenant has here; a repeat is fine.
	Remove(ctx context.Context, id tenancy.ID) error
}
