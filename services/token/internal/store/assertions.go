package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// UseAssertion implements token.AssertionStore. The primary key is what lets one of two concurrent uses win.
func (s *Store) UseAssertion(ctx context.Context, tenant tenancy.ID, assertion token.Hash, expires time.Time) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		n, err := q.UseAssertion(ctx, sqlcgen.UseAssertionParams{TenantID: string(tenant), AssertionHash: assertion[:], ExpiresAt: expires})
		if err == nil && n == 0 {
			return fault.Conflict("", "The assertion was used before")
		}
		return err
	})
}
