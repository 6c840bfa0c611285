package store

import (
	"context"
	"errors"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// kindKey is what facts call a signing key.
const kindKey = "key"

func errKeysChanged() error {
	return fault.Conflict("", "The signing keys were changed meanwhile").Because(errors.New("a key is not in its state any more"))
}

// RotateKeys implements token.KeyStore. Calls for one tenant take turns, and the states are compared under the lock: of two that saw
// the same keys the later changes nothing.
func (s *Store) RotateKeys(ctx context.Context, tenant tenancy.ID, r token.KeyRotation) ([]token.SigningKey, error) {
	var all []token.SigningKey
	err := s.administer(ctx, tenant, func(a *administration) error {
		if err := a.LockKeys(ctx, string(tenant)); err != nil {
			return err
		}
		n, err := a.RetireKeys(ctx, sqlcgen.RetireKeysParams{TenantID: string(tenant), Kids: r.Retire, Until: &r.Since})
		if err := changedAll(n, err, len(r.Retire)); err != nil {
			return err
		}
		n, err = a.PromoteKeys(ctx, sqlcgen.PromoteKeysParams{TenantID: string(tenant), Kids: r.Promote, Since: &r.Since})
		if err := changedAll(n, err, len(r.Promote)); err != nil {
			return err
		}
		for _, key := range r.Fresh {
			row, err := keyRow(tenant, key)
			if err != nil {
				return err
			}
			n, err := a.InsertKey(ctx, row)
			if err := changedAll(n, err, 1); err != nil {
				return err
			}
		}
		if all, err = listKeys(ctx, a.Queries, tenant); err != nil {
			return err
		}
		a.leaves(ctx, r.Next)
		return a.fact(ctx, token.KeysRotated, kindKey, r.Next.KeyID, r.At)
	})
	return all, err
}

// RevokeKeys implements token.KeyStore.
func (s *Store) RevokeKeys(ctx context.Context, tenant tenancy.ID, r token.KeyRevocation) error {
	return s.administer(ctx, tenant, func(a *administration) error {
		n, err := a.RevokeKeys(ctx, sqlcgen.RevokeKeysParams{TenantID: string(tenant), Kids: r.KeyIDs, At: &r.At})
		if err := changedAll(n, err, len(r.KeyIDs)); err != nil {
			return err
		}
		a.leaves(ctx, r.Named)
		return a.fact(ctx, token.KeysRevoked, kindKey, r.Named.KeyID, r.At)
	})
}

// changedAll makes "fewer rows than were named" a conflict.
func changedAll(rows int64, err error, named int) error {
	if err == nil && rows != int64(named) {
		return errKeysChanged()
	}
	return err
}
