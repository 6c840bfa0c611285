package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// SaveDeviceCode implements token.DeviceStore.
func (s *Store) SaveDeviceCode(ctx context.Context, tenant tenancy.ID, c token.DeviceCode) error {
	err := s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		err := q.InsertDeviceCode(ctx, sqlcgen.InsertDeviceCodeParams{
			TenantID: string(tenant), DeviceHash: c.Device[:], UserHash: c.User[:], ClientID: c.ClientID, Audience: c.Audience, Scope: c.Scope.String(),
			IntervalSeconds: int32(c.Interval / time.Second), IssuedAt: c.Issued, GoodUntil: c.Until, ExpiresAt: c.Expires, //nolint:gosec // seconds of a poll
		})
		if pgkit.Constraint(err) == "device_codes_tenant_id_user_hash_key" {
			return fault.Conflict("", "The user code is taken")
		}
		return err
	})
	return err
}

// FindDeviceCode implements token.DeviceStore.
func (s *Store) FindDeviceCode(ctx context.Context, tenant tenancy.ID, user token.Hash, now time.Time) (token.DeviceCode, error) {
	var row sqlcgen.DeviceCode
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindDeviceCode(ctx, sqlcgen.FindDeviceCodeParams{TenantID: string(tenant), UserHash: user[:], Now: now})
		return err
	})
	if err != nil {
		return token.DeviceCode{}, err
	}
	return deviceCodeOf(row)
}

// PollDeviceCode implements token.DeviceStore.
func (s *Store) PollDeviceCode(ctx context.Context, tenant tenancy.ID, device token.Hash, now time.Time) (token.DeviceCode, error) {
	var row sqlcgen.PollDeviceCodeRow
	err := s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) (err error) {
		row, err = q.PollDeviceCode(ctx, sqlcgen.PollDeviceCodeParams{TenantID: string(tenant), DeviceHash: device[:], Now: &now})
		return err
	})
	if err != nil {
		return token.DeviceCode{}, err
	}
	c, err := deviceCodeOf(sqlcgen.DeviceCode{
		DeviceHash: row.DeviceHash, UserHash: row.UserHash, ClientID: row.ClientID, Audience: row.Audience, Scope: row.Scope, Status: row.Status,
		Authorized: row.Authorized, UserID: row.UserID, SessionID: row.SessionID, IntervalSeconds: row.IntervalSeconds, IssuedAt: row.IssuedAt,
		GoodUntil: row.GoodUntil, ExpiresAt: row.ExpiresAt,
	})
	c.Hasty = row.Hasty
	return c, err
}

func deviceCodeOf(row sqlcgen.DeviceCode) (token.DeviceCode, error) {
	c := token.DeviceCode{
		Device: hash(row.DeviceHash), User: hash(row.UserHash), ClientID: row.ClientID, Audience: row.Audience, Scope: token.ParseScope(row.Scope),
		Status: token.DeviceStatus(row.Status), Interval: time.Duration(row.IntervalSeconds) * time.Second,
		Issued: row.IssuedAt.UTC(), Until: row.GoodUntil.UTC(), Expires: row.ExpiresAt.UTC(),
	}
	if len(row.Authorized) == 0 {
		return c, nil
	}
	var err error
	if c.Authorization, err = decodeAuthorization(row.Authorized); err != nil {
		return token.DeviceCode{}, err
	}
	c.Authorization.ClientID = row.ClientID
	if row.UserID != nil {
		c.Authorization.UserID = *row.UserID
	}
	if row.SessionID != nil {
		c.Authorization.SessionID = *row.SessionID
	}
	return c, nil
}

// ApproveDevice implements token.DeviceStore.
func (s *Store) ApproveDevice(ctx context.Context, tenant tenancy.ID, a token.DeviceApproval) error {
	authorized, err := encodeAuthorization(a.Authorization)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, a.Completion.Fact, func(q *sqlcgen.Queries) error {
		if err := complete(ctx, q, tenant, a.Completion); err != nil {
			return err
		}
		return must(q.DecideDeviceCode(ctx, sqlcgen.DecideDeviceCodeParams{
			TenantID: string(tenant), UserHash: a.User[:], Now: a.Completion.Now, Status: string(token.DeviceApproved), Authorized: authorized,
			UserID: &a.Authorization.UserID, SessionID: &a.Authorization.SessionID,
		}))
	})
}

// DenyDevice implements token.DeviceStore.
func (s *Store) DenyDevice(ctx context.Context, tenant tenancy.ID, user, state token.Hash, now time.Time, f token.Fact) error {
	return s.write(ctx, tenant, &f, func(q *sqlcgen.Queries) error {
		if err := q.DeleteTransaction(ctx, sqlcgen.DeleteTransactionParams{TenantID: string(tenant), StateHash: state[:]}); err != nil {
			return err
		}
		return must(q.DecideDeviceCode(ctx, sqlcgen.DecideDeviceCodeParams{
			TenantID: string(tenant), UserHash: user[:], Now: now, Status: string(token.DeviceDenied),
		}))
	})
}

// RedeemDeviceCode implements token.DeviceStore. The row lock of the deletion is what lets one of two concurrent calls win.
func (s *Store) RedeemDeviceCode(ctx context.Context, tenant tenancy.ID, device token.Hash, now time.Time, settled token.Settlement) error {
	return s.change(ctx, tenant, &settled.Fact, func(q, last *sqlcgen.Queries) error {
		err := must(q.RedeemDeviceCode(ctx, sqlcgen.RedeemDeviceCodeParams{TenantID: string(tenant), DeviceHash: device[:], Now: now}))
		if err != nil {
			return err
		}
		return insertTokens(ctx, last, tenant, settled.Opaque, settled.Refresh, token.Hash{})
	})
}

// DropDeviceCode implements token.DeviceStore.
func (s *Store) DropDeviceCode(ctx context.Context, tenant tenancy.ID, device token.Hash) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		return q.DropDeviceCode(ctx, sqlcgen.DropDeviceCodeParams{TenantID: string(tenant), DeviceHash: device[:]})
	})
}
