package pgkit

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// lazy is a transaction that spares round trips: what opens it rides with its first statement, and what was left for its end rides with
// the commit. One that only reads is no transaction at all: each statement is one by itself, with its tenant in front of it in the same
// message, and sees what it would see inside of one (read committed gives each statement a snapshot of its own).
//
// A round trip is a few system calls and a wake-up on both sides, which for most statements is more work than the statement.
type lazy struct {
	conn   *pgx.Conn
	tenant string // empty: none
	reads  bool
	once   bool // each statement is a transaction of its own
	begun  bool
	last   []statement // for the end, in order
}

type statement struct {
	sql  string
	args []any
}

var _ pgx.Tx = (*lazy)(nil)

// The statements that this file puts around those of others.
const (
	sqlBegin  = "begin"
	sqlCommit = "commit"
	sqlTenant = "select set_config('postern.tenant', $1, true)"
	sqlReads  = "select set_config('postern.tenant', $1, true), set_config('transaction_read_only', 'on', true)"
	sqlRead   = "select set_config('transaction_read_only', 'on', true)"
)

// head is what goes in front of a statement; alone is what needs no begin, since it is all there is.
func (t *lazy) head(alone bool) []statement {
	var out []statement
	if !alone {
		out = append(out, statement{sql: sqlBegin})
	}
	switch {
	case t.reads && t.tenant != "":
		return append(out, statement{sqlReads, []any{t.tenant}})
	case t.reads:
		return append(out, statement{sql: sqlRead})
	case t.tenant != "":
		return append(out, statement{sqlTenant, []any{t.tenant}})
	}
	return out
}

// lead sends a statement with what opens it and gives the results from the statement's on.
func (t *lazy) lead(ctx context.Context, sql string, args []any) (pgx.BatchResults, error) {
	batch := &pgx.Batch{}
	alone := t.reads || t.once
	heads := t.head(alone)
	for _, h := range heads {
		batch.Queue(h.sql, h.args...)
	}
	batch.Queue(sql, args...)
	t.begun = !alone
	results := t.conn.SendBatch(ctx, batch)
	for range heads {
		if _, err := results.Exec(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	return results, nil
}

// begin opens the transaction by itself, for what cannot ride with it.
func (t *lazy) begin(ctx context.Context) error {
	if t.begun {
		return nil
	}
	batch := &pgx.Batch{}
	for _, h := range t.head(false) {
		batch.Queue(h.sql, h.args...)
	}
	t.begun = true
	return t.conn.SendBatch(ctx, batch).Close()
}

// Exec implements pgx.Tx.
func (t *lazy) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if len(args) == 0 && !t.reads { // it may be several statements, which only the simple protocol takes
		if err := t.begin(ctx); err != nil {
			return pgconn.CommandTag{}, err
		}
	}
	if t.begun {
		return t.conn.Exec(ctx, sql, args...)
	}
	results, err := t.lead(ctx, sql, args)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	if closed := results.Close(); err == nil {
		err = closed
	}
	return tag, err
}

// Query implements pgx.Tx.
func (t *lazy) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if t.begun {
		return t.conn.Query(ctx, sql, args...)
	}
	results, err := t.lead(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	found, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &rows{Rows: found, results: results}, nil
}

// QueryRow implements pgx.Tx.
func (t *lazy) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if t.begun {
		return t.conn.QueryRow(ctx, sql, args...)
	}
	results, err := t.lead(ctx, sql, args)
	return row{results, err}
}

// rows are those of a statement that went out with others: the connection is free once they are read.
type rows struct {
	pgx.Rows

	results pgx.BatchResults
	done    bool
	err     error
}

func (r *rows) finish() {
	if r.done {
		return
	}
	r.done = true
	if err := r.results.Close(); r.err == nil {
		r.err = err
	}
}

// Next implements pgx.Rows.
func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.finish()
	return false
}

// Close implements pgx.Rows.
func (r *rows) Close() {
	r.Rows.Close()
	r.finish()
}

// Err implements pgx.Rows.
func (r *rows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}

// row is one row of a statement that went out with others.
type row struct {
	results pgx.BatchResults
	err     error
}

// Scan implements pgx.Row.
func (r row) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	err := r.results.QueryRow().Scan(dest...)
	if closed := r.results.Close(); err == nil {
		err = closed
	}
	return err
}

// Later gives tx with an Exec that leaves its statement for the end, where it goes out with the commit: for changes whose result nobody
// looks at. One that must find a row says so itself, by raising no_data_found. It gives an empty tag, its error is the commit's, and its arguments must not change meanwhile. What is asked at once sees
// nothing of it.
func Later(tx pgx.Tx) pgx.Tx {
	if own, ok := tx.(*lazy); ok && !own.reads {
		return later{own}
	}
	return tx
}

type later struct{ *lazy }

// Exec implements pgx.Tx.
func (l later) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if len(args) == 0 {
		return l.lazy.Exec(ctx, sql)
	}
	l.leave(sql, args...)
	return pgconn.CommandTag{}, nil
}

// leave keeps a statement for the end of the transaction.
func (t *lazy) leave(sql string, args ...any) { t.last = append(t.last, statement{sql, args}) }

// Commit implements pgx.Tx. What was left for the end and the commit are one message.
func (t *lazy) Commit(ctx context.Context) error {
	if !t.begun && len(t.last) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	if !t.begun {
		for _, h := range t.head(true) {
			batch.Queue(h.sql, h.args...)
		}
	}
	for _, s := range t.last {
		batch.Queue(s.sql, s.args...)
	}
	if !t.begun { // they are all there is, and one message is one transaction
		return t.conn.SendBatch(ctx, batch).Close()
	}
	batch.Queue(sqlCommit)
	results := t.conn.SendBatch(ctx, batch)
	for range t.last {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	tag, err := results.Exec()
	closed := results.Close()
	switch {
	case err != nil:
		return err
	case tag.String() == "ROLLBACK": // a statement had failed, and its error was not looked at
		return pgx.ErrTxCommitRollback
	case tag.String() != "COMMIT":
		return closed
	}
	return nil // it is done: that the connection breaks behind it, as when the server stops, takes nothing back
}

// Rollback implements pgx.Tx.
func (t *lazy) Rollback(ctx context.Context) error {
	if !t.begun || t.conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	_, err := t.conn.Exec(ctx, "rollback")
	return err
}

// errAlone is a use of a transaction that ours has none for.
var errAlone = errors.New("transactions of this package do not nest, and hold no large objects")

// Begin implements pgx.Tx; there are no savepoints.
func (*lazy) Begin(context.Context) (pgx.Tx, error) { return nil, errAlone }

// CopyFrom implements pgx.Tx.
func (t *lazy) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	if err := t.begin(ctx); err != nil {
		return 0, err
	}
	return t.conn.CopyFrom(ctx, table, columns, source)
}

// SendBatch implements pgx.Tx.
func (t *lazy) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if err := t.begin(ctx); err != nil {
		return failedBatch{fmt.Errorf("beginning a transaction: %w", err)}
	}
	return t.conn.SendBatch(ctx, batch)
}

// LargeObjects implements pgx.Tx; there are none.
func (*lazy) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx.
func (t *lazy) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, sql)
}

// Conn implements pgx.Tx.
func (t *lazy) Conn() *pgx.Conn { return t.conn }

// failedBatch is a batch that was not sent.
type failedBatch struct{ err error }

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return nil, b.err }
func (b failedBatch) QueryRow() pgx.Row                { return row{nil, b.err} }
func (b failedBatch) Close() error                     { return b.err }
func (failedBatch) Tx() pgx.Tx                         { return nil }
