package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// cellSchemas are the services that keep state in a cell, a schema and two roles each.
var cellSchemas = []string{"client", "user", "token", "log", "tenant"}

// database is one to provision: its schemas, each with an owner, who migrates, and a runtime role, who reads and writes rows.
type database struct {
	name  string
	parts []part
}

type part struct{ schema, owner, runtime string }

// Control is the control plane's database.
const Control = "postern_control"

// CellDatabase is the name of a cell's database.
func CellDatabase(cell string) string { return "postern_" + cell }

func (s *Server) databases() []database {
	all := []database{{name: Control, parts: []part{{"control", "control_owner", "control"}}}}
	for _, cell := range s.cfg.Cells {
		d := database{name: CellDatabase(cell)}
		for _, schema := range cellSchemas {
			d.parts = append(d.parts, part{schema, cell + "_" + schema + "_owner", cell + "_" + schema})
		}
		all = append(all, d)
	}
	return all
}

// provision makes what is missing, and says again what may have been changed by hand. It can be repeated at any time.
func (s *Server) provision(ctx context.Context) error {
	conn, err := s.connect(ctx, "postgres")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	dbs := s.databases()
	if err := s.roles(ctx, conn, dbs); err != nil {
		return err
	}
	if err := createDatabases(ctx, conn, dbs); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, d := range dbs {
		group.Go(func() error { return s.schemas(ctx, d) })
	}
	return group.Wait()
}

// roles gives each role its attributes, and its password when it is new or its file was lost.
func (s *Server) roles(ctx context.Context, conn *pgx.Conn, dbs []database) error {
	existing, err := names(ctx, conn, "select rolname from pg_roles")
	if err != nil {
		return err
	}
	for _, d := range dbs {
		for _, p := range d.parts {
			for _, role := range []string{p.owner, p.runtime} {
				file := filepath.Join(Secrets, role)
				_, err := s.cfg.Folder.Read(file)
				if err == nil && existing[role] {
					continue
				}
				if err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
				password, err := s.cfg.Folder.Password(file)
				if err != nil {
					return err
				}
				verb := "create"
				if existing[role] {
					verb = "alter"
				}
				_, err = conn.Exec(ctx, fmt.Sprintf(
					"%s role %s with login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit password '%s'",
					verb, quoted(role), password)) // hexadecimal: nothing to escape
				if err != nil {
					return fmt.Errorf("making role %s: %w", role, err)
				}
			}
		}
	}
	return nil
}

func createDatabases(ctx context.Context, conn *pgx.Conn, dbs []database) error {
	existing, err := names(ctx, conn, "select datname from pg_database")
	if err != nil {
		return err
	}
	for _, d := range dbs {
		if !existing[d.name] {
			if _, err := conn.Exec(ctx, "create database "+quoted(d.name)); err != nil {
				return fmt.Errorf("making database %s: %w", d.name, err)
			}
		}
		connect := []string{"revoke all on database " + quoted(d.name) + " from public"}
		for _, p := range d.parts {
			for _, role := range []string{p.owner, p.runtime} {
				connect = append(connect, fmt.Sprintf("grant connect on database %s to %s", quoted(d.name), quoted(role)))
			}
		}
		if err := all(ctx, conn, connect); err != nil {
			return fmt.Errorf("closing database %s to strangers: %w", d.name, err)
		}
	}
	// The databases that every server has hold nothing, but are no meeting place either.
	return all(ctx, conn, []string{"revoke all on database postgres from public", "revoke all on database template1 from public"})
}

func (s *Server) schemas(ctx context.Context, d database) error {
	conn, err := s.connect(ctx, d.name)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	statements := []string{"revoke all on schema public from public"}
	for _, p := range d.parts {
		schema, owner, runtime := quoted(p.schema), quoted(p.owner), quoted(p.runtime)
		statements = append(
			statements,
			"create schema if not exists "+schema+" authorization "+owner,
			"grant usage on schema "+schema+" to "+runtime,
			"alter default privileges for role "+owner+" in schema "+schema+" grant select, insert, update, delete on tables to "+runtime,
			"alter default privileges for role "+owner+" in schema "+schema+" grant usage, select on sequences to "+runtime,
		)
		for _, role := range []string{owner, runtime} {
			statements = append(statements, "alter role "+role+" in database "+quoted(d.name)+" set search_path = "+schema)
		}
	}
	if err := all(ctx, conn, statements); err != nil {
		return fmt.Errorf("making the schemas of %s: %w", d.name, err)
	}
	return nil
}

// all sends the statements in one round trip and one transaction.
func all(ctx context.Context, conn *pgx.Conn, statements []string) error {
	_, err := conn.PgConn().Exec(ctx, strings.Join(statements, ";\n")).ReadAll()
	return err
}

func names(ctx context.Context, conn *pgx.Conn, query string) (map[string]bool, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("listing what the server has: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("listing what the server has: %w", err)
	}
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set, nil
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
