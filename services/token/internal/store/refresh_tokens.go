package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

func insertRefreshToken(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, r *token.RefreshToken) error {
	metadata, err := encodeMetadata(r.Metadata)
	if err != nil {
		return err
	}
	if r.Online {
		held, err := q.HoldSession(ctx, sqlcgen.HoldSessionParams{TenantID: string(tenant), ID: r.SessionID, Now: r.Created})
		if err != nil {
			return err
		}
		if held == 0 {
			return fault.Conflict("", "The session has ended")
		}
	}
	var oldest []string
	if r.Prunes {
		oldest, err = q.ListOldestRefreshTokens(ctx, sqlcgen.ListOldestRefreshTokensParams{
			TenantID: string(tenant), UserID: r.UserID, ClientID: r.ClientID, Online: r.Online, Keep: token.MaxRefreshTokens - 1, // and this one
		})
		if err != nil {
			return err
		}
	}
	err = q.InsertRefreshToken(ctx, sqlcgen.InsertRefreshTokenParams{
		TenantID: string(tenant), ID: r.ID, TagKey: r.Key[:], Counter: int64(r.Counter), CurrentHashes: bytesOf(r.Current),
		PreviousHashes: bytesOf(r.Previous), RotatedAt: nullTime(r.Rotated), Rotating: r.Rotating, ClientID: r.ClientID, UserID: r.UserID,
		SessionID: orNull(r.SessionID), OnlineSession: onlineOf(r), Audience: r.Audience, Scope: r.Scope.String(), Thumbprint: orNull(r.Thumbprint), ConnectionID: r.Connection.ID,
		Connection: r.Connection.Name, Strategy: r.Connection.Strategy, AuthTime: r.AuthTime, WantAuthTime: r.WantAuthTime,
		IDTokenClaims: append([]string{}, r.Claims.IDToken...), UserinfoClaims: append([]string{}, r.Claims.Userinfo...),
		CreatedAt: r.Created, LastExchangedAt: nullTime(r.LastExchanged), IdleUntil: nullTime(r.IdleUntil), ExpiresAt: nullTime(r.Until),
		FirstIp: r.First.IP, FirstUserAgent: r.First.UserAgent, LastIp: r.Last.IP, LastUserAgent: r.Last.UserAgent, Metadata: metadata,
		FromFamily: orNull(r.From.Family), EndsWithFamily: r.From.Ends,
	})
	if err != nil {
		return err
	}
	for _, id := range oldest {
		if _, err := q.DeleteRefreshToken(ctx, sqlcgen.DeleteRefreshTokenParams{TenantID: string(tenant), ID: id}); err != nil {
			return err
		}
	}
	return deleteGiven(ctx, q, tenant, oldest)
}

// few is up to how many families it is better to look for each by itself: a planner that thinks the table small, as it does of new tenants,
// would read all that the tenant has to find several.
const few = 32

// deleteGiven removes the opaque tokens that families gave which are gone (RFC 7009 §2.1).
func deleteGiven(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, families []string) error {
	if len(families) > few {
		return q.DeleteAccessTokensOfRefresh(ctx, sqlcgen.DeleteAccessTokensOfRefreshParams{TenantID: string(tenant), RefreshIds: families})
	}
	for _, id := range families {
		if err := q.DeleteAccessTokensOfFamily(ctx, sqlcgen.DeleteAccessTokensOfFamilyParams{TenantID: string(tenant), RefreshID: &id}); err != nil {
			return err
		}
	}
	return nil
}

// FindRefreshToken implements token.RefreshStore.
func (s *Store) FindRefreshToken(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (token.RefreshToken, error) {
	var row sqlcgen.RefreshToken
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindRefreshToken(ctx, sqlcgen.FindRefreshTokenParams{TenantID: string(tenant), ID: id, Now: now})
		return err
	})
	if err != nil {
		return token.RefreshToken{}, err
	}
	return toRefreshToken(row)
}

// RotateRefreshToken implements token.RefreshStore. The row lock of the update is what lets one of two concurrent calls win; the
// other then sees the row as the winner left it. Nearly always the presented token is the newest, and then all is one message.
func (s *Store) RotateRefreshToken(ctx context.Context, tenant tenancy.ID, r token.Rotation) error {
	if !r.Migrates || r.Next.Zero() {
		err := s.change(ctx, tenant, &r.Fact, func(_, last *sqlcgen.Queries) error {
			return rotation(ctx, last, last, tenant, r, func() error { return rotateNewest(ctx, last, tenant, r) })
		})
		if r.Next.Zero() || !fault.Is(err, fault.KindNotFound) {
			return err
		}
	}
	return s.change(ctx, tenant, &r.Fact, func(q, last *sqlcgen.Queries) error {
		return rotation(ctx, q, last, tenant, r, func() error { return rotate(ctx, q, tenant, r) })
	})
}

// rotation does what belongs to each exchange around its turn of the family: before it the use of the session, as whoever ends a session
// takes them, and after it what the exchange gives.
func rotation(ctx context.Context, first, last *sqlcgen.Queries, tenant tenancy.ID, r token.Rotation, turn func() error) error {
	if r.Session != nil {
		use := *r.Session
		use.Now, use.Origin = r.Now, r.Origin
		if err := touchSession(ctx, first, tenant, use); err != nil {
			return err
		}
	}
	if err := turn(); err != nil {
		return err
	}
	if r.Transfer != nil {
		return insertTransfer(ctx, last, tenant, *r.Transfer)
	}
	if r.Token == nil {
		return nil
	}
	return insertAccessToken(ctx, last, tenant, *r.Token, token.Hash{})
}

func rotated(tenant tenancy.ID, r token.Rotation) sqlcgen.RotateRefreshTokenParams {
	return sqlcgen.RotateRefreshTokenParams{
		TenantID: string(tenant), ID: r.ID, Presented: r.Presented[:], Next: r.Next[:], Rotating: r.Rotating, Now: r.Now,
		IdleUntil: nullTime(r.IdleUntil), LastIp: r.Origin.IP, LastUserAgent: r.Origin.UserAgent, Thumbprint: orNull(r.Thumbprint),
	}
}

func rotateNewest(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, r token.Rotation) error {
	if !r.Next.Zero() {
		return q.RotateNewest(ctx, sqlcgen.RotateNewestParams(rotated(tenant, r)))
	}
	return q.TouchRefreshToken(ctx, sqlcgen.TouchRefreshTokenParams{
		TenantID: string(tenant), ID: r.ID, Presented: r.Presented[:], Now: r.Now, IdleUntil: nullTime(r.IdleUntil),
		LastIp: r.Origin.IP, LastUserAgent: r.Origin.UserAgent,
	})
}

// rotate tries what else a presented token may be than the newest of a family that stays as it is.
func rotate(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, r token.Rotation) error {
	if r.Migrates {
		if err := q.LockRefreshSiblings(ctx, sqlcgen.LockRefreshSiblingsParams{TenantID: string(tenant), ID: r.ID}); err != nil {
			return err
		}
	}
	owner, err := q.RotateRefreshToken(ctx, rotated(tenant, r))
	if errors.Is(err, pgx.ErrNoRows) && !r.Since.IsZero() {
		var late sqlcgen.AddRefreshSiblingRow
		late, err = q.AddRefreshSibling(ctx, sqlcgen.AddRefreshSiblingParams{
			TenantID: string(tenant), ID: r.ID, Presented: r.Presented[:], Next: r.Next[:], Rotating: r.Rotating, Now: r.Now, Since: r.Since,
			Siblings: token.MaxSiblings, IdleUntil: nullTime(r.IdleUntil), LastIp: r.Origin.IP, LastUserAgent: r.Origin.UserAgent, Thumbprint: orNull(r.Thumbprint),
		})
		owner = sqlcgen.RotateRefreshTokenRow(late)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return whyNot(ctx, q, tenant, r)
	}
	if err != nil || !r.Migrates {
		return err
	}
	gone, err := q.DeleteRefreshSiblings(ctx, sqlcgen.DeleteRefreshSiblingsParams{
		TenantID: string(tenant), UserID: owner.UserID, ClientID: owner.ClientID, Audience: owner.Audience, Rotating: r.Rotating, ID: r.ID,
	})
	if err != nil {
		return err
	}
	return deleteGiven(ctx, q, tenant, gone)
}

// whyNot tells a token that was used up from a family that is gone.
func whyNot(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, r token.Rotation) error {
	there, err := q.RefreshTokenExists(ctx, sqlcgen.RefreshTokenExistsParams{TenantID: string(tenant), ID: r.ID, Now: r.Now})
	switch {
	case err != nil:
		return err
	case there:
		return fault.Conflict("", "The refresh token was used before")
	}
	return errNotFound()
}

// RevokeRefreshToken implements token.RefreshStore.
func (s *Store) RevokeRefreshToken(ctx context.Context, tenant tenancy.ID, r token.Revocation) error {
	return s.write(ctx, tenant, &r.Fact, func(q *sqlcgen.Queries) error {
		if r.Consent != nil { // codes before refresh tokens, as a redemption takes them
			if err := drop(ctx, q, tenant, ofConsent(*r.Consent), r.Fact.Time); err != nil {
				return err
			}
		}
		if err := must(q.DeleteRefreshToken(ctx, sqlcgen.DeleteRefreshTokenParams{TenantID: string(tenant), ID: r.ID})); err != nil {
			return err
		}
		if err := endGiven(ctx, q, tenant, []string{r.ID}, r.Fact.Time); err != nil || r.Consent == nil {
			return err
		}
		_, err := q.WithdrawConsents(ctx, sqlcgen.WithdrawConsentsParams{
			TenantID: string(tenant), UserID: r.Consent.UserID, ClientID: r.Consent.ClientID, Audience: r.Consent.Audience,
		})
		if err != nil {
			return err
		}
		return revokeConsent(ctx, q, tenant, *r.Consent, r.Fact.Time)
	})
}

// RevokeAccessToken implements token.RefreshStore.
func (s *Store) RevokeAccessToken(ctx context.Context, tenant tenancy.ID, tok token.Hash) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		return q.DeleteAccessToken(ctx, sqlcgen.DeleteAccessTokenParams{TenantID: string(tenant), TokenHash: tok[:]})
	})
}

func toRefreshToken(row sqlcgen.RefreshToken) (token.RefreshToken, error) {
	metadata, err := decodeMetadata(row.Metadata)
	r := token.RefreshToken{
		ID: row.ID, Counter: uint32(row.Counter), Current: hashesOf(row.CurrentHashes), Previous: hashesOf(row.PreviousHashes), //nolint:gosec // counted from 1, one exchange at a time
		Rotated: orZero(row.RotatedAt), Rotating: row.Rotating, ClientID: row.ClientID, UserID: row.UserID, SessionID: orEmpty(row.SessionID), Online: row.OnlineSession != nil,
		Audience: row.Audience, Scope: token.ParseScope(row.Scope), Thumbprint: orEmpty(row.Thumbprint),
		Connection: token.Connection{ID: row.ConnectionID, Name: row.Connection, Strategy: row.Strategy},
		AuthTime:   row.AuthTime.UTC(), WantAuthTime: row.WantAuthTime, Created: row.CreatedAt.UTC(), LastExchanged: orZero(row.LastExchangedAt),
		Claims:    token.ClaimsRequest{IDToken: claimsOf(row.IDTokenClaims), Userinfo: claimsOf(row.UserinfoClaims)},
		IdleUntil: orZero(row.IdleUntil), Until: orZero(row.ExpiresAt), First: token.Origin{IP: row.FirstIp, UserAgent: row.FirstUserAgent},
		Last: token.Origin{IP: row.LastIp, UserAgent: row.LastUserAgent}, Metadata: metadata,
		From: token.Handover{Family: orEmpty(row.FromFamily), Ends: row.EndsWithFamily},
	}
	copy(r.Key[:], row.TagKey)
	return r, err
}

// onlineOf gives the session that takes the family along; nil: none does.
func onlineOf(r *token.RefreshToken) *string {
	if !r.Online {
		return nil
	}
	return &r.SessionID
}

func bytesOf(hashes []token.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

func hashesOf(raw [][]byte) []token.Hash {
	var out []token.Hash
	for _, b := range raw {
		out = append(out, hash(b))
	}
	return out
}

func encodeMetadata(m map[string]string) ([]byte, error) {
	if len(m) == 0 {
		return nil, nil
	}
	return encode(m)
}

func decodeMetadata(b []byte) (m map[string]string, err error) {
	if b == nil {
		return nil, nil
	}
	err = decode(b, &m)
	return m, err
}
