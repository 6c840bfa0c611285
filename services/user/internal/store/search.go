package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/user/internal/user"
)

// lastLogin is the column that moves with each login, so that an index would cost more there than it gives. Its day has one.
const (
	lastLogin    = "last_login"
	lastLoginDay = "last_login_day"
)

// sortable are the fields that searches sort by, and their columns.
var sortable = map[string]string{
	"": "created_at", "created_at": "created_at", "updated_at": "updated_at", "last_login": lastLogin, "logins_count": "logins_count",
	"email": "email", "user_id": "id", "name": "name_key", "given_name": "given_name_key", "family_name": "family_name_key",
	"nickname": "nickname_key", "username": "username", "email_verified": "email_verified", "blocked": "blocked", "last_ip": "last_ip",
}

// Search implements user.Store.
func (s *Store) Search(ctx context.Context, tenant tenancy.ID, q user.Query) ([]user.User, int, error) {
	column, ok := sortable[q.Sort]
	if !ok {
		return nil, 0, fault.Invalid("invalid_query_string", fmt.Sprintf("Query validation error: 'Users cannot be sorted by %q' on property sort.", q.Sort))
	}
	where := compiler{args: []any{string(tenant)}}
	condition := "tenant_id = $1"
	if q.Where != nil {
		condition += " and " + where.node(q.Where)
	}
	if q.Connection != "" {
		condition += " and " + where.identity("connection", lucene.Term{Value: q.Connection})
	}
	direction := "asc nulls last"
	if q.Descending {
		direction = "desc nulls last"
	}
	order := column + " " + direction
	if column == lastLogin { // the day has the index, and says nothing else about the order
		order = lastLoginDay + " " + direction + ", " + order
	}
	var users []user.User
	var total int
	err := s.read(ctx, tenant, func(tx pgx.Tx, queries *sqlcgen.Queries) error {
		if q.Total {
			if err := tx.QueryRow(ctx, "select count(*) from users where "+condition, where.args...).Scan(&total); err != nil {
				return err
			}
		}
		args := append(where.args, q.Limit, q.Offset) //nolint:gocritic // a longer slice for the second statement alone
		rows, err := tx.Query(ctx, fmt.Sprintf("select id from users where %s order by %s, id limit $%d offset $%d",
			condition, order, len(args)-1, len(args)), args...)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		found, err := queries.ListUsersByID(ctx, sqlcgen.ListUsersByIDParams{TenantID: string(tenant), Ids: ids})
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b sqlcgen.User) int { return slices.Index(ids, a.ID) - slices.Index(ids, b.ID) })
		users, err = wholes(ctx, queries, tenant, found)
		return err
	})
	return users, total, err
}

// compiler turns a query into SQL whose values are all arguments: nothing the caller wrote becomes part of the statement.
type compiler struct{ args []any }

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// never is the condition of what the wire answers with nothing: a field it does not know, a value that is not of the field's type.
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
		return c.exists(n)
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

// exact are text fields that are compared as they are, folded those in which case does not matter.
var (
	exact = map[string]string{
		"user_id": "id", "phone_number": "phone_number", "last_ip": "last_ip", "picture": "picture",
	}
	folded = map[string]string{
		"email": "email", "username": "username", "name": "name_key", "given_name": "given_name_key", "family_name": "family_name_key", "nickname": "nickname_key",
	}
	booleans = map[string]string{"email_verified": "email_verified", "phone_verified": "phone_verified", "blocked": "blocked"}
	times    = map[string]string{
		"created_at": "created_at", "updated_at": "updated_at", "last_login": lastLogin, "last_password_reset": "last_password_reset",
	}
	ofIdentity = map[string]string{
		"identities.connection": "connection", "identities.provider": "provider", "identities.user_id": "id",
	}
)

func (c *compiler) term(t lucene.Term) string {
	if t.Field == "" { // a bare term is looked for where people have names
		var parts []string
		for _, field := range []string{"email", "name", "nickname", "given_name", "family_name", "username"} {
			parts = append(parts, c.term(lucene.Term{Field: field, Value: t.Value, Wild: t.Wild}))
		}
		return "(" + strings.Join(parts, " or ") + ")"
	}
	if column, ok := exact[t.Field]; ok {
		return c.text(column, t)
	}
	if column, ok := folded[t.Field]; ok {
		t.Value = strings.ToLower(t.Value)
		return c.text(column, t)
	}
	if column, ok := ofIdentity[t.Field]; ok {
		return c.identity(column, t)
	}
	if column, ok := booleans[t.Field]; ok {
		value, err := strconv.ParseBool(t.Value)
		if err != nil {
			return never
		}
		return column + " = " + c.arg(value)
	}
	if column, ok := times[t.Field]; ok {
		from, to, ok := instant(t.Value)
		if !ok {
			return never
		}
		return "(" + c.compare(column, ">=", from) + " and " + c.compare(column, "<", to) + ")"
	}
	switch t.Field {
	case "logins_count":
		n, err := strconv.ParseInt(t.Value, 10, 64)
		if err != nil {
			return never
		}
		return "logins_count = " + c.arg(n)
	case "identities.isSocial":
		value, err := strconv.ParseBool(t.Value)
		if err != nil {
			return never
		}
		return "exists (select from identities i where i.tenant_id = users.tenant_id and i.user_id = users.id and i.is_social = " + c.arg(value) + ")"
	case "email.domain":
		return "split_part(email, '@', 2) = " + c.arg(strings.ToLower(t.Value))
	}
	if column, path, ok := metadataPath(t.Field); ok {
		return c.metadata(column, path, t)
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
		return column + " <> ''"
	case rest == "":
		return fmt.Sprintf(`(%[1]s >= %[2]s and %[1]s collate "C" < %[3]s)`, column+` collate "C"`, c.arg(prefix), c.arg(prefix+top))
	}
	return column + " like " + c.arg(likePattern(t.Value))
}

func likePattern(value string) string {
	return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, string(lucene.Star), "%").Replace(value)
}

func (c *compiler) identity(column string, t lucene.Term) string {
	return "exists (select from identities i where i.tenant_id = users.tenant_id and i.user_id = users.id and " + c.text("i."+column, t) + ")"
}

func metadataPath(field string) (column string, path []string, ok bool) {
	for _, column := range []string{"user_metadata", "app_metadata"} {
		if rest, found := strings.CutPrefix(field, column+"."); found && rest != "" {
			return column, strings.Split(rest, "."), true
		}
	}
	return "", nil, false
}

// metadata asks whether a value stands at a path, or is among those of an array there. Unquoted numbers and booleans are compared
// as what they are and as text.
func (c *compiler) metadata(column string, path []string, t lucene.Term) string {
	if t.Wild {
		return column + " #>> " + c.arg(path) + " like " + c.arg(likePattern(t.Value))
	}
	values := []any{t.Value}
	var scalar any
	if json.Unmarshal([]byte(t.Value), &scalar) == nil {
		switch scalar.(type) {
		case bool, float64:
			values = append(values, json.RawMessage(t.Value))
		}
	}
	var conditions []string
	for _, value := range values {
		for _, at := range []any{value, []any{value}} {
			tree := at
			for _, name := range slices.Backward(path) {
				tree = map[string]any{name: tree}
			}
			encoded, err := json.Marshal(tree)
			if err != nil {
				return never
			}
			conditions = append(conditions, column+" @> "+c.arg(string(encoded))+"::jsonb")
		}
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

func (c *compiler) between(r lucene.Range) string {
	bounds := func(column string, convert func(string) (any, bool)) string {
		conditions, kept := []string{column + " is not null"}, len(c.args)
		for _, b := range []struct{ text, operator string }{{r.From, pick(r.FromOpen, ">", ">=")}, {r.To, pick(r.ToOpen, "<", "<=")}} {
			if b.text == "" {
				continue
			}
			value, ok := convert(b.text)
			if !ok {
				c.args = c.args[:kept] // an argument that no condition names has no type
				return never
			}
			conditions = append(conditions, c.compare(column, b.operator, value))
		}
		return "(" + strings.Join(conditions, " and ") + ")"
	}
	if column, ok := times[r.Field]; ok {
		return bounds(column, func(s string) (any, bool) { from, _, ok := instant(s); return from, ok })
	}
	if r.Field == "logins_count" {
		return bounds("logins_count", func(s string) (any, bool) { n, err := strconv.ParseInt(s, 10, 64); return n, err == nil })
	}
	if column, ok := exact[r.Field]; ok {
		return bounds(column+` collate "C"`, func(s string) (any, bool) { return s, true })
	}
	if column, ok := folded[r.Field]; ok {
		return bounds(column+` collate "C"`, func(s string) (any, bool) { return strings.ToLower(s), true })
	}
	return never
}

// compare holds a column against a value by <, <=, > or >=: the last login by its day as well, which has the index.
func (c *compiler) compare(column, operator string, value any) string {
	arg := c.arg(value)
	condition := column + " " + operator + " " + arg
	if column == lastLogin {
		condition += " and " + lastLoginDay + " " + operator[:1] + "= (" + arg + "::timestamptz at time zone 'UTC')::date"
	}
	return condition
}

func (c *compiler) exists(e lucene.Exists) string {
	for _, columns := range []map[string]string{exact, folded} {
		if column, ok := columns[e.Field]; ok {
			return column + " <> ''"
		}
	}
	if column, ok := times[e.Field]; ok {
		return column + " is not null"
	}
	if column, ok := booleans[e.Field]; ok {
		return column + " is not null"
	}
	if column, path, ok := metadataPath(e.Field); ok {
		return column + " #> " + c.arg(path) + " is not null"
	}
	switch e.Field {
	case "logins_count":
		return "logins_count > 0"
	case "user_metadata", "app_metadata":
		return e.Field + " is not null"
	}
	return never
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
		{"2006-01-02T15:04:05", func(t time.Time) time.Time { return t.Add(time.Second) }},
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
