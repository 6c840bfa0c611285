package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// ClaimLogoutMessages implements token.LogoutQueue.
func (s *Store) ClaimLogoutMessages(ctx context.Context, c token.Claim) (list []token.LogoutMessage, err error) {
	busy := make([]string, len(c.Busy))
	for i, tenant := range c.Busy {
		busy[i] = string(tenant)
	}
	err = pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local postern.deliver = 'on'; set local enable_seqscan = off"); err != nil {
			return err
		}
		rows, err := sqlcgen.New(tx).ClaimLogoutMessages(ctx, sqlcgen.ClaimLogoutMessagesParams{
			Now: c.Now, Until: c.Until, Busy: busy, MaxRows: int32(c.Limit), Share: int32(c.Share), //nolint:gosec // the worker's own bounds
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			metadata, err := decodeMetadata(row.Metadata)
			if err != nil {
				return err
			}
			list = append(list, token.LogoutMessage{
				Tenant: tenancy.ID(row.TenantID), TenantName: row.TenantName, Metadata: metadata, ID: row.ID, ClientID: row.ClientID, SessionID: row.SessionID, UserID: row.UserID, Host: row.Host,
				By: token.Initiator(row.Initiator), Ended: row.EndedAt.UTC(), Attempts: int(row.Attempts), Expires: row.ExpiresAt.UTC(),
			})
		}
		return nil
	})
	return list, translate(err)
}

// SettleLogoutMessage implements token.LogoutQueue.
func (s *Store) SettleLogoutMessage(ctx context.Context, m token.LogoutMessage, fact *token.Fact) error {
	return s.write(ctx, m.Tenant, fact, func(q *sqlcgen.Queries) error {
		return must(q.DeleteLogoutMessage(ctx, sqlcgen.DeleteLogoutMessageParams{TenantID: string(m.Tenant), ID: m.ID}))
	})
}

// PostponeLogoutMessage implements token.LogoutQueue.
func (s *Store) PostponeLogoutMessage(ctx context.Context, m token.LogoutMessage, due time.Time, fact *token.Fact) error {
	return s.write(ctx, m.Tenant, fact, func(q *sqlcgen.Queries) error {
		return must(q.PostponeLogoutMessage(ctx, sqlcgen.PostponeLogoutMessageParams{TenantID: string(m.Tenant), ID: m.ID, DueAt: due}))
	})
}
