package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

var (
	_ token.SessionAdmin = (*Fake)(nil)
	_ token.LogoutQueue  = (*Fake)(nil)
)

// message is a logout message and when it is due.
type message struct {
	token.LogoutMessage

	due time.Time
}

// join notes that a session let its user into a client; false: it has ended.
func (f *Fake) join(tenant tenancy.ID, session, client string, hears bool, now time.Time) bool {
	s, ok := f.sessions[sid{tenant, session}]
	if !ok || !s.IdleUntil.After(now) {
		return false
	}
	if !slices.Contains(s.Clients, client) {
		s.Clients = append(slices.Clone(s.Clients), client)
		slices.Sort(s.Clients)
	}
	f.hearing[sid{tenant, session + " " + client}] = hears
	f.sessions[sid{tenant, session}] = s
	return true
}

// touch notes the use of a session, by whom; false: it has ended.
func (f *Fake) touch(tenant tenancy.ID, use token.SessionUse) bool {
	if !f.join(tenant, use.SessionID, use.ClientID, use.Hears, use.Now) {
		return false
	}
	s := f.sessions[sid{tenant, use.SessionID}]
	s.LastUsed, s.IdleUntil, s.Last = use.Now, use.IdleUntil, use.Origin
	if s.IdleUntil.After(s.Until) {
		s.IdleUntil = s.Until
	}
	f.sessions[sid{tenant, use.SessionID}] = s
	return true
}

// endSessions removes what e names and leaves the messages.
func (f *Fake) endSessions(tenant tenancy.ID, e token.SessionEnd) (gone []token.Session) {
	for key, s := range f.sessions {
		named := (e.SessionID == "" || e.SessionID == s.ID) && (e.UserID == "" || e.UserID == s.UserID)
		if key.tenant != tenant || !named || !e.OpenedBefore.IsZero() && !s.AuthTime.Before(e.OpenedBefore) {
			continue
		}
		gone = append(gone, s)
		delete(f.sessions, key)
		f.endOnline(tenant, s.ID)
		for _, client := range s.Clients {
			f.announce(tenant, s, client, e)
		}
	}
	return gone
}

// sweepStep is how exact the sweep is with sessions, whose ends move too often for an index of their own.
const sweepStep = 15 * time.Minute

// deadFrom is when the sweep takes a session.
func deadFrom(s token.Session) time.Time { return s.IdleUntil.Truncate(sweepStep).Add(sweepStep) }

// expireSessions removes what had expired, and leaves messages for the clients that hear.
func (f *Fake) expireSessions(now time.Time) {
	for key, s := range f.sessions {
		if deadFrom(s).After(now) {
			continue
		}
		delete(f.sessions, key)
		f.endOnline(key.tenant, s.ID)
		for _, client := range s.Clients {
			if f.hearing[sid{key.tenant, s.ID + " " + client}] {
				f.announce(key.tenant, s, client, token.SessionEnd{By: token.ByExpiry, Now: now})
			}
		}
	}
}

func (f *Fake) announce(tenant tenancy.ID, s token.Session, client string, e token.SessionEnd) {
	f.announced++
	m := &message{due: e.Now, LogoutMessage: token.LogoutMessage{
		Tenant: tenant, TenantName: s.TenantName, ID: "msg-" + strconv.Itoa(f.announced), ClientID: client, SessionID: s.ID, UserID: s.UserID,
		Host: s.Host, Metadata: s.Metadata, By: e.By, Ended: e.Now, Expires: e.Until(),
	}}
	f.messages[sid{tenant, m.ID}] = m
}

// EndSession implements token.LoginStore.
func (f *Fake) EndSession(_ context.Context, tenant tenancy.ID, e token.SessionEnd, fact token.Fact) error {
	return f.do(func() error {
		if len(f.endSessions(tenant, e)) == 0 {
			return notFound()
		}
		f.facts = append(f.facts, fact)
		return nil
	})
}

// FindSessionByID implements token.SessionAdmin.
func (f *Fake) FindSessionByID(_ context.Context, tenant tenancy.ID, session string, now time.Time) (s token.Session, err error) {
	err = f.do(func() error {
		found, ok := f.sessions[sid{tenant, session}]
		if !ok || !found.IdleUntil.After(now) {
			return notFound()
		}
		s = found
		return nil
	})
	return s, err
}

// ListSessions implements token.SessionAdmin.
func (f *Fake) ListSessions(_ context.Context, tenant tenancy.ID, userID string, p token.Page, now time.Time) (list []token.Session, err error) {
	err = f.do(func() error {
		for key, s := range f.sessions {
			if key.tenant == tenant && s.UserID == userID && s.IdleUntil.After(now) && s.ID > p.After {
				list = append(list, s)
			}
		}
		slices.SortFunc(list, func(a, b token.Session) int { return cmp.Compare(a.ID, b.ID) })
		list = list[:min(p.Limit, len(list))]
		return nil
	})
	return list, err
}

// UpdateSession implements token.SessionAdmin.
func (f *Fake) UpdateSession(_ context.Context, tenant tenancy.ID, session string, metadata map[string]string, now time.Time) (s token.Session, err error) {
	err = f.do(func() error {
		found, ok := f.sessions[sid{tenant, session}]
		if !ok || !found.IdleUntil.After(now) {
			return notFound()
		}
		found.Metadata, found.Updated = maps.Clone(metadata), now
		f.sessions[sid{tenant, session}] = found
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: now, Name: token.SessionUpdated})
		s = found
		return nil
	})
	return s, err
}

// EndSessions implements token.SessionAdmin.
func (f *Fake) EndSessions(_ context.Context, tenant tenancy.ID, e token.SessionEnd, all bool) (n int, err error) {
	err = f.do(func() error {
		if e.SessionID == "" && e.UserID == "" {
			return fault.Internal(errors.New("an ending that names neither a session nor a user"))
		}
		gone := f.endSessions(tenant, e)
		n = len(gone)
		for _, s := range gone {
			if all {
				f.revokeSession(tenant, s.ID, e.Now)
			}
		}
		if all && e.SessionID != "" {
			f.revokeSession(tenant, e.SessionID, e.Now)
		}
		for range n {
			f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: e.Now, Name: token.SessionEnded})
		}
		return nil
	})
	return n, err
}

// ClaimLogoutMessages implements token.LogoutQueue.
func (f *Fake) ClaimLogoutMessages(_ context.Context, c token.Claim) (list []token.LogoutMessage, err error) {
	err = f.do(func() error {
		taken := map[tenancy.ID]int{}
		for _, m := range f.messages {
			if len(list) < c.Limit && taken[m.Tenant] < c.Share && !slices.Contains(c.Busy, m.Tenant) && !m.due.After(c.Now) && m.Expires.After(c.Now) {
				taken[m.Tenant]++
				m.due, m.Attempts = c.Until, m.Attempts+1
				list = append(list, m.LogoutMessage)
			}
		}
		return nil
	})
	return list, err
}

// SettleLogoutMessage implements token.LogoutQueue.
func (f *Fake) SettleLogoutMessage(_ context.Context, m token.LogoutMessage, fact *token.Fact) error {
	return f.do(func() error {
		if f.messages[sid{m.Tenant, m.ID}] == nil {
			return notFound()
		}
		delete(f.messages, sid{m.Tenant, m.ID})
		if fact != nil {
			f.facts = append(f.facts, *fact)
		}
		return nil
	})
}

// PostponeLogoutMessage implements token.LogoutQueue.
func (f *Fake) PostponeLogoutMessage(_ context.Context, m token.LogoutMessage, due time.Time, fact *token.Fact) error {
	return f.do(func() error {
		have := f.messages[sid{m.Tenant, m.ID}]
		if have == nil {
			return notFound()
		}
		have.due = due
		if fact != nil {
			f.facts = append(f.facts, *fact)
		}
		return nil
	})
}

// Sessions gives all sessions, in the order of their IDs.
func (f *Fake) Sessions() []token.Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.sessions), func(a, b token.Session) int { return cmp.Compare(a.ID, b.ID) })
}

// LogoutMessages gives what clients have not heard of yet.
func (f *Fake) LogoutMessages() (list []token.LogoutMessage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.messages {
		list = append(list, m.LogoutMessage)
	}
	return list
}
