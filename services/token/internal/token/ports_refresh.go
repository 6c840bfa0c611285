package token

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
)

// RefreshStore keeps families of refresh tokens, each visible to its own tenant only. They are stored beside what gave them:
// CodeStore.RedeemCode and OpaqueStore.SaveTokens.
type RefreshStore interface {
	// FindRefreshToken gives a family by its ID; one that is over at now, unknown or another tenant's is fault.NotFound.
	FindRefreshToken(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (RefreshToken, error)
	// RotateRefreshToken lets the next token take the place of the presented one, notes the use, stores the opaque token, if any,
	// and writes the fact, in one step. The presented token must be of the newest generation, or of the one before that was rotated
	// later than Since; then the next is one more of the newest. A presented token that is neither is fault.Conflict: of concurrent
	// exchanges of one token one wins. A family that is over or gone, and a token that is to stay and cannot, is fault.NotFound.
	RotateRefreshToken(ctx context.Context, tenant tenancy.ID, r Rotation) error
	// RevokeRefreshToken removes a family and the opaque tokens that it gave, and writes the fact, in one step. A family that is
	// gone is fault.NotFound; no fact then.
	RevokeRefreshToken(ctx context.Context, tenant tenancy.ID, id string, fact Fact) error
	// RevokeAccessToken removes an opaque token; one that is gone is no error.
	RevokeAccessToken(ctx context.Context, tenant tenancy.ID, token Hash) error
}

// Consents is where what users agreed to is kept.
type Consents interface {
	// Withdraw forgets what the user agreed to for the client at the API (empty: none); nothing agreed to is no error.
	Withdraw(ctx context.Context, tenant tenancy.ID, userID, clientID, audience string) error
}
