package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

var (
	_ token.ConsentStore = (*Fake)(nil)
	_ token.PushStore    = (*Fake)(nil)
)

// FindConsent implements token.ConsentStore.
func (f *Fake) FindConsent(_ context.Context, tenant tenancy.ID, userID, clientID, audience string) (c token.Consent, err error) {
	err = f.do(func() error {
		for key, found := range f.consents {
			if key.tenant == tenant && found.UserID == userID && found.ClientID == clientID && found.Audience == audience {
				c = found
				return nil
			}
		}
		return notFound()
	})
	return c, err
}

// GiveConsent implements token.ConsentStore.
func (f *Fake) GiveConsent(_ context.Context, tenant tenancy.ID, state token.Hash, sessionID string, c *token.Consent) error {
	return f.do(func() error {
		tx, ok := f.transactions[id{tenant, state}]
		if !ok || tx.SessionID != sessionID {
			return notFound()
		}
		tx.Agreed = true
		f.transactions[id{tenant, state}] = tx
		if c == nil {
			return nil
		}
		wider := *c
		for key, found := range f.consents {
			if key.tenant == tenant && found.UserID == c.UserID && found.ClientID == c.ClientID && found.Audience == c.Audience {
				wider.ID, wider.Scope = found.ID, slices.Clone(found.Scope)
				for _, word := range c.Scope {
					if !wider.Scope.Has(word) {
						wider.Scope = append(wider.Scope, word)
					}
				}
			}
		}
		f.consents[sid{tenant, wider.ID}] = wider
		return nil
	})
}

func matches(c token.Consent, f token.ConsentFilter) bool {
	return (f.UserID == "" || f.UserID == c.UserID) && (f.ClientID == "" || f.ClientID == c.ClientID) && (f.Audience == "" || f.Audience == c.Audience)
}

// ListConsents implements token.ConsentStore.
func (f *Fake) ListConsents(_ context.Context, tenant tenancy.ID, filter token.ConsentFilter, offset, limit int) (list []token.Consent, total int, err error) {
	err = f.do(func() error {
		for key, c := range f.consents {
			if key.tenant == tenant && matches(c, filter) {
				list = append(list, c)
			}
		}
		slices.SortFunc(list, func(a, b token.Consent) int { return cmp.Compare(a.ID, b.ID) })
		total = len(list)
		list = list[min(offset, total):min(offset+limit, total)]
		return nil
	})
	return list, total, err
}

// WithdrawConsents implements token.ConsentStore.
func (f *Fake) WithdrawConsents(_ context.Context, tenant tenancy.ID, consent string, filter token.ConsentFilter, now time.Time) (n int, err error) {
	err = f.do(func() error {
		for key, c := range f.consents {
			if key.tenant == tenant && (consent == "" || consent == c.ID) && matches(c, filter) {
				delete(f.consents, key)
				f.revokeConsent(tenant, token.ConsentFilter{UserID: c.UserID, ClientID: c.ClientID, Audience: c.Audience}, now)
				n++
			}
		}
		for range max(n, 1) {
			f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: now, Name: token.ConsentWithdrawn})
		}
		return nil
	})
	return n, err
}

// SavePushed implements token.PushStore.
func (f *Fake) SavePushed(_ context.Context, tenant tenancy.ID, p token.Pushed) error {
	return f.do(func() error {
		f.pushed[id{tenant, p.URI}] = p
		return nil
	})
}

// UsePushed implements token.PushStore.
func (f *Fake) UsePushed(_ context.Context, tenant tenancy.ID, uri token.Hash, now time.Time) (p token.Pushed, err error) {
	err = f.do(func() error {
		found, ok := f.pushed[id{tenant, uri}]
		if !ok || !found.Expires.After(now) {
			return notFound()
		}
		delete(f.pushed, id{tenant, uri})
		p = found
		return nil
	})
	return p, err
}

// AbandonTransaction implements token.LoginStore.
func (f *Fake) AbandonTransaction(_ context.Context, tenant tenancy.ID, state token.Hash) error {
	return f.do(func() error {
		if _, ok := f.transactions[id{tenant, state}]; !ok {
			return notFound()
		}
		delete(f.transactions, id{tenant, state})
		return nil
	})
}
