package auditlog

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
)

// Store keeps entries, each visible to its own tenant only.
type Store interface {
	// Append stores entries of any tenants in their order, all or none, and gives how many were new: one whose EventID the tenant
	// has on that Date is not stored again. Places in the log rise in the order in which calls become visible, so that who reads
	// on from a place misses nothing. Dates that Maintain made no room for are fault.Invalid.
	Append(ctx context.Context, entries []Entry, now time.Time) (stored int, err error)
	// Search gives a page of what matches.
	Search(ctx context.Context, tenant tenancy.ID, q Query) ([]Entry, error)
	// After gives up to limit entries behind a place in the log, in the log's order.
	After(ctx context.Context, tenant tenancy.ID, seq int64, limit int, usersOnly bool) ([]Entry, error)
	// Find gives the entry with that id, or ErrNotFound.
	Find(ctx context.Context, tenant tenancy.ID, id ID) (Entry, error)
	// Daily counts per UTC day that has entries, in [from, to), oldest first.
	Daily(ctx context.Context, tenant tenancy.ID, from, to time.Time) ([]Day, error)
	// ActiveUsers counts the users who logged in or signed up since then.
	ActiveUsers(ctx context.Context, tenant tenancy.ID, since time.Time) (int, error)
	// RemoveTenant deletes all the tenant has; a repeat is fine.
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
	// Maintain makes room for the days first to last and gives up the days before first.
	Maintain(ctx context.Context, first, last time.Time) error
}

// Query asks for entries.
type Query struct {
	Where     lucene.Node // nil: all
	UserID    string      // only this user's; empty: any
	UsersOnly bool        // only entries about a user
	Sort      string      // a field; empty: date
	Ascending bool
	Offset    int
	Limit     int
}

// Day is what happened in a UTC day.
type Day struct {
	Date            time.Time
	Logins          int64
	Signups         int64
	LeakedPasswords int64
	First, Last     time.Time // when the day's first and last entry were taken in
}
