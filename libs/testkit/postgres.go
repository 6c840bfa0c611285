package testkit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/pgkit"
)

const (
	setupTimeout = 60 * time.Second
	// rolePassword guards nothing but databases of tests, in a server that listens on this machine.
	rolePassword = "for-tests-only"
)

// Database is one test's own.
type Database struct {
	Config pgkit.Config  // for code that opens its own pool
	Pool   *pgxpool.Pool // as the runtime role

	cloud *Cloud
}

// Postgres gives a database of this test's own with the schema migrated, and with an owner and a runtime role as in production (the
// runtime role owns nothing and is held by row-level security). It is cloned from a template that is made once per content of
// migrations, and dropped at the end of the test.
func Postgres(tb testing.TB, schema string, migrations fs.FS) *Database {
	tb.Helper()
	cloud := DevCloud(tb)
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()

	admin, err := cloud.admin(ctx, "postgres")
	if err != nil {
		tb.Fatalf("connecting to the dev cloud's postgres: %v", err)
	}
	defer closeConn(admin)

	dir := tb.TempDir()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(rolePassword), 0o600); err != nil {
		tb.Fatalf("writing the password: %v", err)
	}
	d := &Database{cloud: cloud, Config: pgkit.Config{
		Addr: cloud.Engines.Postgres.Addr, Schema: schema,
		User: "test_" + schema, PasswordFile: secret,
		OwnerUser: "test_" + schema + "_owner", OwnerPasswordFile: secret,
	}}
	template, err := d.template(ctx, admin, migrations)
	if err != nil {
		tb.Fatalf("making the template database of schema %s: %v", schema, err)
	}
	d.Config.Database = "test_" + schema + "_" + randomHex(8)
	if err := clone(ctx, admin, d.Config.Database, template); err != nil {
		tb.Fatalf("cloning %s: %v", template, err)
	}
	tb.Cleanup(func() { d.drop(tb) })

	d.Pool, err = pgkit.Open(ctx, d.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatalf("opening the test database: %v", err)
	}
	tb.Cleanup(d.Pool.Close)
	return d
}

// Admin gives a superuser's connection to the database, whom row-level security does not hold: for looking at what is really there.
func (d *Database) Admin(tb testing.TB) *pgx.Conn {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	conn, err := d.cloud.admin(ctx, d.Config.Database)
	if err != nil {
		tb.Fatalf("connecting as admin: %v", err)
	}
	tb.Cleanup(func() { closeConn(conn) })
	if _, err := conn.Exec(ctx, "set search_path = "+pgx.Identifier{d.Config.Schema}.Sanitize()); err != nil {
		tb.Fatalf("setting the schema: %v", err)
	}
	return conn
}

func (c *Cloud) admin(ctx context.Context, database string) (*pgx.Conn, error) {
	dsn, err := url.Parse(c.Engines.Postgres.AdminDSN)
	if err != nil || dsn.User == nil {
		return nil, errors.New("engines.postgres.admin_dsn of the dev cloud's description is no URL with a user")
	}
	return pgkit.Connect(ctx, pgkit.Config{
		Addr: dsn.Host, Database: database, Schema: "public",
		User: dsn.User.Username(), PasswordFile: c.Engines.Postgres.AdminPasswordFile,
	})
}

// template gives the name of a database with the schema as migrations make it, making it if need be. One process does that at a
// time; a half-made one has another name and is thrown away.
func (d *Database) template(ctx context.Context, admin *pgx.Conn, migrations fs.FS) (string, error) {
	sum, err := hashOf(migrations)
	if err != nil {
		return "", err
	}
	name := "template_" + d.Config.Schema + "_" + sum
	if _, err := admin.Exec(ctx, "select pg_advisory_lock(hashtextextended($1, 0))", "testkit"); err != nil {
		return "", fmt.Errorf("waiting for other tests: %w", err)
	}
	defer admin.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock_all()") //nolint:errcheck // goes with the connection

	var exists bool
	if err := admin.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists); err != nil {
		return "", fmt.Errorf("looking for the template: %w", err)
	}
	if exists {
		return name, nil
	}
	for _, role := range []string{d.Config.OwnerUser, d.Config.User} {
		_, err := admin.Exec(ctx, "create role "+ident(role)+" login nosuperuser nocreatedb nocreaterole nobypassrls password '"+rolePassword+"'")
		if pg := (*pgconn.PgError)(nil); err != nil && (!errors.As(err, &pg) || pg.Code != "42710") { // duplicate_object
			return "", fmt.Errorf("creating role %s: %w", role, err)
		}
	}
	building := name + "_new"
	for _, stmt := range []string{"drop database if exists " + ident(building) + " with (force)", "create database " + ident(building)} {
		if _, err := admin.Exec(ctx, stmt); err != nil {
			return "", fmt.Errorf("creating the template: %w", err)
		}
	}
	if err := d.schema(ctx, building); err != nil {
		return "", err
	}
	conf := d.Config
	conf.Database = building
	if err := pgkit.Migrate(ctx, conf, migrations, slog.New(slog.DiscardHandler)); err != nil {
		return "", err
	}
	return name, retryInUse(ctx, admin, "alter database "+ident(building)+" rename to "+ident(name))
}

// schema prepares a new database as a cell's is: an empty schema that belongs to the owner role, and nothing for anyone else.
func (d *Database) schema(ctx context.Context, database string) error {
	inside, err := d.cloud.admin(ctx, database)
	if err != nil {
		return fmt.Errorf("connecting to the template: %w", err)
	}
	defer closeConn(inside) //nolint:contextcheck // closed even when ctx has ended
	_, err = inside.Exec(ctx, "revoke all on schema public from public; create schema "+ident(d.Config.Schema)+" authorization "+ident(d.Config.OwnerUser))
	if err != nil {
		return fmt.Errorf("creating the schema: %w", err)
	}
	return nil
}

func clone(ctx context.Context, admin *pgx.Conn, name, template string) error {
	return retryInUse(ctx, admin, "create database "+ident(name)+" template "+ident(template))
}

// retryInUse repeats what a session that is just leaving the database stands in the way of.
func retryInUse(ctx context.Context, admin *pgx.Conn, stmt string) error {
	for {
		_, err := admin.Exec(ctx, stmt)
		var pg *pgconn.PgError
		if err == nil || !errors.As(err, &pg) || pg.Code != "55006" { // object_in_use
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *Database) drop(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	admin, err := d.cloud.admin(ctx, "postgres")
	if err != nil {
		tb.Errorf("connecting to drop the test database: %v", err)
		return
	}
	defer closeConn(admin)
	if _, err := admin.Exec(ctx, "drop database if exists "+ident(d.Config.Database)+" with (force)"); err != nil {
		tb.Errorf("dropping the test database: %v", err)
	}
}

func hashOf(migrations fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		b, err := fs.ReadFile(migrations, path)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(h, "%s\x00%d\x00%s", path, len(b), b)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reading the migrations: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing is left to lose
}
