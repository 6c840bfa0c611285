package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// column is one of an appended batch: its SQL type and the values of an entry. An empty text becomes null.
type column struct {
	name, sqlType string
	value         func(e *auditlog.Entry) any
}

func words(get func(e *auditlog.Entry) string) func(e *auditlog.Entry) any {
	return func(e *auditlog.Entry) any {
		s := get(e)
		if s == "" {
			return (*string)(nil)
		}
		return &s
	}
}

// columns are those that an entry brings along. The values travel as one array each: a statement for a whole batch, whose text is
// always the same and so is planned once.
var columns = []column{
	{"tenant_id", "text", words(func(e *auditlog.Entry) string { return string(e.Tenant) })},
	{"date", "timestamptz", func(e *auditlog.Entry) any { return e.Date }},
	{"event_id", "text", words(func(e *auditlog.Entry) string { return e.EventID })},
	{"tenant_name", "text", words(func(e *auditlog.Entry) string { return e.TenantName })},
	{"type", "text", words(func(e *auditlog.Entry) string { return e.Type })},
	{"description", "text", words(func(e *auditlog.Entry) string { return e.Description })},
	{"client_id", "text", words(func(e *auditlog.Entry) string { return e.ClientID })},
	{"client_name", "text", words(func(e *auditlog.Entry) string { return e.ClientName })},
	{"connection", "text", words(func(e *auditlog.Entry) string { return e.Connection })},
	{"connection_id", "text", words(func(e *auditlog.Entry) string { return e.ConnectionID })},
	{"strategy", "text", words(func(e *auditlog.Entry) string { return e.Strategy })},
	{"strategy_type", "text", words(func(e *auditlog.Entry) string { return e.StrategyType })},
	{"user_id", "text", words(func(e *auditlog.Entry) string { return e.UserID })},
	{"user_name", "text", words(func(e *auditlog.Entry) string { return e.UserName })},
	{"ip", "text", words(func(e *auditlog.Entry) string { return e.IP })},
	{"user_agent", "text", words(func(e *auditlog.Entry) string { return e.UserAgent })},
	{"is_mobile", "boolean", func(e *auditlog.Entry) any { return e.Mobile }},
	{"hostname", "text", words(func(e *auditlog.Entry) string { return e.Hostname })},
	{"audience", "text", words(func(e *auditlog.Entry) string { return e.Audience })},
	{"scope", "text", words(func(e *auditlog.Entry) string { return e.Scope })},
	{"session_id", "text", words(func(e *auditlog.Entry) string { return e.SessionID })},
	{"mtls_thumbprint", "text", words(func(e *auditlog.Entry) string { return e.Certificate })},
	{"correlation_id", "text", words(func(e *auditlog.Entry) string { return e.Correlation })},
	{"details", "json", words(func(e *auditlog.Entry) string { return string(e.Details) })},
}

// appendSQL takes as many places as the batch may need and inserts what is new. $1 is the count, $2 now, then one array a column. It
// names no conflict target: that would need the right to read what is there.
var appendSQL = func() string {
	var names, arrays, values []string
	for i, c := range columns {
		arrayType := c.sqlType
		if arrayType == "json" {
			arrayType = "text"
		}
		names = append(names, c.name)
		arrays = append(arrays, "$"+strconv.Itoa(i+3)+"::"+arrayType+"[]")
		value := "e." + c.name
		if c.sqlType == "json" {
			value += "::json"
		}
		values = append(values, value)
	}
	list := strings.Join(names, ", ")
	return `-- name: AppendEntries :execrows
with place as (
  update intake set last_seq = last_seq + $1, last_at = greatest(last_at, $2) returning last_seq - $1 as base, last_at
)
insert into entries (seq, ingested_at, ` + list + `)
select place.base + e.n, place.last_at, ` + strings.Join(values, ", ") + `
from place, unnest(` + strings.Join(arrays, ", ") + `) with ordinality as e(` + list + `, n)
order by e.n
on conflict do nothing`
}()

// Append implements auditlog.Store.
func (s *Store) Append(ctx context.Context, entries []auditlog.Entry, now time.Time) (int, error) {
	args := []any{len(entries), now.UTC().Truncate(time.Millisecond)}
	for _, c := range columns {
		args = append(args, array(c, entries))
	}
	var stored int64
	err := pgkit.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "set local postern.intake = 'on'"); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, appendSQL, args...)
		stored = done.RowsAffected()
		return err
	})
	return int(stored), pgkit.Error(err, nil)
}

func array(c column, entries []auditlog.Entry) any {
	switch c.sqlType {
	case "timestamptz":
		return collect[time.Time](c, entries)
	case "boolean":
		return collect[bool](c, entries)
	}
	return collect[*string](c, entries)
}

func collect[T any](c column, entries []auditlog.Entry) []T {
	out := make([]T, len(entries))
	for i := range entries {
		out[i], _ = c.value(&entries[i]).(T)
	}
	return out
}
