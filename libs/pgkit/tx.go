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
// It costs at most one round trip beside fn's own: it begins with fn's first statement, and facts (AppendOutbox) go out with the commit.
// It holds one connection and takes no second one; fn must not either (a pool whose
// callers each wait for a second connection deadlocks). Nothing is retried.
//
// What the server has said is committed is, though the connection may break behind it. When it breaks before, nobody knows: that is
// Unavailable.
//
// The error is a fault already (see Error), except pgx.ErrNoRows, which a statement that raised no_data_found is, too, and ends of ctx, which
// come back as they are:
// `return pgkit.Error(err, notFound)` around InTenant, or inside fn, is right for both. An empty tenant is Internal.
func InTenant(ctx context.Context, pool *pgxpool.Pool, tenant tenancy.ID, fn func(pgx.Tx) error) error {
	if err := checkTenant(tenant); err != nil {
		return err
	}
	return inTx(ctx, pool, lazy{tenant: string(tenant)}, fn)
}

// InTenantRead is InTenant for reading alone; each statement is one round trip and a transaction of its own.
func InTenantRead(ctx context.Context, pool *pgxpool.Pool, tenant tenancy.ID, fn func(pgx.Tx) error) error {
	if err := checkTenant(tenant); err != nil {
		return err
	}
	return inTx(ctx, pool, lazy{tenant: string(tenant), reads: true}, func(tx pgx.Tx) error {
		err := fn(tx)
		if sqlState(err) == "25006" { // what a standby says too, but here it is our own writing
			return fault.Internal(fmt.Errorf("writing in a read-only transaction: %w", err))
		}
		return err
	})
}

// InTenantOnce is InTenant for one change that leaves no fact: each statement is one round trip and a transaction of its own.
func InTenantOnce(ctx context.Context, pool *pgxpool.Pool, tenant tenancy.ID, fn func(pgx.Tx) error) error {
	if err := checkTenant(tenant); err != nil {
		return err
	}
	return inTx(ctx, pool, lazy{tenant: string(tenant), once: true}, fn)
}

// InTx is InTenant without a tenant, for schemas whose tables are nobody's (the control plane). A tenant table shows no row in it.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	return inTx(ctx, pool, lazy{}, fn)
}

// checkTenant refuses what no tenant id is, so that no mistake above becomes a tenant whose rows happen to be nobody's.
func checkTenant(tenant tenancy.ID) error {
	if tenant == "" {
		return fault.Internal(errors.New("a tenant transaction without a tenant"))
	}
	for _, r := range []byte(tenant) {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
		if !plain {
			return fault.Internal(fmt.Errorf("tenant id %q holds characters that no tenant id has", string(tenant)))
		}
	}
	return nil
}

func inTx(ctx context.Context, pool *pgxpool.Pool, tx lazy, fn func(pgx.Tx) error) error {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return Error(err, nil)
	}
	defer conn.Release() // a connection that is still inside a transaction is closed, not reused

	tx.conn = conn.Conn()
	done := false
	defer func() {
		if !done {
			rollback(ctx, &tx)
		}
	}()
	if err := fn(&tx); err != nil {
		return failed(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return failed(fmt.Errorf("committing: %w", err))
	}
	done = true
	return nil
}

// failed gives what a transaction comes back with.
func failed(err error) error {
	switch {
	case sqlState(err) == stateNoRow:
		return fmt.Errorf("%w: %w", pgx.ErrNoRows, err)
	case errors.Is(err, pgx.ErrNoRows):
		return err
	}
	return Error(err, nil)
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
