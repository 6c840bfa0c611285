// Package storetest holds the contract that every store of users keeps, and a fake that keeps it in memory.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Fake is a user.Store in memory. Safe for concurrent use.
type Fake struct {
	mu      sync.Mutex
	tenants map[tenancy.ID]map[user.ID]*record
	errs    []error
}

type record struct {
	user       user.User
	credential user.Credential
	before     []user.Credential // what the credential was, newest first
}

var _ user.Store = (*Fake)(nil)

// NewFake makes an empty Fake.
func NewFake() *Fake { return &Fake{tenants: map[tenancy.ID]map[user.ID]*record{}} }

// FailNext has the next call answer err and do nothing; several wait in line.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

// begin takes the lock and the failure that waits.
func (f *Fake) begin() (unlock func(), err error) {
	f.mu.Lock()
	if len(f.errs) > 0 {
		err, f.errs = f.errs[0], f.errs[1:]
	}
	return f.mu.Unlock, err
}

// Create implements user.Store.
func (f *Fake) Create(_ context.Context, tenant tenancy.ID, u user.User, c *user.Credential) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	if f.tenants[tenant][u.ID] != nil || f.taken(tenant, u) {
		return user.ErrExists
	}
	r := &record{user: clone(u)}
	if c != nil {
		r.credential = *c
	}
	if f.tenants[tenant] == nil {
		f.tenants[tenant] = map[user.ID]*record{}
	}
	f.tenants[tenant][u.ID] = r
	return nil
}

// taken reports whether another user has an identifier of u at u's connection.
func (f *Fake) taken(tenant tenancy.ID, u user.User) bool {
	for id, r := range f.tenants[tenant] {
		if id == u.ID || r.user.Primary().Connection != u.Primary().Connection {
			continue
		}
		o := r.user
		switch u.Primary().Provider {
		case user.StrategyDatabase:
			if same(u.Email, o.Email) || same(u.Username, o.Username) {
				return true
			}
		case user.StrategyEmail:
			if same(u.Email, o.Email) {
				return true
			}
		case user.StrategySMS:
			if same(u.PhoneNumber, o.PhoneNumber) {
				return true
			}
		}
	}
	return false
}

func same(a, b string) bool { return a != "" && a == b }

// Find implements user.Store.
func (f *Fake) Find(_ context.Context, tenant tenancy.ID, id user.ID) (user.User, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return user.User{}, err
	}
	r := f.tenants[tenant][id]
	if r == nil {
		return user.User{}, user.ErrNotFound
	}
	return clone(r.user), nil
}

// ListByEmail implements user.Store.
func (f *Fake) ListByEmail(ctx context.Context, tenant tenancy.ID, email string) ([]user.User, error) {
	users, _, err := f.Search(ctx, tenant, user.Query{Where: lucene.Term{Field: "email", Value: email}, Limit: 100})
	return users, err
}

// Search implements user.Store. It knows the text fields, the metadata and the identities.
func (f *Fake) Search(_ context.Context, tenant tenancy.ID, q user.Query) ([]user.User, int, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, 0, err
	}
	key, ok := sortKeys[q.Sort]
	if !ok {
		return nil, 0, fault.Invalid("invalid_query_string", "no such field to sort by")
	}
	var found []user.User
	for _, r := range f.tenants[tenant] {
		ofConnection := q.Connection == "" || slices.ContainsFunc(r.user.Identities, func(i user.Identity) bool { return i.Connection == q.Connection })
		if ofConnection && matches(r.user, q.Where) {
			found = append(found, clone(r.user))
		}
	}
	slices.SortFunc(found, func(a, b user.User) int {
		order := strings.Compare(key(a), key(b))
		if q.Descending {
			order = -order
		}
		if order == 0 {
			return strings.Compare(string(a.ID), string(b.ID))
		}
		return order
	})
	total := 0
	if q.Total {
		total = len(found)
	}
	found = found[min(q.Offset, len(found)):]
	return found[:min(q.Limit, len(found))], total, nil
}

var sortKeys = map[string]func(user.User) string{
	"":           func(u user.User) string { return u.CreatedAt.UTC().Format(time.RFC3339Nano) },
	"created_at": func(u user.User) string { return u.CreatedAt.UTC().Format(time.RFC3339Nano) },
	"updated_at": func(u user.User) string { return u.UpdatedAt.UTC().Format(time.RFC3339Nano) },
	"email":      func(u user.User) string { return u.Email },
	"name":       func(u user.User) string { return strings.ToLower(u.Name) },
	"user_id":    func(u user.User) string { return string(u.ID) },
}

func matches(u user.User, n lucene.Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case lucene.And:
		return !slices.ContainsFunc(n, func(part lucene.Node) bool { return !matches(u, part) })
	case lucene.Or:
		return slices.ContainsFunc(n, func(part lucene.Node) bool { return matches(u, part) })
	case lucene.Not:
		return !matches(u, n.Node)
	case lucene.Exists:
		return slices.ContainsFunc(values(u, n.Field), func(v string) bool { return v != "" })
	case lucene.Term:
		if n.Field == "" {
			return slices.ContainsFunc([]string{"email", "name", "nickname", "given_name", "family_name", "username"}, func(field string) bool {
				return matches(u, lucene.Term{Field: field, Value: n.Value, Wild: n.Wild})
			})
		}
		want := n.Value
		if folded[n.Field] {
			want = strings.ToLower(want)
		}
		return slices.ContainsFunc(values(u, n.Field), func(v string) bool {
			if !n.Wild {
				return v == want && v != ""
			}
			prefix, _, _ := strings.Cut(want, string(lucene.Star))
			return v != "" && strings.HasPrefix(v, prefix)
		})
	case lucene.Range:
		return slices.ContainsFunc(values(u, n.Field), func(v string) bool {
			return v != "" && (n.From == "" || v > n.From || v == n.From && !n.FromOpen) && (n.To == "" || v < n.To || v == n.To && !n.ToOpen)
		})
	}
	return false
}

var folded = map[string]bool{"email": true, "username": true, "name": true, "given_name": true, "family_name": true, "nickname": true}

func values(u user.User, field string) []string {
	switch field {
	case "user_id":
		return []string{string(u.ID)}
	case "email":
		return []string{u.Email}
	case "username":
		return []string{u.Username}
	case "name":
		return []string{strings.ToLower(u.Name)}
	case "nickname":
		return []string{strings.ToLower(u.Nickname)}
	case "given_name":
		return []string{strings.ToLower(u.GivenName)}
	case "family_name":
		return []string{strings.ToLower(u.FamilyName)}
	case "email_verified":
		return []string{fmt.Sprint(u.EmailVerified)}
	case "blocked":
		return []string{fmt.Sprint(u.Blocked)}
	case "identities.connection":
		var out []string
		for _, i := range u.Identities {
			out = append(out, i.Connection)
		}
		return out
	}
	for prefix, m := range map[string]user.Metadata{"user_metadata.": u.UserMetadata, "app_metadata.": u.AppMetadata} {
		if path, ok := strings.CutPrefix(field, prefix); ok {
			return leaves(map[string]any(m), strings.Split(path, "."))
		}
	}
	return nil
}

func leaves(v any, path []string) []string {
	if len(path) > 0 {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		return leaves(m[path[0]], path[1:])
	}
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, fmt.Sprint(item))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}

// Update implements user.Store.
func (f *Fake) Update(_ context.Context, tenant tenancy.ID, id user.ID, change user.Change, c *user.Credential, now time.Time) (user.User, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return user.User{}, err
	}
	r := f.tenants[tenant][id]
	if r == nil {
		return user.User{}, user.ErrNotFound
	}
	u := clone(r.user)
	change.Apply(&u, now)
	if f.taken(tenant, u) {
		return user.User{}, user.ErrExists
	}
	r.user = clone(u)
	if c != nil {
		r.before = slices.Concat([]user.Credential{r.credential}, r.before)
		r.before = r.before[:min(change.KeepPasswords, len(r.before))]
		r.credential = *c
	}
	return u, nil
}

// Delete implements user.Store.
func (f *Fake) Delete(_ context.Context, tenant tenancy.ID, id user.ID, _ time.Time) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	delete(f.tenants[tenant], id)
	return nil
}

// DeleteByEmail implements user.Store.
func (f *Fake) DeleteByEmail(_ context.Context, tenant tenancy.ID, connection, email string, _ time.Time) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	for id, r := range f.tenants[tenant] {
		if p := r.user.Primary(); p.Connection == connection && p.Provider == user.StrategyDatabase && same(r.user.Email, email) {
			delete(f.tenants[tenant], id)
		}
	}
	return nil
}

// FindByIdentifier implements user.Store.
func (f *Fake) FindByIdentifier(_ context.Context, tenant tenancy.ID, connection, identifier string) (user.ID, user.Identity, user.Credential, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return "", user.Identity{}, user.Credential{}, err
	}
	for _, r := range f.tenants[tenant] {
		u := r.user
		if p := u.Primary(); p.Connection == connection && p.Provider == user.StrategyDatabase && (same(u.Email, identifier) || same(u.Username, identifier)) {
			return u.ID, p, r.credential, nil
		}
	}
	return "", user.Identity{}, user.Credential{}, user.ErrNotFound
}

// ListPasswords implements user.Store.
func (f *Fake) ListPasswords(_ context.Context, tenant tenancy.ID, i user.Identity, limit int) ([]user.Credential, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, err
	}
	for _, r := range f.tenants[tenant] {
		if p := r.user.Primary(); p.Provider == i.Provider && p.ID == i.ID {
			known := slices.DeleteFunc(slices.Concat([]user.Credential{r.credential}, r.before), func(c user.Credential) bool { return c.Hash == "" })
			return known[:min(limit, len(known))], nil
		}
	}
	return nil, nil
}

// ReplaceHash implements user.Store.
func (f *Fake) ReplaceHash(_ context.Context, tenant tenancy.ID, i user.Identity, old, fresh user.Credential) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	for _, r := range f.tenants[tenant] {
		if p := r.user.Primary(); p.Provider == i.Provider && p.ID == i.ID && r.credential == old {
			r.credential = fresh
		}
	}
	return nil
}

// RecordLogin implements user.Store.
func (f *Fake) RecordLogin(_ context.Context, tenant tenancy.ID, id user.ID, ip string, now time.Time) (int64, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return 0, err
	}
	r := f.tenants[tenant][id]
	if r == nil {
		return 0, user.ErrNotFound
	}
	r.user.LastLogin, r.user.LastIP, r.user.UpdatedAt = now, ip, now
	r.user.LoginsCount++
	return r.user.LoginsCount, nil
}

// RemoveTenant implements user.Store.
func (f *Fake) RemoveTenant(_ context.Context, tenant tenancy.ID) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	delete(f.tenants, tenant)
	return nil
}

// clone copies what a caller could change behind the fake's back, as a database would.
func clone(u user.User) user.User {
	u.Identities = slices.Clone(u.Identities)
	u.UserMetadata, u.AppMetadata = cloneMetadata(u.UserMetadata), cloneMetadata(u.AppMetadata)
	return u
}

func cloneMetadata(m user.Metadata) user.Metadata {
	if m == nil {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // a test's own value
	}
	out := user.Metadata{}
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}
