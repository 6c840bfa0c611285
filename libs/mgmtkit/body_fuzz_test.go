package mgmtkit_test

import (
	"encoding/json"
	"strings"
	"testing"

	strict "github.com/go-jose/go-jose/v4/json" // refuses names that stand there twice, in its own way

	"github.com/postern-id/postern/libs/mgmtkit"
)

// FuzzRefuseTwice looks for a body that has a property twice and is taken, and for one that has none twice and is refused.
func FuzzRefuseTwice(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1},"c":{"b":1}}`, `{"a":[{"b":1},{"b":1}]}`, `[{"a":1,"b":{"a":1},"a":2}]`, `{"a":"a","b":"a"}`, `{"":1,"":2}`,
		`{"a":[],"b":{},"a":null}`, `"a"`, `7`, `{"\ud800":1,"\udfff":2}`, "{\"\xff\":1,\"\xfe\":2}", strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100), `{"a":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var plain, once any
		if json.Unmarshal(body, &plain) != nil {
			return // refused before
		}
		refused := mgmtkit.RefuseTwiceForTest(body)
		if err := strict.Unmarshal(body, &once); (err != nil) != (refused != nil) {
			t.Fatalf("%q: %v, and to another parser: %v", body, refused, err)
		}
	})
}
