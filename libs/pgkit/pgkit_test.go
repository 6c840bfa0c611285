package pgkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

func TestConfig_Validate(t *testing.T) {
	t.Parallel()
	whole := pgkit.Config{Addr: "db:5432", Database: "postern_eu", User: "eu_client", OwnerUser: "eu_client_owner", Schema: "client"}

	t.Run("fills_in_the_size_of_the_pool", func(t *testing.T) {
		t.Parallel()
		c := whole
		require.NoError(t, c.Validate())
		require.EqualValues(t, 10, c.MaxConns)
	})
	for name, tc := range map[string]struct {
		change func(*pgkit.Config)
		says   string
	}{
		"no_address":                  {func(c *pgkit.Config) { c.Addr = "" }, "POSTERN_POSTGRES_ADDR is not set"},
		"an_address_without_port":     {func(c *pgkit.Config) { c.Addr = "db" }, "neither host:port nor a socket directory"},
		"a_schema_that_is_an_attack":  {func(c *pgkit.Config) { c.Schema = "client; drop schema x" }, "not a plain lower-case name"},
		"an_owner_who_is_the_runtime": {func(c *pgkit.Config) { c.OwnerUser = c.User }, "must differ"},
		"a_negative_pool":             {func(c *pgkit.Config) { c.MaxConns = -1 }, "is negative"},
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			t.Parallel()
			c := whole
			tc.change(&c)
			require.ErrorContains(t, c.Validate(), tc.says)
		})
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	missing := fault.NotFound("No such client")
	for name, tc := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"no_rows_is_the_given_not_found":        {fmt.Errorf("reading: %w", pgx.ErrNoRows), fault.KindNotFound},
		"a_unique_constraint_is_a_conflict":     {&pgconn.PgError{Code: "23505"}, fault.KindConflict},
		"a_foreign_key_is_invalid":              {&pgconn.PgError{Code: "23503"}, fault.KindInvalid},
		"a_check_is_invalid":                    {&pgconn.PgError{Code: "23514"}, fault.KindInvalid},
		"text_that_is_no_number_is_invalid":     {&pgconn.PgError{Code: "22P02"}, fault.KindInvalid},
		"bytes_that_are_no_text_are_invalid":    {&pgconn.PgError{Code: "22021"}, fault.KindInvalid},
		"a_server_that_stops_is_unavailable":    {&pgconn.PgError{Code: "57P01"}, fault.KindUnavailable},
		"a_server_that_starts_is_unavailable":   {&pgconn.PgError{Code: "57P03"}, fault.KindUnavailable},
		"a_broken_connection_is_unavailable":    {&pgconn.PgError{Code: "08006"}, fault.KindUnavailable},
		"too_many_connections_are_unavailable":  {&pgconn.PgError{Code: "53300"}, fault.KindUnavailable},
		"a_deadlock_is_unavailable":             {&pgconn.PgError{Code: "40P01"}, fault.KindUnavailable},
		"a_refused_connection_is_unavailable":   {&net.OpError{Op: "dial", Err: errors.New("refused")}, fault.KindUnavailable},
		"a_connection_cut_short_is_unavailable": {fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), fault.KindUnavailable},
		"a_row_level_refusal_is_internal":       {&pgconn.PgError{Code: "42501"}, fault.KindInternal},
		"anything_else_is_internal":             {errors.New("odd"), fault.KindInternal},
		"a_fault_stays_what_it_is":              {fmt.Errorf("saving: %w", fault.Denied("", "No")), fault.KindDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pgkit.Error(tc.err, missing)
			testkit.RequireFault(t, err, tc.want)
			require.ErrorIs(t, err, tc.err, "the cause is kept")
		})
	}
	t.Run("the_end_of_the_callers_context_stays_as_it_is", func(t *testing.T) {
		t.Parallel()
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			err := fmt.Errorf("querying: %w", end)
			require.Equal(t, err, pgkit.Error(err, missing))
		}
	})
	t.Run("nil_is_nil", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, pgkit.Error(nil, missing))
	})
	t.Run("no_rows_without_a_not_found_is_internal", func(t *testing.T) {
		t.Parallel()
		testkit.RequireFault(t, pgkit.Error(pgx.ErrNoRows, nil), fault.KindInternal)
	})
	t.Run("a_constraint_is_named_through_the_fault", func(t *testing.T) {
		t.Parallel()
		err := pgkit.Error(&pgconn.PgError{Code: "23505", ConstraintName: "clients_name_key"}, nil)
		require.Equal(t, "clients_name_key", pgkit.Constraint(err))
	})
}

func TestInTenant_refuses_before_it_connects(t *testing.T) {
	t.Parallel()
	for _, id := range []tenancy.ID{"", "tnt_x'; set local postern.relay='on", "tnt x", "tnt_\x00", "tnt_é"} {
		never := func(pgx.Tx) error { t.Error("called for tenant " + string(id)); return nil }
		testkit.RequireFault(t, pgkit.InTenant(t.Context(), nil, id, never), fault.KindInternal)
		testkit.RequireFault(t, pgkit.InTenantRead(t.Context(), nil, id, never), fault.KindInternal)
	}
}

func TestAppendOutbox_refuses_what_could_never_be_published(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tenant       tenancy.ID
		subject, id  string
		payloadBytes int
	}{
		"no_tenant":             {"", "postern.user.user.created", "evt_1", 1},
		"no_event_id":           {"tnt_1", "postern.user.user.created", "", 1},
		"a_subject_of_others":   {"tnt_1", "$JS.API.STREAM.DELETE.EVENTS", "evt_1", 1},
		"a_wildcard":            {"tnt_1", "postern.user.>", "evt_1", 1},
		"a_line_break":          {"tnt_1", "postern.user\r\nPUB x", "evt_1", 1},
		"a_payload_of_one_mega": {"tnt_1", "postern.user.user.created", "evt_1", 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := pgkit.AppendOutbox(t.Context(), nil, tc.tenant, tc.subject, tc.id, []byte(strings.Repeat("x", tc.payloadBytes)))
			testkit.RequireFault(t, err, fault.KindInternal)
		})
	}
}
