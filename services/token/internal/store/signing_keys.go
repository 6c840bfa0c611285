package store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// errNothingNew rolls a change back that found all as it was to be.
var errNothingNew = errors.New("nothing new")

// PublishKeys implements token.KeyStore. Calls for one tenant take turns, so that of two for one version the later finds it there.
func (s *Store) PublishKeys(ctx context.Context, tenant tenancy.ID, keys []token.SigningKey, f token.Fact) ([]token.SigningKey, error) {
	return s.changeKeys(ctx, tenant, f, func(q *sqlcgen.Queries) (stored int64, err error) {
		for _, key := range keys {
			row, err := keyRow(tenant, key)
			if err != nil {
				return 0, err
			}
			n, err := q.InsertKey(ctx, row)
			if err != nil {
				return 0, err
			}
			stored += n
		}
		return stored, nil
	})
}

// ShowKeys implements token.KeyStore.
func (s *Store) ShowKeys(ctx context.Context, tenant tenancy.ID, alg string, f token.Fact) ([]token.SigningKey, error) {
	return s.changeKeys(ctx, tenant, f, func(q *sqlcgen.Queries) (int64, error) {
		return q.ShowKeys(ctx, sqlcgen.ShowKeysParams{TenantID: string(tenant), Alg: alg, At: &f.Time})
	})
}

// changeKeys runs change, which says how many rows it changed, and gives all keys then. Where it changed none there is no fact.
func (s *Store) changeKeys(ctx context.Context, tenant tenancy.ID, f token.Fact, change func(*sqlcgen.Queries) (int64, error)) ([]token.SigningKey, error) {
	var all []token.SigningKey
	err := s.write(ctx, tenant, &f, func(q *sqlcgen.Queries) error {
		if err := q.LockKeys(ctx, string(tenant)); err != nil {
			return err
		}
		n, err := change(q)
		if err != nil {
			return err
		}
		if all, err = listKeys(ctx, q, tenant); err == nil && n == 0 {
			return errNothingNew
		}
		return err
	})
	if errors.Is(err, errNothingNew) {
		return all, nil
	}
	return all, err
}

// ListKeys implements token.KeyStore.
func (s *Store) ListKeys(ctx context.Context, tenant tenancy.ID) ([]token.SigningKey, error) {
	var all []token.SigningKey
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		all, err = listKeys(ctx, q, tenant)
		return err
	})
	return all, err
}

func listKeys(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID) ([]token.SigningKey, error) {
	rows, err := q.ListKeys(ctx, string(tenant))
	if err != nil {
		return nil, err
	}
	keys := make([]token.SigningKey, 0, len(rows))
	for _, row := range rows {
		key, err := keyOf(row)
		if err != nil {
			return nil, fault.Internal(fmt.Errorf("reading key %s: %w", row.Kid, err))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func keyRow(tenant tenancy.ID, key token.SigningKey) (sqlcgen.InsertKeyParams, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		return sqlcgen.InsertKeyParams{}, fault.Internal(fmt.Errorf("encoding a public key: %w", err))
	}
	return sqlcgen.InsertKeyParams{
		TenantID: string(tenant), Kid: key.KeyID, Alg: key.Alg, Version: int32(key.Version), State: string(key.State), //nolint:gosec // Vault counts from 1
		PublicKey: der, Certificate: key.Certificate, CreatedAt: key.Created, Since: nullTime(key.Since), ShownAt: nullTime(key.Shown),
	}, nil
}

func keyOf(row sqlcgen.SigningKey) (token.SigningKey, error) {
	public, err := x509.ParsePKIXPublicKey(row.PublicKey)
	if err != nil {
		return token.SigningKey{}, err
	}
	return token.SigningKey{
		KeyVersion: token.KeyVersion{Alg: row.Alg, Version: int(row.Version), Public: public},
		KeyID:      row.Kid, State: token.KeyState(row.State), Certificate: row.Certificate, Created: row.CreatedAt.UTC(), Shown: orZero(row.ShownAt),
		Since: orZero(row.Since), Until: orZero(row.Until), Revoked: orZero(row.RevokedAt),
	}, nil
}
