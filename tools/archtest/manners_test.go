package archtest_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A reader who opens a folder should learn in one comment what it owns and what it never does.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 && !allGenerated(t, p) {
			t.Errorf("%s has no package comment: say what it owns and what it never does", p.ImportPath)
		}
	}
}

// A domain type with a tag has started to be a row or a message; those live in store and httpapi.
func TestDomainTypesCarryNoTags(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if !matches(domain, p.ImportPath) {
			continue
		}
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatalf("parsing %s/%s: %v", p.ImportPath, name, err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				field, ok := n.(*ast.Field)
				if !ok || field.Tag == nil {
					return true
				}
				text, err := strconv.Unquote(field.Tag.Value)
				if err != nil {
					return true
				}
				for _, key := range []string{"db", "json", "form", "query", "path"} {
					if _, tagged := reflect.StructTag(text).Lookup(key); tagged {
						t.Errorf("%s/%s:%d: a %s tag on a domain type; translate at the wall (store, wire.go)",
							p.ImportPath, name, fset.Position(field.Pos()).Line, key)
					}
				}
				return true
			})
		}
	}
}

var (
	vetRule = regexp.MustCompile(`rule: "!query\.sql\.contains\('tenant_id'\)"`)
	vetUse  = regexp.MustCompile(`(?m)^ +rules: \[tenant\]$`)
)

// The rule runs by `make lint` (sqlc vet). A query that is no tenant's says so: -- @sqlc-vet-disable tenant. The schema of the
// control plane is exempt as a whole: accounts and operations stand above tenants.
func TestQueriesAreVetted(t *testing.T) {
	t.Parallel()
	configs, err := filepath.Glob(filepath.Join(root(t), "services", "*", "sqlc.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range configs {
		raw, err := os.ReadFile(path) //nolint:gosec // a file of this repository
		if err != nil {
			t.Fatal(err)
		}
		if !vetRule.Match(raw) || !vetUse.Match(raw) {
			t.Errorf("%s lacks the rule tenant, or does not use it: a query that forgets tenant_id would pass", path)
		}
	}
}

// unsaid are words that tie the project to one machine or to the means by which it was written.
var unsaid = []struct {
	what    *regexp.Regexp
	because string
}{
	{regexp.MustCompile(`(^|[\s"'=(:,\x60])/(wor` + `k|roo` + `t)/`), "a path of one machine means nothing on another"},
	{regexp.MustCompile(`(?i)proxy\.gol` + `ang\.org|registry\.npm` + `js\.org|deb\.deb` + `ian\.org|registry-1\.doc` + `ker\.io`), "the registry is the builder's choice"},
	{regexp.MustCompile(`(?i)\b(chat` + `gpt|cla` + `ude|large language mod` + `el)\b`), "the project speaks of itself alone"},
}

func TestWordsThatStayOut(t *testing.T) {
	t.Parallel()
	top := root(t)
	// What is committed or about to be.
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard") //nolint:noctx // a test's, at once
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing files: %v", err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
		raw, err := os.ReadFile(filepath.Join(top, name)) //nolint:gosec // a file of this repository
		if err != nil || bytes.IndexByte(raw, 0) >= 0 || filepath.Base(name) == "go.sum" {
			continue // removed but not yet committed, or not text
		}
		for i, line := range strings.Split(string(raw), "\n") {
			for _, u := range unsaid {
				if found := u.what.FindString(line); found != "" {
					t.Errorf("%s:%d says %q: %s", name, i+1, strings.TrimSpace(found), u.because)
				}
			}
		}
	}
}

var generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func allGenerated(t *testing.T, p pkg) bool {
	t.Helper()
	for _, name := range p.GoFiles {
		raw, err := os.ReadFile(filepath.Join(p.Dir, name)) //nolint:gosec // a file of this repository
		if err != nil {
			t.Fatal(err)
		}
		if !generatedMark.Match(raw) {
			return false
		}
	}
	return true
}
