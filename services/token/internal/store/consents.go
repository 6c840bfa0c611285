package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// FindConsent implements token.ConsentStore.
func (s *Store) FindConsent(ctx context.Context, tenant tenancy.ID, userID, clientID, audience string) (token.Consent, error) {
	var row sqlcgen.Consent
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindConsent(ctx, sqlcgen.FindConsentParams{TenantID: string(tenant), UserID: userID, ClientID: clientID, Audience: audience})
		return err
	})
	return consentOf(row), err
}

// GiveConsent implements token.ConsentStore.
func (s *Store) GiveConsent(ctx context.Context, tenant tenancy.ID, state token.Hash, sessionID string, c *token.Consent) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		err := must(q.AgreeToTransaction(ctx, sqlcgen.AgreeToTransactionParams{TenantID: string(tenant), StateHash: state[:], SessionID: &sessionID}))
		if err != nil || c == nil {
			return err
		}
		return q.WidenConsent(ctx, sqlcgen.WidenConsentParams{
			TenantID: string(tenant), ID: c.ID, UserID: c.UserID, ClientID: c.ClientID, Audience: c.Audience, Scope: append([]string{}, c.Scope...),
			GivenAt: c.Given,
		})
	})
}

// ListConsents implements token.ConsentStore.
func (s *Store) ListConsents(ctx context.Context, tenant tenancy.ID, f token.ConsentFilter, offset, limit int) (list []token.Consent, total int, err error) {
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		rows, err := q.ListConsents(ctx, sqlcgen.ListConsentsParams{
			TenantID: string(tenant), UserID: f.UserID, ClientID: f.ClientID, Audience: f.Audience, SkipRows: int32(offset), MaxRows: int32(limit), //nolint:gosec // bounded by the door
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			list = append(list, consentOf(row))
		}
		n, err := q.CountConsents(ctx, sqlcgen.CountConsentsParams{TenantID: string(tenant), UserID: f.UserID, ClientID: f.ClientID, Audience: f.Audience})
		total = int(n)
		return err
	})
	return list, total, err
}

// WithdrawConsents implements token.ConsentStore.
func (s *Store) WithdrawConsents(ctx context.Context, tenant tenancy.ID, id string, f token.ConsentFilter, now time.Time) (n int, err error) {
	err = s.administer(ctx, tenant, func(a *administration) error {
		gone, err := a.WithdrawConsents(ctx, sqlcgen.WithdrawConsentsParams{
			TenantID: string(tenant), ID: id, UserID: f.UserID, ClientID: f.ClientID, Audience: f.Audience,
		})
		if err != nil {
			return err
		}
		n = len(gone)
		for _, c := range gone {
			given := token.ConsentFilter{UserID: c.UserID, ClientID: c.ClientID, Audience: c.Audience}
			if err := revokeConsent(ctx, a.Queries, tenant, given, now); err != nil {
				return err
			}
			if err := a.fact(ctx, token.ConsentWithdrawn, "consent", c.ID, now); err != nil {
				return err
			}
		}
		if n == 0 { // the call is told of all the same
			return a.fact(ctx, token.ConsentWithdrawn, "consent", id, now)
		}
		return nil
	})
	return n, err
}

func consentOf(row sqlcgen.Consent) token.Consent {
	return token.Consent{
		ID: row.ID, UserID: row.UserID, ClientID: row.ClientID, Audience: row.Audience, Scope: row.Scope, Given: row.GivenAt.UTC(),
	}
}
