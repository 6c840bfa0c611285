package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

func insertCode(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, a token.Authorization) error {
	authorized, err := encodeAuthorization(a)
	if err != nil {
		return err
	}
	return q.InsertCode(ctx, sqlcgen.InsertCodeParams{
		TenantID: string(tenant), CodeHash: a.Code[:], ClientID: a.ClientID, UserID: a.UserID, SessionID: a.SessionID,
		Authorized: authorized, IssuedAt: a.Issued, ExpiresAt: a.Expires,
	})
}

func insertGiven(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, g token.Given) error {
	if g.Code != nil {
		if err := insertCode(ctx, q, tenant, *g.Code); err != nil {
			return err
		}
	}
	if g.Token == nil {
		return nil
	}
	return insertAccessToken(ctx, q, tenant, *g.Token, g.Token.Code)
}

// FindCode implements token.CodeStore.
func (s *Store) FindCode(ctx context.Context, tenant tenancy.ID, code token.Hash, now time.Time) (token.Authorization, error) {
	var row sqlcgen.Code
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindCode(ctx, sqlcgen.FindCodeParams{TenantID: string(tenant), CodeHash: code[:], Now: now})
		return err
	})
	if err != nil {
		return token.Authorization{}, err
	}
	a, err := decodeAuthorization(row.Authorized)
	if err != nil {
		return token.Authorization{}, err
	}
	a.ClientID, a.UserID, a.SessionID, a.Code = row.ClientID, row.UserID, row.SessionID, hash(row.CodeHash)
	a.Issued, a.Expires, a.Redeemed = row.IssuedAt.UTC(), row.ExpiresAt.UTC(), row.RedeemedAt != nil
	return a, nil
}

// RedeemCode implements token.CodeStore. The row lock of the update is what lets one of two concurrent calls win.
func (s *Store) RedeemCode(ctx context.Context, tenant tenancy.ID, r token.Redemption) error {
	return s.change(ctx, tenant, &r.Fact, func(q, last *sqlcgen.Queries) error {
		now := r.Now
		redeem := sqlcgen.RedeemCodeParams{Now: &now, TenantID: string(tenant), CodeHash: r.Code[:]}
		if r.Refresh != nil {
			redeem.RefreshID = &r.Refresh.ID
		}
		use := last
		if r.Refresh != nil && r.Refresh.Online { // whose session is held at once: the code comes before it, as for whoever ends the session
			use = q
		}
		if err := use.RedeemCode(ctx, redeem); err != nil {
			return err
		}
		return insertTokens(ctx, last, tenant, r.Token, r.Refresh, r.Code)
	})
}

// SaveTokens implements token.OpaqueStore.
func (s *Store) SaveTokens(ctx context.Context, tenant tenancy.ID, settled token.Settlement) error {
	return s.change(ctx, tenant, &settled.Fact, func(_, last *sqlcgen.Queries) error {
		return insertTokens(ctx, last, tenant, settled.Opaque, settled.Refresh, token.Hash{})
	})
}

// insertTokens stores what an exchange gave, and of what; a zero code: of none.
func insertTokens(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, t *token.AccessToken, r *token.RefreshToken, code token.Hash) error {
	if r != nil {
		if err := insertRefreshToken(ctx, q, tenant, r); err != nil {
			return err
		}
	}
	if t == nil {
		return nil
	}
	return insertAccessToken(ctx, q, tenant, *t, code)
}

func insertAccessToken(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, t token.AccessToken, code token.Hash) error {
	return q.InsertAccessToken(ctx, sqlcgen.InsertAccessTokenParams{
		TenantID: string(tenant), TokenHash: t.Hash[:], ClientID: t.ClientID, UserID: t.UserID,
		SessionID: t.SessionID, Scope: t.Scope.String(), CodeHash: code[:], RefreshID: orNull(t.Family), Claims: append([]string{}, t.Claims...), Thumbprint: orNull(t.Thumbprint), IssuedAt: t.Issued, ExpiresAt: t.Expires,
	})
}

// RevokeCode implements token.CodeStore.
func (s *Store) RevokeCode(ctx context.Context, tenant tenancy.ID, code token.Hash, now time.Time) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		gone, err := q.DeleteRefreshTokenOfCode(ctx, sqlcgen.DeleteRefreshTokenOfCodeParams{TenantID: string(tenant), CodeHash: code[:]})
		if err != nil {
			return err
		}
		if err := q.DeleteTokensOfCode(ctx, sqlcgen.DeleteTokensOfCodeParams{TenantID: string(tenant), CodeHash: code[:]}); err != nil {
			return err
		}
		return endGiven(ctx, q, tenant, gone, now)
	})
}

// FindAccessToken implements token.CodeStore.
func (s *Store) FindAccessToken(ctx context.Context, tenant tenancy.ID, tok token.Hash, now time.Time) (token.AccessToken, error) {
	var row sqlcgen.AccessToken
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindAccessToken(ctx, sqlcgen.FindAccessTokenParams{TenantID: string(tenant), TokenHash: tok[:], Now: now})
		return err
	})
	if err != nil {
		return token.AccessToken{}, err
	}
	return token.AccessToken{
		Family: orEmpty(row.RefreshID),
		Hash:   hash(row.TokenHash), ClientID: row.ClientID, UserID: row.UserID, Scope: token.ParseScope(row.Scope),
		SessionID: row.SessionID, Code: hash(row.CodeHash), Claims: claimsOf(row.Claims), Thumbprint: orEmpty(row.Thumbprint), Issued: row.IssuedAt.UTC(), Expires: row.ExpiresAt.UTC(),
	}, nil
}

// claimsOf reads a column that is never null: none is nil here.
func claimsOf(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return names
}
