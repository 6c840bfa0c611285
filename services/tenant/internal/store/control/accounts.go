package control

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/services/tenant/internal/store/control/sqlcgen"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// SignUp implements tenant.Store.
func (s *Store) SignUp(ctx context.Context, n tenant.NewAccount) error {
	err := s.inTx(ctx, nil, func(q *sqlcgen.Queries) error {
		err := q.InsertAccount(ctx, sqlcgen.InsertAccountParams{ID: string(n.Account.ID), Slug: string(n.Account.Slug), CreatedAt: n.Account.Created})
		if err != nil {
			return err
		}
		err = q.InsertMember(ctx, sqlcgen.InsertMemberParams{
			ID: string(n.Owner.ID), AccountID: string(n.Account.ID), Email: n.Owner.Email, PasswordHash: n.Owner.PasswordHash,
			Role: string(n.Owner.Role), CreatedAt: n.Owner.Created,
		})
		if err != nil {
			return err
		}
		if err := insertToken(ctx, q, n.Token); err != nil {
			return err
		}
		if err := insertTenant(ctx, q, n.Tenant); err != nil {
			return err
		}
		return insertOperation(ctx, q, n.Operation)
	})
	if violates(err, "accounts_slug") {
		return fault.Conflict("account_taken", "This account name is taken").Because(err)
	}
	return err
}

// MembersByEmail implements tenant.Store.
func (s *Store) MembersByEmail(ctx context.Context, email string, account tenant.Slug, limit int) ([]tenant.Member, error) {
	rows, err := s.q.MembersByEmail(ctx, sqlcgen.MembersByEmailParams{Email: email, Slug: string(account), MaxRows: int32(limit)}) //nolint:gosec // a handful
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	members := make([]tenant.Member, 0, len(rows))
	for _, r := range rows {
		members = append(members, member(r))
	}
	return members, nil
}

// ListMembers implements tenant.Store.
func (s *Store) ListMembers(ctx context.Context, account tenant.AccountID) ([]tenant.Member, error) {
	rows, err := s.q.ListMembers(ctx, string(account))
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	members := make([]tenant.Member, 0, len(rows))
	for _, r := range rows {
		members = append(members, member(sqlcgen.MembersByEmailRow(r)))
	}
	return members, nil
}

// SaveToken implements tenant.Store. The member's tokens that are past their end go with it.
func (s *Store) SaveToken(ctx context.Context, t tenant.TokenRecord) error {
	return s.inTx(ctx, nil, func(q *sqlcgen.Queries) error {
		if err := q.DeleteExpiredTokens(ctx, sqlcgen.DeleteExpiredTokensParams{MemberID: string(t.Member), ExpiresAt: t.Created}); err != nil {
			return err
		}
		return insertToken(ctx, q, t)
	})
}

// FindPrincipal implements tenant.Store.
func (s *Store) FindPrincipal(ctx context.Context, hash [sha256.Size]byte, now time.Time) (tenant.Principal, error) {
	r, err := s.q.FindPrincipal(ctx, sqlcgen.FindPrincipalParams{Hash: hash[:], Now: now})
	if err != nil {
		return tenant.Principal{}, pgkit.Error(err, fault.NotFound("Nobody holds this token"))
	}
	p := tenant.Principal{
		Member: member(sqlcgen.MembersByEmailRow{
			ID: r.ID, AccountID: r.AccountID, Slug: r.Slug, Email: r.Email, PasswordHash: r.PasswordHash, Role: r.Role, CreatedAt: r.CreatedAt,
		}),
		Token: tenant.TokenRecord{
			Member: tenant.MemberID(r.ID), Purpose: tenant.Purpose(r.Purpose), Created: utc(r.TokenCreatedAt), Expires: utc(r.ExpiresAt),
		},
	}
	copy(p.Token.Hash[:], r.Hash)
	return p, nil
}

// DeleteToken implements tenant.Store.
func (s *Store) DeleteToken(ctx context.Context, hash [sha256.Size]byte) error {
	return pgkit.Error(s.q.DeleteToken(ctx, hash[:]), nil)
}

func insertToken(ctx context.Context, q *sqlcgen.Queries, t tenant.TokenRecord) error {
	return q.InsertToken(ctx, sqlcgen.InsertTokenParams{
		Hash: t.Hash[:], MemberID: string(t.Member), Purpose: string(t.Purpose), CreatedAt: t.Created, ExpiresAt: t.Expires,
	})
}

func member(r sqlcgen.MembersByEmailRow) tenant.Member {
	return tenant.Member{
		ID: tenant.MemberID(r.ID), Account: tenant.AccountID(r.AccountID), Slug: tenant.Slug(r.Slug), Email: r.Email,
		PasswordHash: r.PasswordHash, Role: tenant.Role(r.Role), Created: utc(r.CreatedAt),
	}
}
