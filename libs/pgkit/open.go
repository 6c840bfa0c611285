package pgkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/telemetry"
)

// Open makes the pool of the runtime role. It waits up to 30 s for a server that is still starting, and gives up at once on what
// waiting cannot cure (a wrong password, no such database). The pool outlives ctx; the caller closes it.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*pgxpool.Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cc, err := cfg.connConfig(cfg.User)
	if err != nil {
		return nil, err
	}
	cc.RuntimeParams["statement_timeout"] = millis(statementTimeout)
	cc.RuntimeParams["lock_timeout"] = millis(lockTimeout)
	cc.RuntimeParams["idle_in_transaction_session_timeout"] = millis(idleInTxTimeout)
	cc.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	cc.Tracer = tracer{schema: cfg.Schema}

	pc, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, fmt.Errorf("reading the pool settings: %w", err)
	}
	pc.ConnConfig = cc
	pc.MaxConns = cfg.MaxConns
	pc.MaxConnIdleTime = 5 * time.Minute
	pc.MaxConnLifetime = time.Hour
	pc.MaxConnLifetimeJitter = 10 * time.Minute
	pc.BeforeConnect = func(_ context.Context, cc *pgx.ConnConfig) error {
		var err error
		cc.Password, err = readPassword(cfg.PasswordFile)
		return err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), pc)
	if err != nil {
		return nil, fmt.Errorf("opening the pool of schema %s: %w", cfg.Schema, err)
	}
	if err := await(ctx, pool.Ping, cfg, log); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reaching schema %s of database %s: %w", cfg.Schema, cfg.Database, err)
	}
	return pool, nil
}

// Connect makes one connection of cfg.User outside any pool and without time limits, for tools and tests. The caller closes it.
func Connect(ctx context.Context, cfg Config) (*pgx.Conn, error) {
	cc, err := cfg.connConfig(cfg.User)
	if err != nil {
		return nil, err
	}
	if cc.Password, err = readPassword(cfg.PasswordFile); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, cc)
	if err != nil {
		return nil, fmt.Errorf("connecting to database %s as %s: %w", cfg.Database, cfg.User, err)
	}
	return conn, nil
}

// Ready says whether the database answers, for readiness probes.
func Ready(ctx context.Context, pool *pgxpool.Pool) error {
	if err := pool.Ping(ctx); err != nil {
		return Error(err, nil)
	}
	return nil
}

// await pings until it succeeds, until waiting cannot help, or until startTimeout is over.
func await(ctx context.Context, ping func(context.Context) error, cfg Config, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := ping(ctx)
		if err == nil || !comesBack(err) {
			return err
		}
		log.DebugContext(ctx, "waiting for postgres", slog.String(telemetry.KeyAddr, cfg.Addr), slog.String(telemetry.KeyCause, err.Error()))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// comesBack tells a server that is away or starting from one that refuses us.
func comesBack(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return isAway(pg.Code)
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}
