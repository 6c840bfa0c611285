package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

func insertTransfer(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, t token.Transfer) error {
	return q.InsertTransfer(ctx, sqlcgen.InsertTransferParams{
		TenantID: string(tenant), TokenHash: t.Token[:], RefreshID: t.Family, Ip: t.IP, Ends: t.Ends, IssuedAt: t.Issued, ExpiresAt: t.Expires,
	})
}

// FindTransfer implements token.TransferStore.
func (s *Store) FindTransfer(ctx context.Context, tenant tenancy.ID, tok token.Hash, now time.Time) (token.Transfer, error) {
	var row sqlcgen.FindTransferRow
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindTransfer(ctx, sqlcgen.FindTransferParams{TenantID: string(tenant), TokenHash: tok[:], Now: now})
		return err
	})
	if err != nil {
		return token.Transfer{}, err
	}
	return token.Transfer{
		Token: hash(row.TokenHash), Family: row.RefreshID, IP: row.Ip, Ends: row.Ends, Issued: row.IssuedAt.UTC(), Expires: row.ExpiresAt.UTC(),
		UserID: row.UserID, Connection: token.Connection{ID: row.ConnectionID, Name: row.Connection, Strategy: row.Strategy}, AuthTime: row.AuthTime.UTC(),
	}, nil
}

// TakeOver implements token.TransferStore. It holds the family, so that a revocation comes before it, and then there is nothing to take
// over, or after it, and then it finds the session.
func (s *Store) TakeOver(ctx context.Context, tenant tenancy.ID, tok token.Hash, o token.Opening) error {
	now := o.Session.LastUsed
	return s.write(ctx, tenant, &o.Fact, func(q *sqlcgen.Queries) error {
		family, err := q.UseTransfer(ctx, sqlcgen.UseTransferParams{TenantID: string(tenant), TokenHash: tok[:], Now: now})
		if err != nil {
			return err
		}
		held, err := q.HoldRefreshToken(ctx, sqlcgen.HoldRefreshTokenParams{TenantID: string(tenant), ID: family, Now: now})
		if err := must(held, err); err != nil {
			return err
		}
		return openSession(ctx, q, tenant, o)
	})
}

// endGiven removes what families gave that were revoked: their opaque tokens, and what came of the sessions that were handed on by them.
func endGiven(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, families []string, now time.Time) error {
	if len(families) == 0 {
		return nil
	}
	if err := deleteGiven(ctx, q, tenant, families); err != nil {
		return err
	}
	sessions, err := q.ListSessionsFrom(ctx, sqlcgen.ListSessionsFromParams{TenantID: string(tenant), Families: families})
	if err != nil {
		return err
	}
	for _, id := range sessions {
		if err := drop(ctx, q, tenant, outstanding{SessionID: id}, now); err != nil { // before the session, as a redemption takes them
			return err
		}
		if _, err := endSessions(ctx, q, tenant, token.SessionEnd{SessionID: id, By: token.ByRevocation, Now: now}); err != nil {
			return err
		}
		if err := revokeSession(ctx, q, tenant, id, now); err != nil {
			return err
		}
	}
	outlived, err := q.DeleteRefreshTokensFrom(ctx, sqlcgen.DeleteRefreshTokensFromParams{TenantID: string(tenant), Families: families})
	if err != nil {
		return err
	}
	return deleteGiven(ctx, q, tenant, outlived)
}
