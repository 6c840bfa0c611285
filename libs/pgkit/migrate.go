package pgkit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/postern-id/postern/libs/telemetry"
)

const versionTable = "goose_db_version"

// Migrate brings the schema up to the newest of the migrations (goose SQL files at the root of fsys), as the owner role. It waits
// up to 30 s for a server that is still starting. Of concurrent calls for one schema one migrates and the others wait for it. It
// never goes down. Afterwards the runtime role may read and write the rows of every table but goose's own.
func Migrate(ctx context.Context, cfg Config, fsys fs.FS, log *slog.Logger) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if cfg.OwnerUser == "" {
		return errors.New("POSTERN_POSTGRES_OWNER_USER is not set, and migrations need the schema's owner")
	}
	cc, err := cfg.connConfig(cfg.OwnerUser)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*cc, stdlib.OptionBeforeConnect(func(_ context.Context, cc *pgx.ConnConfig) error {
		var err error
		cc.Password, err = readPassword(cfg.OwnerPasswordFile)
		return err
	}))
	defer db.Close() //nolint:errcheck // nothing is left to lose
	if err := await(ctx, db.PingContext, cfg, log); err != nil {
		return fmt.Errorf("reaching database %s as %s: %w", cfg.Database, cfg.OwnerUser, err)
	}
	if err := ensureSchema(ctx, db, cfg.Schema); err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, fsys,
		goose.WithTableName(versionTable), // in the search path's one schema: goose quotes no name, and "user" is a reserved word
		goose.WithSessionLocker(newLocker("postern/migrate/"+cfg.Schema)),
		goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("reading the migrations of schema %s: %w", cfg.Schema, err)
	}
	applied, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrating schema %s: %w", cfg.Schema, err)
	}
	if err := grant(ctx, db, cfg); err != nil {
		return err
	}
	if len(applied) > 0 {
		log.InfoContext(ctx, "schema migrated", slog.String("schema", cfg.Schema), slog.Int(telemetry.KeyCount, len(applied)))
	}
	return nil
}

func ensureSchema(ctx context.Context, db *sql.DB, schema string) error {
	var exists bool
	if err := db.QueryRowContext(ctx, "select to_regnamespace($1) is not null", schema).Scan(&exists); err != nil {
		return fmt.Errorf("looking for schema %s: %w", schema, err)
	}
	if exists {
		return nil
	}
	// Two processes may both come here; the loser finds the schema there.
	if _, err := db.ExecContext(ctx, "create schema if not exists "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return fmt.Errorf("creating schema %s: %w", schema, err)
	}
	return nil
}

// grant gives the runtime role exactly what it may do, so that no migration has to say so and none can forget it.
func grant(ctx context.Context, db *sql.DB, cfg Config) error {
	schema, user := pgx.Identifier{cfg.Schema}.Sanitize(), pgx.Identifier{cfg.User}.Sanitize()
	l := newLocker("postern/migrate/" + cfg.Schema) // concurrent grants on one table fail each other
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("granting on schema %s: %w", cfg.Schema, err)
	}
	defer conn.Close() //nolint:errcheck // returns it to a pool that is about to close
	if err := l.SessionLock(ctx, conn); err != nil {
		return fmt.Errorf("granting on schema %s: %w", cfg.Schema, err)
	}
	defer l.SessionUnlock(context.WithoutCancel(ctx), conn) //nolint:errcheck // the lock dies with the connection
	for _, stmt := range []string{
		"grant usage on schema " + schema + " to " + user,
		"grant select, insert, update, delete on all tables in schema " + schema + " to " + user,
		"grant usage, select on all sequences in schema " + schema + " to " + user,
		"revoke all on " + schema + "." + versionTable + " from " + user,
	} {
		if _, err := conn.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("granting on schema %s: %w", cfg.Schema, err)
		}
	}
	return nil
}

// locker holds a session's advisory lock. It asks again and again instead of waiting inside the server, because a waiting
// statement holds a snapshot, for which another session's "create index concurrently" would wait in turn.
type locker struct{ key int64 }

func newLocker(name string) locker { return locker{key: lockKey(name)} }

// lockKey makes the number of a named advisory lock. Such locks are per database.
func lockKey(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return int64(h.Sum64()) //nolint:gosec // any 64 bits will do
}

// SessionLock implements goose's lock.SessionLocker.
func (l locker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var got bool
		if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", l.key).Scan(&got); err != nil {
			return fmt.Errorf("taking the migration lock: %w", err)
		}
		if got {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the migration lock: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// SessionUnlock implements goose's lock.SessionLocker.
func (l locker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "select pg_advisory_unlock($1)", l.key); err != nil {
		return fmt.Errorf("releasing the migration lock: %w", err)
	}
	return nil
}
