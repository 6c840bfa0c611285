// Package storetest holds the contract of the domain's stores as a suite, and a fake that keeps it. PostgreSQL and the fake are run
// through the same tests, so that what the other tests learn from the fake is true.
package storetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Fake keeps everything in memory. Safe for concurrent use.
type Fake struct {
	mu           sync.Mutex
	keys         map[tenancy.ID][]token.SigningKey
	transactions map[id]token.Transaction
	sessions     map[sid]token.Session
	codes        map[id]token.Authorization
	tokens       map[id]token.AccessToken
	assertions   map[id]time.Time
	refresh      map[sid]token.RefreshToken
	ofCode       map[id]string // the family that a code gave
	devices      map[sid]token.DeviceKey
	consents     map[sid]token.Consent
	pushed       map[id]token.Pushed
	transfers    map[id]token.Transfer
	messages     map[sid]*message
	counts       map[counted]tally
	announced    int
	hearing      map[sid]bool // by session and client
	waiting      map[id]*waitingDevice
	facts        []token.Fact
	failures     []error
	calls        int
}

type id struct {
	tenant tenancy.ID
	hash   token.Hash
}

type sid struct {
	tenant tenancy.ID
	id     string
}

var (
	_ token.KeyStore   = (*Fake)(nil)
	_ token.LoginStore = (*Fake)(nil)
	_ token.CodeStore  = (*Fake)(nil)
	_ token.Recorder   = (*Fake)(nil)

	_ token.OpaqueStore    = (*Fake)(nil)
	_ token.AssertionStore = (*Fake)(nil)
	_ token.RefreshStore   = (*Fake)(nil)
	_ token.RefreshAdmin   = (*Fake)(nil)
	_ token.DeviceKeyStore = (*Fake)(nil)
)

// NewFake makes an empty one.
func NewFake() *Fake {
	return &Fake{
		keys: map[tenancy.ID][]token.SigningKey{}, transactions: map[id]token.Transaction{}, sessions: map[sid]token.Session{},
		codes: map[id]token.Authorization{}, tokens: map[id]token.AccessToken{}, assertions: map[id]time.Time{},
		refresh: map[sid]token.RefreshToken{}, ofCode: map[id]string{}, devices: map[sid]token.DeviceKey{},
		consents: map[sid]token.Consent{}, pushed: map[id]token.Pushed{}, transfers: map[id]token.Transfer{},
		messages: map[sid]*message{}, counts: map[counted]tally{}, hearing: map[sid]bool{}, waiting: map[id]*waitingDevice{},
	}
}

// FailNext makes the next calls fail, one error each.
func (f *Fake) FailNext(errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, errs...)
}

// FailAfter lets so many calls pass and makes the one after them fail.
func (f *Fake) FailAfter(pass int, err error) { f.FailNext(append(make([]error, pass), err)...) }

// Facts gives what was written down so far.
func (f *Fake) Facts() []token.Fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.facts)
}

// Calls tells how often the store was asked for anything.
func (f *Fake) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Dump gives the hashes and names the fake holds, for tests that look for secrets at rest.
func (f *Fake) Dump() (sessions []token.Session, codes []token.Authorization, tokens []token.AccessToken) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.sessions {
		sessions = append(sessions, s)
	}
	for _, c := range f.codes {
		codes = append(codes, c)
	}
	for _, t := range f.tokens {
		tokens = append(tokens, t)
	}
	return sessions, codes, tokens
}

// do runs one step alone, unless a failure was queued.
func (f *Fake) do(step func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if len(f.failures) > 0 {
		err := f.failures[0]
		f.failures = f.failures[1:]
		if err != nil {
			return err
		}
	}
	return step()
}

func notFound() error { return fault.NotFound("Not found") }

// PublishKeys implements token.KeyStore.
func (f *Fake) PublishKeys(_ context.Context, tenant tenancy.ID, keys []token.SigningKey, fact token.Fact) (all []token.SigningKey, err error) {
	err = f.do(func() error {
		stored := false
		for _, key := range keys {
			same := func(k token.SigningKey) bool {
				return k.Alg == key.Alg && (k.Version == key.Version || key.State == token.KeyCurrent && k.State == token.KeyCurrent)
			}
			if !slices.ContainsFunc(f.keys[tenant], same) {
				f.keys[tenant] = append(f.keys[tenant], key)
				stored = true
			}
		}
		slices.SortFunc(f.keys[tenant], byVersion)
		if stored {
			f.facts = append(f.facts, fact)
		}
		all = slices.Clone(f.keys[tenant])
		return nil
	})
	return all, err
}

// ListKeys implements token.KeyStore.
func (f *Fake) ListKeys(_ context.Context, tenant tenancy.ID) (all []token.SigningKey, err error) {
	err = f.do(func() error {
		all = slices.Clone(f.keys[tenant])
		return nil
	})
	return all, err
}

// SaveTransaction implements token.LoginStore.
func (f *Fake) SaveTransaction(_ context.Context, tenant tenancy.ID, tx token.Transaction) error {
	return f.do(func() error {
		f.transactions[id{tenant, tx.State}] = tx
		return nil
	})
}

// FindTransaction implements token.LoginStore.
func (f *Fake) FindTransaction(_ context.Context, tenant tenancy.ID, state token.Hash, now time.Time) (tx token.Transaction, err error) {
	err = f.do(func() error {
		found, ok := f.transactions[id{tenant, state}]
		if !ok || !found.Expires.After(now) {
			return notFound()
		}
		tx = found
		return nil
	})
	return tx, err
}

// FindSession implements token.LoginStore.
func (f *Fake) FindSession(_ context.Context, tenant tenancy.ID, secret token.Hash, now time.Time) (s token.Session, err error) {
	err = f.do(func() error {
		for key, found := range f.sessions {
			if key.tenant == tenant && found.Secret.Equal(secret) && found.IdleUntil.After(now) {
				s = found
				s.Clients = nil
				return nil
			}
		}
		return notFound()
	})
	return s, err
}

// OpenSession implements token.LoginStore.
func (f *Fake) OpenSession(_ context.Context, tenant tenancy.ID, o token.Opening) error {
	return f.do(func() error {
		tx, ok := f.transactions[id{tenant, o.State}]
		if !ok {
			return notFound()
		}
		tx.SessionID, tx.Reused, tx.Agreed = o.Session.ID, false, false
		f.transactions[id{tenant, o.State}] = tx
		f.open(tenant, o)
		return nil
	})
}

// open stores a session in the place of the one that it replaces.
func (f *Fake) open(tenant tenancy.ID, o token.Opening) {
	if o.Replaces != "" {
		f.endSessions(tenant, token.SessionEnd{SessionID: o.Replaces, By: token.ByLogout, Now: o.Session.LastUsed})
	}
	opened := o.Session
	if before, ok := f.sessions[sid{tenant, opened.ID}]; ok {
		opened.Clients, opened.Metadata, opened.First, opened.Updated = before.Clients, before.Metadata, before.First, before.Updated
	}
	f.sessions[sid{tenant, opened.ID}] = opened
	f.facts = append(f.facts, o.Fact)
}

// CompleteTransaction implements token.LoginStore.
func (f *Fake) CompleteTransaction(_ context.Context, tenant tenancy.ID, c token.Completion) error {
	return f.do(func() error { return f.complete(tenant, c) })
}

func (f *Fake) complete(tenant tenancy.ID, c token.Completion) error {
	if _, ok := f.transactions[id{tenant, c.State}]; !ok {
		return notFound()
	}
	if c.Fact != nil {
		use := token.SessionUse{SessionID: c.SessionID, ClientID: c.ClientID, Hears: c.Hears, Now: c.Now, IdleUntil: c.IdleUntil, Origin: c.Origin}
		if !f.touch(tenant, use) {
			return notFound()
		}
		f.facts = append(f.facts, *c.Fact)
	} else if !f.join(tenant, c.SessionID, c.ClientID, c.Hears, c.Now) {
		return notFound()
	}
	delete(f.transactions, id{tenant, c.State})
	f.give(tenant, c.Given)
	return nil
}

func (f *Fake) give(tenant tenancy.ID, g token.Given) {
	if g.Code != nil {
		f.codes[id{tenant, g.Code.Code}] = *g.Code
	}
	if g.Token != nil {
		f.tokens[id{tenant, g.Token.Hash}] = *g.Token
	}
}

// ContinueSession implements token.LoginStore.
func (f *Fake) ContinueSession(_ context.Context, tenant tenancy.ID, use token.SessionUse) error {
	return f.do(func() error {
		if !f.touch(tenant, use) {
			return notFound()
		}
		f.give(tenant, use.Given)
		if use.Fact != nil {
			f.facts = append(f.facts, *use.Fact)
		}
		return nil
	})
}

// RecordFact implements token.LoginStore.
func (f *Fake) RecordFact(_ context.Context, fact token.Fact) error {
	return f.do(func() error {
		f.facts = append(f.facts, fact)
		return nil
	})
}

// Record implements token.Recorder.
func (f *Fake) Record(ctx context.Context, fact token.Fact) error { return f.RecordFact(ctx, fact) }

// FindCode implements token.CodeStore.
func (f *Fake) FindCode(_ context.Context, tenant tenancy.ID, code token.Hash, now time.Time) (a token.Authorization, err error) {
	err = f.do(func() error {
		found, ok := f.codes[id{tenant, code}]
		if !ok || !found.Expires.After(now) {
			return notFound()
		}
		a = found
		return nil
	})
	return a, err
}

// RedeemCode implements token.CodeStore.
func (f *Fake) RedeemCode(_ context.Context, tenant tenancy.ID, r token.Redemption) error {
	return f.do(func() error {
		a, ok := f.codes[id{tenant, r.Code}]
		if !ok || a.Redeemed || !a.Expires.After(r.Now) {
			return notFound()
		}
		if f.homeless(tenant, r.Refresh) {
			return fault.Conflict("", "The session has ended")
		}
		a.Redeemed = true
		f.codes[id{tenant, r.Code}] = a
		if r.Token != nil {
			t := *r.Token
			t.Code = r.Code
			f.tokens[id{tenant, t.Hash}] = t
		}
		if r.Refresh != nil {
			f.ofCode[id{tenant, r.Code}] = r.Refresh.ID
			f.addRefreshToken(tenant, r.Refresh)
		}
		f.facts = append(f.facts, r.Fact)
		return nil
	})
}

// RevokeCode implements token.CodeStore.
func (f *Fake) RevokeCode(_ context.Context, tenant tenancy.ID, code token.Hash, now time.Time) error {
	return f.do(func() error {
		for key, t := range f.tokens {
			if key.tenant == tenant && t.Code.Equal(code) {
				delete(f.tokens, key)
			}
		}
		f.revokeFamily(tenant, f.ofCode[id{tenant, code}], now)
		return nil
	})
}

// FindAccessToken implements token.CodeStore.
func (f *Fake) FindAccessToken(_ context.Context, tenant tenancy.ID, tok token.Hash, now time.Time) (t token.AccessToken, err error) {
	err = f.do(func() error {
		found, ok := f.tokens[id{tenant, tok}]
		if !ok || !found.Expires.After(now) {
			return notFound()
		}
		t = found
		return nil
	})
	return t, err
}

// RemoveTenant deletes all the tenant has.
func (f *Fake) RemoveTenant(_ context.Context, tenant tenancy.ID) error {
	return f.do(func() error {
		delete(f.keys, tenant)
		for key := range f.transactions {
			if key.tenant == tenant {
				delete(f.transactions, key)
			}
		}
		for key := range f.sessions {
			if key.tenant == tenant {
				delete(f.sessions, key)
			}
		}
		for key := range f.codes {
			if key.tenant == tenant {
				delete(f.codes, key)
			}
		}
		for key := range f.tokens {
			if key.tenant == tenant {
				delete(f.tokens, key)
			}
		}
		for key := range f.assertions {
			if key.tenant == tenant {
				delete(f.assertions, key)
			}
		}
		maps.DeleteFunc(f.counts, func(key counted, _ tally) bool { return key.tenant == tenant })
		f.removeRefreshTokens(tenant)
		maps.DeleteFunc(f.consents, func(key sid, _ token.Consent) bool { return key.tenant == tenant })
		maps.DeleteFunc(f.pushed, func(key id, _ token.Pushed) bool { return key.tenant == tenant })
		maps.DeleteFunc(f.transfers, func(key id, _ token.Transfer) bool { return key.tenant == tenant })
		maps.DeleteFunc(f.waiting, func(key id, _ *waitingDevice) bool { return key.tenant == tenant })
		maps.DeleteFunc(f.messages, func(key sid, _ *message) bool { return key.tenant == tenant })
		return nil
	})
}

// Sweep deletes what had expired at now.
func (f *Fake) Sweep(_ context.Context, now time.Time) (n int, err error) {
	err = f.do(func() error {
		before := len(f.transactions) + len(f.sessions) + len(f.codes) + len(f.tokens) + len(f.assertions) + len(f.pushed) + len(f.transfers)
		for key, row := range f.transactions {
			if !row.Expires.After(now) {
				delete(f.transactions, key)
			}
		}
		f.expireSessions(now)
		spent := len(f.messages)
		maps.DeleteFunc(f.messages, func(_ sid, m *message) bool { return !m.Expires.After(now) })
		spent -= len(f.messages)
		for key, row := range f.codes {
			if !row.Expires.After(now) {
				delete(f.codes, key)
			}
		}
		for key, row := range f.tokens {
			if !row.Expires.After(now) {
				delete(f.tokens, key)
			}
		}
		for key, until := range f.assertions {
			if !until.After(now) {
				delete(f.assertions, key)
			}
		}
		maps.DeleteFunc(f.pushed, func(_ id, row token.Pushed) bool { return !row.Expires.After(now) })
		maps.DeleteFunc(f.transfers, func(_ id, row token.Transfer) bool { return !row.Expires.After(now) })
		n = before - len(f.transfers) - len(f.transactions) - len(f.sessions) - len(f.codes) - len(f.tokens) - len(f.assertions) - len(f.pushed) + f.sweepRefreshTokens(now) + f.sweepTokenCounts(now) + spent
		return nil
	})
	return n, err
}

// SaveTokens implements token.OpaqueStore.
func (f *Fake) SaveTokens(_ context.Context, tenant tenancy.ID, s token.Settlement) error {
	return f.do(func() error {
		if f.homeless(tenant, s.Refresh) {
			return fault.Conflict("", "The session has ended")
		}
		if s.Opaque != nil {
			f.tokens[id{tenant, s.Opaque.Hash}] = *s.Opaque
		}
		if s.Refresh != nil {
			f.addRefreshToken(tenant, s.Refresh)
		}
		f.facts = append(f.facts, s.Fact)
		return nil
	})
}

// UseAssertion implements token.AssertionStore.
func (f *Fake) UseAssertion(_ context.Context, tenant tenancy.ID, assertion token.Hash, expires time.Time) error {
	return f.do(func() error {
		key := id{tenant, assertion}
		if _, used := f.assertions[key]; used {
			return fault.Conflict("", "The assertion was used before")
		}
		f.assertions[key] = expires
		return nil
	})
}
