package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

// DataKeys keeps one wrapped data key a tenant (vaultkit.DataKeys).
type DataKeys struct{ Pool *pgxpool.Pool }

// FindDataKey implements vaultkit.DataKeys.
func (d DataKeys) FindDataKey(ctx context.Context, tenant tenancy.ID) (wrapped string, err error) {
	err = pgkit.InTenantRead(ctx, d.Pool, tenant, func(tx pgx.Tx) (err error) {
		wrapped, err = sqlcgen.New(tx).FindDataKey(ctx, string(tenant))
		return err
	})
	if err != nil {
		return "", found(err, fault.NotFound("The tenant has no data key"))
	}
	return wrapped, nil
}

// SaveDataKey implements vaultkit.DataKeys.
func (d DataKeys) SaveDataKey(ctx context.Context, tenant tenancy.ID, wrapped string) (kept string, err error) {
	err = pgkit.InTenant(ctx, d.Pool, tenant, func(tx pgx.Tx) (err error) {
		kept, err = sqlcgen.New(tx).SaveDataKey(ctx, sqlcgen.SaveDataKeyParams{TenantID: string(tenant), Wrapped: wrapped})
		return err
	})
	return kept, pgkit.Error(err, nil)
}
