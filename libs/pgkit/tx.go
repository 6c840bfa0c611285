package pgkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// InTenant runs fn in one transaction in which row-level security shows the rows of tenant and no others. It commits when fn
// returns nil and rolls back when fn fails or panics; the tenant leaves the connection with the transaction.
//
// It costs two round trips beside fn's own. It holds one connection and takes no second one; fn must not either (a pool whose
// callers each wait for a second connection deadlocks). Nothing is retried.
//
// The error is a fault already (see Error), except pgx.ErrNoRows and ends of ctx, which come back as they are:
// `return pgkit.Error(err, notFound)` around InTenant, or inside fn, is right for both. An empty tenant is Internal.
func InTenant(ctx context.Context, pool *pgxpool.Pool, tenant tenancy.ID, fn func(pgx.Tx) error) error {
	set, err := setTenant(tenant)
	if err != nil {
		return err
	}
	return inTx(ctx, pool, "begin;"+set, fn)
}

// InTenantRead is InTenant in a read-only transaction.
func InTenantRead(ctx context.Context, pool *pgxpool.Pool, tenant tenancy.ID, fn func(pgx.Tx) error) error {
	set, err := setTenant(tenant)
	if err != nil {
		return err
	}
	return inTx(ctx, pool, "begin read only;"+set, func(tx pgx.Tx) error {
		err := fn(tx)
		if sqlState(err) == "25006" { // what a standby says too, but here it is our own writing
			return fault.Internal(fmt.Errorf("writing in a read-only transaction: %w", err))
		}
		return err
	})
}

// InTx is InTenant without a tenant, for schemas whose tables are nobody's (the control plane). A tenant table shows no row in it.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	return inTx(ctx, pool, "begin", fn)
}

// setTenant gives the statement that names the tenant. It rides in one message with the begin, which only takes literals, so an
// id that holds anything but the characters of our ids is refused: that is what keeps a quote out of the statement.
func setTenant(tenant tenancy.ID) (string, error) {
	if tenant == "" {
		return "", fault.Internal(errors.New("a tenant transaction without a tenant"))
	}
	for _, r := range []byte(tenant) {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
		if !plain {
			return "", fault.Internal(fmt.Errorf("tenant id %q holds characters that no tenant id has", string(tenant)))
		}
	}
	return "set local postern.tenant='" + string(tenant) + "'", nil
}

func inTx(ctx context.Context, pool *pgxpool.Pool, begin string, fn func(pgx.Tx) error) error {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return Error(err, nil)
	}
	defer conn.Release() // a connection that is still inside a transaction is closed, not reused

	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return Error(fmt.Errorf("beginning a transaction: %w", err), nil)
	}
	done := false
	defer func() {
		if !done {
			rollback(ctx, tx)
		}
	}()
	if err := fn(tx); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return Error(err, nil)
	}
	done = true
	if err := tx.Commit(ctx); err != nil {
		return Error(fmt.Errorf("committing: %w", err), nil)
	}
	return nil
}

func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := pool.Acquire(wait)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	}
	return conn, err
}

// rollback outlives ctx: a request that was given up must still free its locks at once.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = tx.Rollback(ctx) // a connection that cannot roll back is closed by its release, which rolls back too
}
