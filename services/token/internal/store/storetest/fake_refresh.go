package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// RefreshTokens gives the families the fake holds, for tests that look for secrets at rest.
func (f *Fake) RefreshTokens() []token.RefreshToken {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.refresh))
}

// homeless reports a family whose session has ended, or never was.
func (f *Fake) homeless(tenant tenancy.ID, r *token.RefreshToken) bool {
	if r == nil || !r.Online {
		return false
	}
	s, ok := f.sessions[sid{tenant, r.SessionID}]
	return !ok || !s.IdleUntil.After(r.Created)
}

// endOnline removes the families that lived as long as the session.
func (f *Fake) endOnline(tenant tenancy.ID, session string) {
	for key, r := range f.refresh {
		if key.tenant == tenant && r.Online && r.SessionID == session {
			delete(f.refresh, key)
		}
	}
}

func (f *Fake) addRefreshToken(tenant tenancy.ID, r *token.RefreshToken) {
	kept := *r
	kept.Prunes = false
	f.refresh[sid{tenant, r.ID}] = kept
	if !r.Prunes {
		return
	}
	var own []token.RefreshToken
	for key, have := range f.refresh {
		if key.tenant == tenant && have.UserID == r.UserID && have.ClientID == r.ClientID && have.Online == r.Online {
			own = append(own, have)
		}
	}
	slices.SortFunc(own, func(a, b token.RefreshToken) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, old := range own[min(len(own), token.MaxRefreshTokens):] {
		f.endRefreshToken(tenant, old.ID)
	}
}

// endRefreshToken removes a family and what it gave.
func (f *Fake) endRefreshToken(tenant tenancy.ID, family string) {
	delete(f.refresh, sid{tenant, family})
	for key, t := range f.tokens {
		if key.tenant == tenant && family != "" && t.Family == family {
			delete(f.tokens, key)
		}
	}
}

func (f *Fake) removeRefreshTokens(tenant tenancy.ID) {
	maps.DeleteFunc(f.refresh, func(key sid, _ token.RefreshToken) bool { return key.tenant == tenant })
	maps.DeleteFunc(f.devices, func(key sid, _ token.DeviceKey) bool { return key.tenant == tenant })
}

func (f *Fake) sweepRefreshTokens(now time.Time) int {
	before := len(f.refresh)
	maps.DeleteFunc(f.refresh, func(_ sid, r token.RefreshToken) bool {
		end := r.Until
		if end.IsZero() || !r.IdleUntil.IsZero() && r.IdleUntil.Before(end) {
			end = r.IdleUntil
		}
		return !end.IsZero() && !now.Before(end.Truncate(time.Hour).Add(time.Hour))
	})
	return before - len(f.refresh)
}

// FindRefreshToken implements token.RefreshStore.
func (f *Fake) FindRefreshToken(_ context.Context, tenant tenancy.ID, id string, now time.Time) (r token.RefreshToken, err error) {
	err = f.do(func() error {
		found, ok := f.refresh[sid{tenant, id}]
		if !ok || found.Over(now) {
			return notFound()
		}
		r = found
		return nil
	})
	return r, err
}

// RotateRefreshToken implements token.RefreshStore.
func (f *Fake) RotateRefreshToken(_ context.Context, tenant tenancy.ID, r token.Rotation) error {
	return f.do(func() error {
		key := sid{tenant, r.ID}
		have, ok := f.refresh[key]
		newest := slices.Contains(have.Current, r.Presented)
		late := slices.Contains(have.Previous, r.Presented) && !r.Since.IsZero() && have.Rotated.After(r.Since)
		if r.Session != nil {
			s, there := f.sessions[sid{tenant, r.Session.SessionID}]
			if !there || !s.IdleUntil.After(r.Now) {
				return notFound()
			}
		}
		switch {
		case !ok || have.Over(r.Now):
			return notFound()
		case r.Next.Zero():
			if !newest || have.Rotating {
				return notFound()
			}
		case newest:
			have.Counter, have.Rotated, have.Rotating = have.Counter+1, r.Now, r.Rotating
			have.Previous, have.Current = have.Current, []token.Hash{r.Next}
			bind(&have, r)
		case late:
			have.Current = append(slices.Clone(have.Current), r.Next)
			have.Current = have.Current[max(0, len(have.Current)-token.MaxSiblings):]
			have.Rotating = r.Rotating
			bind(&have, r)
		default:
			return fault.Conflict("", "The refresh token was used before")
		}
		have.LastExchanged, have.IdleUntil, have.Last = r.Now, r.IdleUntil, r.Origin
		f.refresh[key] = have
		if r.Session != nil {
			use := *r.Session
			use.Now, use.Origin = r.Now, r.Origin
			f.touch(tenant, use)
		}
		if r.Migrates {
			f.endSiblings(tenant, have)
		}
		if r.Token != nil {
			f.tokens[id{tenant, r.Token.Hash}] = *r.Token
		}
		if r.Transfer != nil {
			f.transfers[id{tenant, r.Transfer.Token}] = *r.Transfer
		}
		f.facts = append(f.facts, r.Fact)
		return nil
	})
}

func bind(have *token.RefreshToken, r token.Rotation) {
	if have.Thumbprint == "" {
		have.Thumbprint = r.Thumbprint
	}
}

func (f *Fake) endSiblings(tenant tenancy.ID, of token.RefreshToken) {
	for key, r := range f.refresh {
		sibling := r.UserID == of.UserID && r.ClientID == of.ClientID && r.Audience == of.Audience && r.ID != of.ID && !r.Online
		if key.tenant == tenant && sibling && r.Rotating != of.Rotating {
			f.endRefreshToken(tenant, r.ID)
		}
	}
}

// RevokeRefreshToken implements token.RefreshStore.
func (f *Fake) RevokeRefreshToken(_ context.Context, tenant tenancy.ID, r token.Revocation) error {
	return f.do(func() error {
		if _, ok := f.refresh[sid{tenant, r.ID}]; !ok {
			return notFound()
		}
		f.revokeFamily(tenant, r.ID, r.Fact.Time)
		if c := r.Consent; c != nil {
			maps.DeleteFunc(f.consents, func(key sid, have token.Consent) bool {
				return key.tenant == tenant && have.UserID == c.UserID && have.ClientID == c.ClientID && have.Audience == c.Audience
			})
			f.revokeConsent(tenant, *c, r.Fact.Time)
		}
		f.facts = append(f.facts, r.Fact)
		return nil
	})
}

// RevokeAccessToken implements token.RefreshStore.
func (f *Fake) RevokeAccessToken(_ context.Context, tenant tenancy.ID, tok token.Hash) error {
	return f.do(func() error {
		delete(f.tokens, id{tenant, tok})
		return nil
	})
}
