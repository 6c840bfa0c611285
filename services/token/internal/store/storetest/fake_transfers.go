package storetest

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

var _ token.TransferStore = (*Fake)(nil)

// FindTransfer implements token.TransferStore.
func (f *Fake) FindTransfer(_ context.Context, tenant tenancy.ID, tok token.Hash, now time.Time) (tr token.Transfer, err error) {
	err = f.do(func() (err error) {
		tr, err = f.transfer(tenant, tok, now)
		return err
	})
	return tr, err
}

func (f *Fake) transfer(tenant tenancy.ID, tok token.Hash, now time.Time) (token.Transfer, error) {
	tr, ok := f.transfers[id{tenant, tok}]
	r, there := f.refresh[sid{tenant, tr.Family}]
	if !ok || !tr.Expires.After(now) || !there || r.Over(now) {
		return token.Transfer{}, notFound()
	}
	tr.UserID, tr.Connection, tr.AuthTime = r.UserID, r.Connection, r.AuthTime
	return tr, nil
}

// TakeOver implements token.TransferStore.
func (f *Fake) TakeOver(_ context.Context, tenant tenancy.ID, tok token.Hash, o token.Opening) error {
	return f.do(func() error {
		if _, err := f.transfer(tenant, tok, o.Session.LastUsed); err != nil {
			return err
		}
		delete(f.transfers, id{tenant, tok})
		f.open(tenant, o)
		return nil
	})
}

// revokeFamily removes a family, what it gave, and what came of the sessions that were handed on by it.
func (f *Fake) revokeFamily(tenant tenancy.ID, family string, now time.Time) {
	if family == "" {
		return
	}
	f.endRefreshToken(tenant, family)
	for key, s := range f.sessions {
		if key.tenant == tenant && s.From == (token.Handover{Family: family, Ends: true}) {
			f.endSessions(tenant, token.SessionEnd{SessionID: s.ID, By: token.ByRevocation, Now: now})
			f.revokeSession(tenant, s.ID, now)
		}
	}
	for key, r := range f.refresh {
		if key.tenant == tenant && r.From == (token.Handover{Family: family, Ends: true}) {
			f.endRefreshToken(tenant, r.ID)
		}
	}
}
