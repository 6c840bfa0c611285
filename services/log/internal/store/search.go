package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store/sqlcgen"
)

// sortable are the fields that searches sort by.
var sortable = map[string]string{
	"": "date", "date": "date", "log_id": "seq", "_id": "seq", "type": "type", "client_id": "client_id", "client_name": "client_name",
	"connection": "connection", "connection_id": "connection_id", "description": "description", "hostname": "hostname", "ip": "ip",
	"strategy": "strategy", "strategy_type": "strategy_type", "user_agent": "user_agent", "user_id": "user_id", "user_name": "user_name",
}

// Search implements auditlog.Store.
func (s *Store) Search(ctx context.Context, tenant tenancy.ID, q auditlog.Query) ([]auditlog.Entry, error) {
	field, ok := sortable[q.Sort]
	if !ok {
		return nil, fault.Invalid("invalid_query_string", fmt.Sprintf("Query validation error: 'Logs cannot be sorted by %q' on property sort.", q.Sort))
	}
	where := compiler{args: []any{string(tenant)}}
	condition := "tenant_id = $1"
	if q.UserID != "" {
		condition += " and user_id = " + where.arg(q.UserID)
	}
	if q.UsersOnly {
		condition += " and user_id is not null"
	}
	if q.Where != nil {
		condition += " and " + where.node(q.Where)
	}
	direction := "desc"
	if q.Ascending {
		direction = "asc"
	}
	order := field + " " + direction
	if field != "date" && field != "seq" {
		order += " nulls last, date " + direction
	}
	limit, offset := where.arg(q.Limit), where.arg(q.Offset)
	statement := fmt.Sprintf("select seq, date from entries where %s order by %s, seq %s limit %s offset %s", condition, order, direction, limit, offset)
	var out []auditlog.Entry
	err := s.read(ctx, tenant, func(tx pgx.Tx, queries *sqlcgen.Queries) error {
		rows, err := tx.Query(ctx, statement, where.args...)
		if err != nil {
			return err
		}
		var seqs []int64
		var seq int64
		var date, oldest, newest time.Time
		_, err = pgx.ForEachRow(rows, []any{&seq, &date}, func() error {
			if len(seqs) == 0 || date.Before(oldest) {
				oldest = date
			}
			if date.After(newest) {
				newest = date
			}
			seqs = append(seqs, seq)
			return nil
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		found, err := queries.ListBySeq(ctx, sqlcgen.ListBySeqParams{TenantID: string(tenant), Seqs: seqs, Oldest: oldest, Newest: newest})
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b sqlcgen.Entry) int { return slices.Index(seqs, a.Seq) - slices.Index(seqs, b.Seq) })
		out = toEntries(found)
		return nil
	})
	return out, err
}

// compiler turns a query into SQL whose values are all arguments: nothing the caller wrote becomes part of the statement.
type compiler struct{ args []any }

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// never is the condition of what is answered with nothing: a field that is not searched, a value that is not of the field's type.
const never = "false"

func (c *compiler) node(n lucene.Node) string {
	switch n := n.(type) {
	case lucene.And:
		return c.join(n, " and ")
	case lucene.Or:
		return c.join(n, " or ")
	case lucene.Not:
		return "(" + c.node(n.Node) + ") is not true"
	case lucene.Term:
		return c.term(n)
	case lucene.Range:
		return c.between(n)
	case lucene.Exists:
		if texts[n.Field] {
			return n.Field + " is not null"
		}
		return pick(n.Field == "date" || n.Field == "log_id", "true", never)
	}
	return never
}

func (c *compiler) join(parts []lucene.Node, operator string) string {
	conditions := make([]string, len(parts))
	for i, part := range parts {
		conditions[i] = c.node(part)
	}
	return "(" + strings.Join(conditions, operator) + ")"
}

// texts are the searched fields that are texts; each is a column of its own name. They are compared as they are, case and all.
var texts = map[string]bool{
	"client_id": true, "client_name": true, "connection": true, "connection_id": true, "description": true, "hostname": true, "ip": true,
	"strategy": true, "strategy_type": true, "type": true, "user_agent": true, "user_id": true, "user_name": true,
}

// bare are the fields that a term without a field is looked for in.
var bare = []string{"client_name", "connection", "description", "ip", "log_id", "type", "user_name"}

func (c *compiler) term(t lucene.Term) string {
	switch {
	case t.Field == "":
		parts := make([]string, len(bare))
		for i, field := range bare {
			parts[i] = c.term(lucene.Term{Field: field, Value: t.Value, Wild: t.Wild})
		}
		return "(" + strings.Join(parts, " or ") + ")"
	case texts[t.Field]:
		return c.text(t.Field, t)
	case t.Field == "log_id" || t.Field == "_id":
		seq, ok := auditlog.ID(t.Value).Seq()
		if !ok {
			return never
		}
		return "seq = " + c.arg(seq)
	case t.Field == "date":
		from, to, ok := instant(t.Value)
		if !ok {
			return never
		}
		return "(date >= " + c.arg(from) + " and date < " + c.arg(to) + ")"
	}
	return never
}

// top sorts behind every text that starts like it, in the byte order of collation C.
const top = "\U0010FFFF"

// text compares a column. A value that ends in its only star becomes a range, which uses the index where LIKE, not being leakproof,
// would not under row-level security.
func (c *compiler) text(column string, t lucene.Term) string {
	if !t.Wild {
		return column + " = " + c.arg(t.Value)
	}
	prefix, rest, _ := strings.Cut(t.Value, string(lucene.Star))
	switch {
	case rest == "" && prefix == "":
		return column + " is not null"
	case rest == "":
		return fmt.Sprintf(`(%[1]s collate "C" >= %[2]s and %[1]s collate "C" < %[3]s)`, column, c.arg(prefix), c.arg(prefix+top))
	}
	pattern := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, string(lucene.Star), "%").Replace(t.Value)
	return column + " like " + c.arg(pattern)
}

func (c *compiler) between(r lucene.Range) string {
	column := r.Field
	convert := func(s string) (any, bool) { return s, true }
	switch {
	case r.Field == "date":
		convert = func(s string) (any, bool) { from, _, ok := instant(s); return from, ok }
	case r.Field == "log_id" || r.Field == "_id":
		column = "seq"
		convert = func(s string) (any, bool) { return auditlog.ID(s).Seq() }
	case texts[r.Field]:
		column += ` collate "C"`
	default:
		return never
	}
	conditions, kept := []string{column + " is not null"}, len(c.args)
	for _, b := range []struct{ text, operator string }{{r.From, pick(r.FromOpen, ">", ">=")}, {r.To, pick(r.ToOpen, "<", "<=")}} {
		if b.text == "" {
			continue
		}
		value, ok := convert(b.text)
		if r.Field == "date" && b.operator == "<=" { // "TO 2026-03-01]" is up to the end of that day
			var to time.Time
			_, to, ok = instant(b.text)
			value, b.operator = to, "<"
		}
		if !ok {
			c.args = c.args[:kept] // an argument that no condition names has no type
			return never
		}
		conditions = append(conditions, column+" "+b.operator+" "+c.arg(value))
	}
	return "(" + strings.Join(conditions, " and ") + ")"
}

func pick(open bool, yes, no string) string {
	if open {
		return yes
	}
	return no
}

// instant reads a time and says how far what was written reaches: "2026-03" is a month.
func instant(s string) (from, to time.Time, ok bool) {
	for _, form := range []struct {
		layout string
		next   func(time.Time) time.Time
	}{
		{time.RFC3339Nano, func(t time.Time) time.Time { return t.Add(time.Millisecond) }},
		{"2006-01-02T15:04:05.999", func(t time.Time) time.Time { return t.Add(time.Millisecond) }},
		{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
		{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	} {
		if t, err := time.Parse(form.layout, s); err == nil {
			return t.UTC(), form.next(t).UTC(), true
		}
	}
	return time.Time{}, time.Time{}, false
}
