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
	// exchanges of one token one wins. A family that is over or gone, and a token that is to stay and cannot, is fault.NotFound; so is
	// one whose session has ended, which is used with it where the rotation names one.
	RotateRefreshToken(ctx context.Context, tenant tenancy.ID, r Rotation) error
	// RevokeRefreshToken removes a family and the opaque tokens that it gave, what else the revocation takes along, and writes the
	// fact, in one step. A family that is gone is fault.NotFound; then nothing changes and there is no fact.
	RevokeRefreshToken(ctx context.Context, tenant tenancy.ID, r Revocation) error
	// RevokeAccessToken removes an opaque token; one that is gone is no error.
	RevokeAccessToken(ctx context.Context, tenant tenancy.ID, token Hash) error
}

// Revocation is the end of a family.
type Revocation struct {
	ID string
	// Consent, when set, goes as well: what its user agreed to for its client and API, and with that all their refresh tokens.
	Consent *ConsentFilter
	Fact    Fact
}

// RefreshFilter narrows what is meant of a tenant's families; empty fields say nothing.
type RefreshFilter struct {
	IDs                                   []string
	UserID, ClientID, Audience, SessionID string
	Rotating                              *bool
}

// Page is a part of a list that is in the order of IDs: after one of them, or so many further on.
type Page struct {
	After         string
	Offset, Limit int
}

// RefreshAdmin is what administrators do with families of refresh tokens, each of their own tenant only. What is over at now is not
// there, nor are families that live as long as their session: these go with it. A change leaves the caller's audit line, in one step with it.
type RefreshAdmin interface {
	// FindRefreshToken is RefreshStore's, and gives those families, too.
	FindRefreshToken(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (RefreshToken, error)
	// ListRefreshTokens gives a part of them in the order of their IDs, and how many there are. Of the filter the user, the client and
	// whether it rotates are looked at.
	ListRefreshTokens(ctx context.Context, tenant tenancy.ID, f RefreshFilter, p Page, now time.Time) ([]RefreshToken, int, error)
	// UpdateRefreshToken puts metadata in the place of what was there and gives what the family is then; unknown is fault.NotFound.
	UpdateRefreshToken(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string, now time.Time) (RefreshToken, error)
	// EndRefreshTokens removes what the filter names, which must name something, with the opaque tokens that they gave and, but by IDs, the
	// codes and device codes that nobody redeemed yet and that would give another one. It gives how
	// many went; none is no error, and told of all the same.
	EndRefreshTokens(ctx context.Context, tenant tenancy.ID, f RefreshFilter, now time.Time) (int, error)
}

// DeviceKeyStore keeps the public keys of users' devices, each visible to its own tenant only. A change leaves the caller's audit line.
type DeviceKeyStore interface {
	// AddDeviceKey stores a key; one more for the same user, client and device is fault.Conflict. Of a user's keys the oldest go,
	// beyond MaxDeviceKeys.
	AddDeviceKey(ctx context.Context, tenant tenancy.ID, k DeviceKey) error
	// ListDeviceKeys gives a part of them in the order of their IDs, and how many there are. Empty names say nothing.
	ListDeviceKeys(ctx context.Context, tenant tenancy.ID, userID, clientID string, p Page) ([]DeviceKey, int, error)
	// DeleteDeviceKey removes a key, of that user where one is named; one that is not there is fault.NotFound.
	DeleteDeviceKey(ctx context.Context, tenant tenancy.ID, id, userID string, now time.Time) error
}
