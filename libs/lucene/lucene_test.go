package lucene_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/lucene"
)

const star = string(lucene.Star)

func TestParse(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]lucene.Node{
		"":                       nil,
		"  ":                     nil,
		`email:"a@b.test"`:       lucene.Term{Field: "email", Value: "a@b.test"},
		`email:a@b.test`:         lucene.Term{Field: "email", Value: "a@b.test"},
		`user_id:"auth0|1"`:      lucene.Term{Field: "user_id", Value: "auth0|1"},
		`name:jo*`:               lucene.Term{Field: "name", Value: "jo" + star, Wild: true},
		`name:"jo*"`:             lucene.Term{Field: "name", Value: "jo*"},
		`name:jo\*`:              lucene.Term{Field: "name", Value: "jo*"},
		`name:"a \"b\" \\"`:      lucene.Term{Field: "name", Value: `a "b" \`},
		`bare`:                   lucene.Term{Value: "bare"},
		`_exists_:email`:         lucene.Exists{Field: "email"},
		`NOT a:1`:                lucene.Not{Node: lucene.Term{Field: "a", Value: "1"}},
		`-a:1`:                   lucene.Not{Node: lucene.Term{Field: "a", Value: "1"}},
		`a:1 b:2`:                lucene.And{lucene.Term{Field: "a", Value: "1"}, lucene.Term{Field: "b", Value: "2"}},
		`a:1 AND b:2 OR c:3`:     lucene.Or{lucene.And{lucene.Term{Field: "a", Value: "1"}, lucene.Term{Field: "b", Value: "2"}}, lucene.Term{Field: "c", Value: "3"}},
		`a:(1 OR 2)`:             lucene.Or{lucene.Term{Field: "a", Value: "1"}, lucene.Term{Field: "a", Value: "2"}},
		`(a:1 OR b:2) AND c:3`:   lucene.And{lucene.Or{lucene.Term{Field: "a", Value: "1"}, lucene.Term{Field: "b", Value: "2"}}, lucene.Term{Field: "c", Value: "3"}},
		`date:[2026-01-01 TO *]`: lucene.Range{Field: "date", From: "2026-01-01"},
		`date:{2026-01-01T10:00:00Z TO 2026-02-01}`: lucene.Range{
			Field: "date", From: "2026-01-01T10:00:00Z", To: "2026-02-01", FromOpen: true, ToOpen: true,
		},
		`ip:2001:db8::1`: lucene.Term{Field: "ip", Value: "2001:db8::1"},
		`type:-x`:        lucene.Term{Field: "type", Value: "-x"},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			got, err := lucene.Parse(query)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestParse_refuses_what_is_no_query(t *testing.T) {
	t.Parallel()
	deep := ""
	for range 100 {
		deep += "("
	}
	many := ""
	for range 200 {
		many += "a:1 "
	}
	nots := ""
	for range 100_000 {
		nots += "!"
	}
	for _, query := range []string{`"open`, `a:`, `(a:1`, `a:1)`, `a:[1 TO`, `a:[1]`, `AND`, `a:1 AND`, `NOT`, `:x`, "a\x00", "\"\x00\"", deep, many, nots} {
		_, err := lucene.Parse(query)
		var syntax *lucene.SyntaxError
		require.ErrorAs(t, err, &syntax, "%.20s", query)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`a:"b" AND (c:d* OR NOT e:[1 TO 2}) -x`, `_exists_:a`, `\`, `a:\`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, query string) {
		_, _ = lucene.Parse(query) // must end, and not panic
	})
}
