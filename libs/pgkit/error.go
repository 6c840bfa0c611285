package pgkit

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-id/postern/libs/fault"
)

const awayMessage = "The database is away"

// errBusy is a pool that had no free connection in time.
var errBusy = errors.New("no free connection in time")

// Error translates what the driver says into a fault, keeping it as the cause:
//
//   - no rows: notFound as given (internal when that is nil);
//   - a unique or exclusion constraint: Conflict; Constraint names it;
//   - a foreign key, check or not-null constraint, or text that the column's type refuses: Invalid;
//   - a server that is away, starting, stopping or out of connections, a statement or lock timeout, a deadlock: Unavailable;
//   - the end of the caller's context: the error as it is, and so is one that is a fault already;
//   - anything else: Internal.
//
// Error(nil, …) is nil.
func Error(err error, notFound *fault.Error) error {
	var f *fault.Error
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		if notFound == nil {
			return fault.Internal(err)
		}
		return notFound.Because(err)
	case errors.Is(err, errBusy):
		return fault.Unavailable("The database is busy").Because(err)
	case errors.As(err, &pg):
		return fromState(pg)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &connect): // before the deadlines, because a connect timeout is one and is not the caller's
		return fault.Unavailable(awayMessage).Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &network), isClosed(err),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return fault.Unavailable(awayMessage).Because(err)
	default:
		return fault.Internal(err)
	}
}

// Constraint gives the name of the constraint that err is about; empty when it is about none.
func Constraint(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.ConstraintName
	}
	return ""
}

func fromState(pg *pgconn.PgError) error {
	switch pg.Code {
	case "23505", "23P01": // unique_violation, exclusion_violation
		return fault.Conflict("", "Something with these values exists already").Because(pg)
	case "23503": // foreign_key_violation
		return fault.Invalid("", "A value refers to something that does not exist, or that is still in use").Because(pg)
	case "23502", "23514", "22001", "22003", "22007", "22008", "22021", "22P02", "22P05":
		// not_null and check violations, data that a type cannot hold: too long, out of range, not that type's text, not UTF-8
		return fault.Invalid("", "A value is not acceptable").Because(pg)
	case "57014", "55P03", "40001", "40P01": // query_canceled (statement timeout), lock_not_available, serialization, deadlock
		return fault.Unavailable("The database is busy").Because(pg)
	}
	if isAway(pg.Code) {
		return fault.Unavailable(awayMessage).Because(pg)
	}
	return fault.Internal(pg)
}

// isAway tells the states of a server that is starting, stopping, failing over or full.
func isAway(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout
		"25006", "25P03": // read_only_sql_transaction (a standby now), idle_in_transaction_session_timeout
		return true
	}
	return len(code) == 5 && (code[:2] == "08" || code[:2] == "53") // connection exceptions, insufficient resources
}

// isClosed tells a connection that broke before the statement was sent. The driver has no name for it; the same type also tells
// of a connection in use, which is a mistake of ours and must not look like an outage.
func isClosed(err error) bool {
	return pgconn.SafeToRetry(err) && strings.Contains(err.Error(), "conn closed")
}

// stateNoRow is what a function of the schema raises where a statement changed no row that had to be there (no_data_found): whoever leaves
// a statement for the end of its transaction does not see how many it changed.
const stateNoRow = "P0002"

func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}
