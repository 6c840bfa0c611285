package store

import (
	"context"
	"errors"
	"time"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	kindRefreshToken = "refresh_token"
	kindDeviceKey    = "device_key"
)

// ListRefreshTokens implements token.RefreshAdmin.
func (s *Store) ListRefreshTokens(ctx context.Context, tenant tenancy.ID, f token.RefreshFilter, p token.Page, now time.Time) (list []token.RefreshToken, total int, err error) {
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		rows, err := q.ListRefreshTokens(ctx, sqlcgen.ListRefreshTokensParams{
			TenantID: string(tenant), After: p.After, UserID: orNull(f.UserID), ClientID: orNull(f.ClientID), Rotating: f.Rotating, Now: now,
			MaxRows: int32(p.Limit), Skip: int32(p.Offset), //nolint:gosec // bounded by the door
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			r, err := toRefreshToken(row)
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		n, err := q.CountRefreshTokens(ctx, sqlcgen.CountRefreshTokensParams{
			TenantID: string(tenant), UserID: orNull(f.UserID), ClientID: orNull(f.ClientID), Rotating: f.Rotating, Now: now,
		})
		total = int(n)
		return err
	})
	return list, total, err
}

// UpdateRefreshToken implements token.RefreshAdmin.
func (s *Store) UpdateRefreshToken(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string, now time.Time) (r token.RefreshToken, err error) {
	encoded, err := encodeMetadata(metadata)
	if err != nil {
		return token.RefreshToken{}, err
	}
	err = s.administer(ctx, tenant, func(a *administration) error {
		row, err := a.UpdateRefreshTokenMetadata(ctx, sqlcgen.UpdateRefreshTokenMetadataParams{TenantID: string(tenant), ID: id, Metadata: encoded, Now: now})
		if err != nil {
			return err
		}
		if r, err = toRefreshToken(row); err != nil {
			return err
		}
		a.entry = logapi.EntryOf(audit.From(ctx).Answered(r))
		return a.fact(ctx, token.RefreshTokenUpdated, kindRefreshToken, id, now)
	})
	return r, err
}

// EndRefreshTokens implements token.RefreshAdmin.
func (s *Store) EndRefreshTokens(ctx context.Context, tenant tenancy.ID, f token.RefreshFilter, now time.Time) (n int, err error) {
	if len(f.IDs) == 0 && f.UserID == "" && f.ClientID == "" && f.Audience == "" && f.SessionID == "" {
		return 0, fault.Internal(errors.New("a filter that names nothing would end every refresh token"))
	}
	err = s.administer(ctx, tenant, func(a *administration) error {
		if len(f.IDs) == 0 { // a code that gave one later would outlive them
			given := outstanding{SessionID: f.SessionID, UserID: f.UserID, ClientID: f.ClientID, Offline: true}
			if f.Audience != "" {
				given.Audiences = []string{f.Audience}
			}
			if err := drop(ctx, a.Queries, tenant, given, now); err != nil {
				return err
			}
		}
		gone, err := a.DeleteRefreshTokens(ctx, sqlcgen.DeleteRefreshTokensParams{
			TenantID: string(tenant), Ids: f.IDs, UserID: orNull(f.UserID), ClientID: orNull(f.ClientID), Audience: orNull(f.Audience),
			SessionID: orNull(f.SessionID),
		})
		if err != nil {
			return err
		}
		n = len(gone)
		if err := endGiven(ctx, a.Queries, tenant, gone, now); err != nil {
			return err
		}
		id := ""
		if len(gone) > 0 {
			id = gone[0] // one call is one fact: of a client there may be a million
		}
		return a.fact(ctx, token.RefreshTokenRevoked, kindRefreshToken, id, now)
	})
	return n, err
}

// AddDeviceKey implements token.DeviceKeyStore.
func (s *Store) AddDeviceKey(ctx context.Context, tenant tenancy.ID, k token.DeviceKey) error {
	return s.administer(ctx, tenant, func(a *administration) error {
		err := a.InsertDeviceKey(ctx, sqlcgen.InsertDeviceKeyParams{
			TenantID: string(tenant), ID: k.ID, UserID: k.UserID, ClientID: k.ClientID, DeviceID: k.DeviceID, DeviceName: k.DeviceName,
			PublicKey: k.PublicKey, CreatedAt: k.Created,
		})
		if err != nil {
			return err
		}
		err = a.DeleteOldestDeviceKeys(ctx, sqlcgen.DeleteOldestDeviceKeysParams{TenantID: string(tenant), UserID: k.UserID, Keep: token.MaxDeviceKeys})
		if err != nil {
			return err
		}
		a.entry = logapi.EntryOf(audit.From(ctx).Answered(k.ID))
		return a.fact(ctx, token.DeviceKeyCreated, kindDeviceKey, k.ID, k.Created)
	})
}

// ListDeviceKeys implements token.DeviceKeyStore.
func (s *Store) ListDeviceKeys(ctx context.Context, tenant tenancy.ID, userID, clientID string, p token.Page) (list []token.DeviceKey, total int, err error) {
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		rows, err := q.ListDeviceKeys(ctx, sqlcgen.ListDeviceKeysParams{
			TenantID: string(tenant), UserID: orNull(userID), ClientID: orNull(clientID), MaxRows: int32(p.Limit), Skip: int32(p.Offset), //nolint:gosec // bounded by the door
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			list = append(list, token.DeviceKey{
				ID: row.ID, UserID: row.UserID, ClientID: row.ClientID, DeviceID: row.DeviceID, DeviceName: row.DeviceName,
				PublicKey: row.PublicKey, Created: row.CreatedAt.UTC(),
			})
		}
		n, err := q.CountDeviceKeys(ctx, sqlcgen.CountDeviceKeysParams{TenantID: string(tenant), UserID: orNull(userID), ClientID: orNull(clientID)})
		total = int(n)
		return err
	})
	return list, total, err
}

// DeleteDeviceKey implements token.DeviceKeyStore.
func (s *Store) DeleteDeviceKey(ctx context.Context, tenant tenancy.ID, id, userID string, now time.Time) error {
	return s.administer(ctx, tenant, func(a *administration) error {
		err := must(a.DeleteDeviceKey(ctx, sqlcgen.DeleteDeviceKeyParams{TenantID: string(tenant), ID: id, UserID: orNull(userID)}))
		if err != nil {
			return err
		}
		return a.fact(ctx, token.DeviceKeyDeleted, kindDeviceKey, id, now)
	})
}
