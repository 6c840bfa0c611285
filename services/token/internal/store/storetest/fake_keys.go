package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

func keysChanged() error { return fault.Conflict("", "The signing keys were changed meanwhile") }

// ShowKeys implements token.KeyStore.
func (f *Fake) ShowKeys(_ context.Context, tenant tenancy.ID, alg string, fact token.Fact) (all []token.SigningKey, err error) {
	err = f.do(func() error {
		shown := func(k token.SigningKey) bool { return k.Alg == alg && !k.Shown.IsZero() }
		if !slices.ContainsFunc(f.keys[tenant], shown) {
			for i, key := range f.keys[tenant] {
				if key.Alg == alg {
					f.keys[tenant][i].Shown = fact.Time
				}
			}
			if slices.ContainsFunc(f.keys[tenant], shown) {
				f.facts = append(f.facts, fact)
			}
		}
		all = slices.Clone(f.keys[tenant])
		return nil
	})
	return all, err
}

// RotateKeys implements token.KeyStore.
func (f *Fake) RotateKeys(_ context.Context, tenant tenancy.ID, r token.KeyRotation) (all []token.SigningKey, err error) {
	err = f.do(func() error {
		keys := slices.Clone(f.keys[tenant])
		if !turn(keys, r.Retire, token.KeyCurrent, func(key *token.SigningKey) { key.State, key.Until = token.KeyPrevious, r.Since }) ||
			!turn(keys, r.Promote, token.KeyNext, func(key *token.SigningKey) { key.State, key.Since = token.KeyCurrent, r.Since }) {
			return keysChanged()
		}
		for _, key := range r.Fresh {
			if slices.ContainsFunc(keys, func(k token.SigningKey) bool { return k.Alg == key.Alg && k.Version == key.Version }) {
				return keysChanged()
			}
			keys = append(keys, key)
		}
		slices.SortFunc(keys, byVersion)
		f.keys[tenant], all = keys, slices.Clone(keys)
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: r.At, Name: token.KeysRotated, KeyIDs: []string{r.Next.KeyID}})
		return nil
	})
	return all, err
}

// RevokeKeys implements token.KeyStore.
func (f *Fake) RevokeKeys(_ context.Context, tenant tenancy.ID, r token.KeyRevocation) error {
	return f.do(func() error {
		keys := slices.Clone(f.keys[tenant])
		if !turn(keys, r.KeyIDs, token.KeyPrevious, func(key *token.SigningKey) { key.State, key.Revoked = token.KeyRevoked, r.At }) {
			return keysChanged()
		}
		f.keys[tenant] = keys
		f.facts = append(f.facts, token.Fact{Tenant: tenant, Time: r.At, Name: token.KeysRevoked, KeyIDs: []string{r.Named.KeyID}})
		return nil
	})
}

func byVersion(a, b token.SigningKey) int {
	return cmp.Or(a.Version-b.Version, strings.Compare(b.Alg, a.Alg))
}

// turn edits the keys named, and says whether each was there in the state.
func turn(keys []token.SigningKey, named []string, state token.KeyState, edit func(*token.SigningKey)) bool {
	for _, id := range named {
		i := slices.IndexFunc(keys, func(k token.SigningKey) bool { return k.KeyID == id && k.State == state })
		if i < 0 {
			return false
		}
		edit(&keys[i])
	}
	return true
}
