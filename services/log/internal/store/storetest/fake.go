// Package storetest holds the contract that every store of the audit log keeps, and a fake that keeps it in memory.
package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// Fake is an auditlog.Store in memory. Safe for concurrent use.
type Fake struct {
	mu          sync.Mutex
	seq         int64
	at          time.Time
	first, last time.Time // the days there is room for; the last one included
	entries     []auditlog.Entry
	errs        []error
	refused     map[string]bool
}

var _ auditlog.Store = (*Fake)(nil)

// NewFake makes an empty Fake with no room for any day.
func NewFake() *Fake { return &Fake{refused: map[string]bool{}} }

// FailNext has the next call answer err and do nothing; several wait in line.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

// Refuse has every Append that holds the event fail as invalid data does.
func (f *Fake) Refuse(eventID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[eventID] = true
}

func (f *Fake) begin() (unlock func(), err error) {
	f.mu.Lock()
	if len(f.errs) > 0 {
		err, f.errs = f.errs[0], f.errs[1:]
	}
	return f.mu.Unlock, err
}

// Append implements auditlog.Store.
func (f *Fake) Append(_ context.Context, entries []auditlog.Entry, now time.Time) (int, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if f.refused[e.EventID] || e.Date.Before(f.first) || !e.Date.Before(f.last.AddDate(0, 0, 1)) {
			return 0, fault.Invalid("", "A value is not acceptable")
		}
	}
	if now = now.UTC().Truncate(time.Millisecond); now.After(f.at) {
		f.at = now
	}
	stored := 0
	for _, e := range entries {
		e.Date = e.Date.UTC().Truncate(time.Microsecond)
		f.seq++
		repeat := slices.ContainsFunc(f.entries, func(o auditlog.Entry) bool {
			return o.Tenant == e.Tenant && o.EventID == e.EventID && o.Date.Equal(e.Date)
		})
		if repeat {
			continue
		}
		e.Seq, e.Ingested = f.seq, f.at
		f.entries = append(f.entries, e)
		stored++
	}
	return stored, nil
}

func (f *Fake) of(tenant tenancy.ID) []auditlog.Entry {
	var out []auditlog.Entry
	for _, e := range f.entries {
		if e.Tenant == tenant {
			out = append(out, e)
		}
	}
	return out
}

// Search implements auditlog.Store.
func (f *Fake) Search(_ context.Context, tenant tenancy.ID, q auditlog.Query) ([]auditlog.Entry, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, err
	}
	if q.Sort != "" && q.Sort != "date" && q.Sort != "log_id" && value(auditlog.Entry{}, q.Sort) == nil {
		return nil, fault.Invalid("invalid_query_string", "no such field to sort by")
	}
	var out []auditlog.Entry
	for _, e := range f.of(tenant) {
		if (q.UserID == "" || q.UserID == e.UserID) && (!q.UsersOnly || e.UserID != "") && matches(e, q.Where) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b auditlog.Entry) int {
		order := 0
		switch q.Sort {
		case "", "date":
			order = a.Date.Compare(b.Date)
		case "log_id":
		default:
			order = strings.Compare(*value(a, q.Sort), *value(b, q.Sort))
		}
		if order == 0 {
			order = cmp.Compare(a.Seq, b.Seq)
		}
		if !q.Ascending {
			return -order
		}
		return order
	})
	out = out[min(q.Offset, len(out)):]
	return out[:min(q.Limit, len(out))], nil
}

func value(e auditlog.Entry, field string) *string {
	switch field {
	case "type":
		return &e.Type
	case "description":
		return &e.Description
	case "client_id":
		return &e.ClientID
	case "client_name":
		return &e.ClientName
	case "connection":
		return &e.Connection
	case "ip":
		return &e.IP
	case "user_id":
		return &e.UserID
	case "user_name":
		return &e.UserName
	case "log_id":
		id := string(e.ID())
		return &id
	}
	return nil
}

func matches(e auditlog.Entry, n lucene.Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case lucene.And:
		return !slices.ContainsFunc(n, func(part lucene.Node) bool { return !matches(e, part) })
	case lucene.Or:
		return slices.ContainsFunc(n, func(part lucene.Node) bool { return matches(e, part) })
	case lucene.Not:
		return !matches(e, n.Node)
	case lucene.Exists:
		v := value(e, n.Field)
		return v != nil && *v != ""
	case lucene.Term:
		if n.Field == "" {
			return slices.ContainsFunc([]string{"client_name", "connection", "description", "ip", "log_id", "type", "user_name"}, func(field string) bool {
				return matches(e, lucene.Term{Field: field, Value: n.Value, Wild: n.Wild})
			})
		}
		v := value(e, n.Field)
		if v == nil || *v == "" {
			return false
		}
		if !n.Wild {
			return *v == n.Value
		}
		before, after, _ := strings.Cut(n.Value, string(lucene.Star))
		return strings.HasPrefix(*v, before) && strings.HasSuffix(*v, strings.TrimSuffix(after, string(lucene.Star)))
	case lucene.Range:
		v := e.Date.Format(time.RFC3339)
		for _, bound := range []string{n.From, n.To} {
			if _, err := time.Parse(time.RFC3339, bound); bound != "" && err != nil {
				return false
			}
		}
		return n.Field == "date" && (n.From == "" || v >= n.From) && (n.To == "" || v <= n.To)
	}
	return false
}

// After implements auditlog.Store.
func (f *Fake) After(_ context.Context, tenant tenancy.ID, seq int64, limit int, usersOnly bool) ([]auditlog.Entry, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(f.of(tenant), func(e auditlog.Entry) bool { return e.Seq <= seq || usersOnly && e.UserID == "" })
	return out[:min(limit, len(out))], nil
}

// Find implements auditlog.Store.
func (f *Fake) Find(_ context.Context, tenant tenancy.ID, id auditlog.ID) (auditlog.Entry, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return auditlog.Entry{}, err
	}
	for _, e := range f.of(tenant) {
		if e.ID() == id {
			return e, nil
		}
	}
	return auditlog.Entry{}, auditlog.ErrNotFound
}

// Daily implements auditlog.Store.
func (f *Fake) Daily(_ context.Context, tenant tenancy.ID, from, to time.Time) ([]auditlog.Day, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return nil, err
	}
	days := map[time.Time]auditlog.Day{}
	for _, e := range f.of(tenant) {
		if e.Date.Before(from) || !e.Date.Before(to) {
			continue
		}
		date := e.Date.Truncate(24 * time.Hour)
		d, ok := days[date]
		if !ok {
			d = auditlog.Day{Date: date, First: e.Ingested}
		}
		d.Last = e.Ingested
		switch e.Type {
		case "s", "sepft":
			d.Logins++
		case "ss":
			d.Signups++
		case "pwd_leak", "signup_pwd_leak":
			d.LeakedPasswords++
		}
		days[date] = d
	}
	var out []auditlog.Day
	for _, d := range days {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b auditlog.Day) int { return a.Date.Compare(b.Date) })
	return out, nil
}

// ActiveUsers implements auditlog.Store.
func (f *Fake) ActiveUsers(_ context.Context, tenant tenancy.ID, since time.Time) (int, error) {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return 0, err
	}
	users := map[string]bool{}
	for _, e := range f.of(tenant) {
		if !e.Date.Before(since) && e.UserID != "" && slices.Contains([]string{"s", "ss", "ssa", "sepft", "sertft"}, e.Type) {
			users[e.UserID] = true
		}
	}
	return len(users), nil
}

// RemoveTenant implements auditlog.Store.
func (f *Fake) RemoveTenant(_ context.Context, tenant tenancy.ID) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	f.entries = slices.DeleteFunc(f.entries, func(e auditlog.Entry) bool { return e.Tenant == tenant })
	return nil
}

// Maintain implements auditlog.Store.
func (f *Fake) Maintain(_ context.Context, first, last time.Time) error {
	unlock, err := f.begin()
	defer unlock()
	if err != nil {
		return err
	}
	f.first, f.last = first, last
	f.entries = slices.DeleteFunc(f.entries, func(e auditlog.Entry) bool { return e.Date.Before(first) })
	return nil
}
