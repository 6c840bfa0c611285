package archtest_test

import (
	"slices"
	"strings"
	"testing"
)

// wall is a rule about imports: a package that matches from never imports one that matches never, save those in but.
//
// In a pattern "*" stands for one folder, "{a,b}" for one of some, and "..." at the end for everything below, the folder itself too.
type wall struct {
	from, never string
	but         []string
	outside     bool // the rule is about another service only; a service may see its own
	tests       bool // tests obey as well
	because     string
}

// The rooms of the domain, one a service (libs/*, the words, stand apart).
const domain = "services/*/internal/{route,tenant,client,user,token,auditlog,dashboard}"

// The doors by which a call comes in.
const doors = "services/*/internal/{httpapi,events,workflow,rpcapi}/..."

// words are the libs that the domain may know: vocabulary, of the standard library only.
var words = []string{"libs/oauth", "libs/issuer", "libs/tenancy", "libs/fault", "libs/clock", "libs/audit", "libs/lucene", "libs/x500"}

var walls = []wall{
	{from: domain, never: "github.com/gin-gonic/gin/...", because: "the domain has no transport; handlers live in httpapi"},
	{from: domain, never: "github.com/danielgtaylor/huma/...", because: "the domain has no transport; operations live in httpapi"},
	{from: domain, never: "net/http", because: "the domain speaks fault, not status codes"},
	{from: domain, never: "connectrpc.com/connect/...", because: "a neighbour is a port to the domain"},
	{from: domain, never: "google.golang.org/grpc/...", because: "a neighbour is a port to the domain"},
	{from: domain, never: "github.com/jackc/pgx/...", because: "SQL stays in store"},
	{from: domain, never: "database/sql/...", because: "SQL stays in store"},
	{from: domain, never: "github.com/nats-io/...", because: "messaging stays in events"},
	{from: domain, never: "go.temporal.io/...", because: "workflows call the domain, not the other way round"},
	{from: domain, never: "github.com/hashicorp/vault/...", because: "keys are a port; the adapter knows Vault"},
	{from: domain, never: "github.com/aws/...", because: "archives are a port; the adapter knows S3"},
	{from: domain, never: "libs/...", but: words, because: "the domain knows words, not kits or wire types"},
	{from: domain, never: "services/*/internal/{httpapi,store,events,workflow}/...", because: "the domain asks by its ports; rooms fill them"},

	{from: doors, never: "services/*/internal/store/...", because: "a door calls a verb of the domain; only wiring knows what keeps the rows"},
	{from: "services/*/internal/store/...", never: "services/*/internal/{httpapi,events,workflow,rpcapi,pages}/...", because: "an adapter fills a port of the domain and knows no door"},
	{from: "services/*/internal/store/...", never: "github.com/gin-gonic/gin/...", because: "an adapter knows no transport"},
	{
		from: "services/...", never: "services/*/internal/store/sqlcgen/...", but: []string{"services/*/internal/store"},
		because: "generated rows are the store's own; all others see domain values",
	},

	{from: "services/...", never: "services/...", outside: true, tests: true, because: "a neighbour is known by libs/api and its events"},
	{from: "services/...", never: "{tools,deploy}/...", tests: true, because: "what ships does not know what builds or runs it"},
	{from: "libs/...", never: "{services,tools,deploy}/...", tests: true, because: "libs are the middle of the star"},
	{from: "libs/{oauth,issuer,tenancy,fault,clock,audit,lucene,x500}", never: "*.*/...", because: "words are of the standard library only"},
	{from: "libs/{oauth,issuer,fault,clock,audit,lucene,x500}", never: "libs/...", because: "words are of the standard library only"},
	{from: "libs/tenancy", never: "libs/...", but: words, because: "words know words at most"},
	{from: "libs/egress", never: "libs/...", but: words, because: "what fetches from strangers shares nothing with what knows our secrets"},
	{from: "libs/api/...", never: "libs/...", but: append([]string{"libs/api/..."}, words...), because: "a contract drags no kit into its callers"},
	{from: "tools/...", never: "services/...", tests: true, because: "tools meet a service at its public face, as a customer does"},
	{from: "{services,libs,deploy,tools/cli}/...", never: "github.com/hashicorp/vault", tests: true, because: "Vault's licence allows its server in the dev cloud, not in the product"},
	{from: "{services,libs,deploy,tools/cli}/...", never: "go.temporal.io/server/...", tests: true, because: "engines are compiled into the dev cloud alone"},
	{from: "{services,libs,deploy,tools/cli}/...", never: "github.com/nats-io/nats-server/...", tests: true, because: "engines are compiled into the dev cloud alone"},
}

func TestWalls(t *testing.T) {
	t.Parallel()
	all := packages(t)
	for _, w := range walls {
		t.Run(strings.NewReplacer("/", "_", " ", "").Replace(w.from+" never "+w.never), func(t *testing.T) {
			t.Parallel()
			for _, p := range all {
				if !matches(w.from, p.ImportPath) {
					continue
				}
				imports := p.Imports
				if w.tests {
					imports = slices.Concat(imports, p.TestImports, p.XTestImports)
				}
				for _, imported := range imports {
					if w.forbids(p.ImportPath, imported) {
						t.Errorf("%s imports %s: %s", p.ImportPath, imported, w.because)
					}
				}
			}
		})
	}
}

func (w wall) forbids(from, imported string) bool {
	if !matches(w.never, imported) {
		return false
	}
	if w.outside && service(from) == service(imported) {
		return false
	}
	// What but names may be imported or, for the rule about sqlcgen, may import.
	return !slices.ContainsFunc(w.but, func(pattern string) bool { return matches(pattern, imported) || matches(pattern, from) })
}

// service is the first two folders of a name: "services/token".
func service(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return name
	}
	return parts[0] + "/" + parts[1]
}

// matches compares a name with a pattern, folder by folder.
func matches(pattern, name string) bool {
	for _, p := range expand(pattern) {
		if matchFolders(strings.Split(p, "/"), strings.Split(name, "/")) {
			return true
		}
	}
	return false
}

func matchFolders(pattern, name []string) bool {
	for i, p := range pattern {
		switch {
		case p == "...":
			return true
		case i >= len(name):
			return false
		case p == "*.*":
			if !strings.Contains(name[i], ".") { // a host: not the standard library
				return false
			}
		case p != "*" && p != name[i]:
			return false
		}
	}
	return len(pattern) == len(name)
}

// expand writes out the first {a,b} of a pattern, and so on.
func expand(pattern string) []string {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return []string{pattern}
	}
	choices, after, _ := strings.Cut(rest, "}")
	var out []string
	for choice := range strings.SplitSeq(choices, ",") {
		out = append(out, expand(before+choice+after)...)
	}
	return out
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{domain, "services/token/internal/token", true},
		{domain, "services/token/internal/tokens", false},
		{domain, "services/token/internal/token/below", false},
		{"services/*/internal/store/...", "services/user/internal/store", true},
		{"services/*/internal/store/...", "services/user/internal/store/sqlcgen", true},
		{"services/...", "services/user", true},
		{"github.com/jackc/pgx/...", "github.com/jackc/pgx/v5/pgxpool", true},
		{"github.com/hashicorp/vault", "github.com/hashicorp/vault/api", false},
		{"*.*/...", "github.com/x/y", true},
		{"*.*/...", "net/http", false},
	} {
		if got := matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("matches(%q, %q) = %t", tt.pattern, tt.name, got)
		}
	}
}

func TestWall_Forbids(t *testing.T) {
	t.Parallel()
	neighbours := wall{never: "services/...", outside: true}
	if neighbours.forbids("services/token", "services/token/internal/store") {
		t.Error("a service may see its own rooms")
	}
	if !neighbours.forbids("services/token/internal/httpapi", "services/user") {
		t.Error("a service may not see a neighbour")
	}
}
