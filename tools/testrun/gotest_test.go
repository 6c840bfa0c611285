package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module of its own and gives the run of its tests.
func module(t *testing.T, files map[string]string) invocation {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return invocation{title: unit, dir: dir, args: []string{"./..."}, env: []string{"GOWORK=off", "GOFLAGS=-mod=mod"}}
}

func runModule(t *testing.T, files map[string]string) (tally, string) {
	t.Helper()
	var out strings.Builder
	sum, err := module(t, files).run(t.Context(), os.Environ(), &out)
	if err != nil {
		t.Fatal(err)
	}
	return sum, out.String()
}

func TestInvocation_Run(t *testing.T) {
	t.Parallel()
	t.Run("counts_a_test_with_subtests_as_those", func(t *testing.T) {
		t.Parallel()
		sum, out := runModule(t, map[string]string{"a/a_test.go": `package a
import "testing"
func TestPlain(t *testing.T) {}
func TestTable(t *testing.T) {
	t.Run("one", func(t *testing.T) {})
	t.Run("two", func(t *testing.T) { t.Error("two is wrong") })
}
`})
		if got := sum.String(); got != "2 passed, 1 failed" {
			t.Errorf("got %q in\n%s", got, out)
		}
		if !strings.Contains(out, "two is wrong") {
			t.Errorf("the failed test's words are missing in\n%s", out)
		}
	})
	t.Run("a_package_that_does_not_build_is_one_failure", func(t *testing.T) {
		t.Parallel()
		sum, out := runModule(t, map[string]string{
			"good/good_test.go": "package good\nimport \"testing\"\nfunc TestGood(t *testing.T) {}\n",
			"bad/bad_test.go":   "package bad\nimport \"testing\"\nfunc TestBad(t *testing.T) { missing() }\n",
		})
		if got := sum.String(); got != "1 passed, 1 failed" {
			t.Errorf("got %q in\n%s", got, out)
		}
		if !strings.Contains(out, "undefined: missing") {
			t.Errorf("the compiler's words are missing in\n%s", out)
		}
	})
	t.Run("a_panic_is_a_failure_and_is_shown", func(t *testing.T) {
		t.Parallel()
		sum, out := runModule(t, map[string]string{
			"a/a_test.go": "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { panic(\"out of luck\") }\n",
		})
		if sum.failed == 0 || !strings.Contains(out, "out of luck") {
			t.Errorf("got %q in\n%s", sum, out)
		}
	})
	t.Run("a_process_that_exits_is_a_failure", func(t *testing.T) {
		t.Parallel()
		sum, out := runModule(t, map[string]string{
			"a/a_test.go": "package a\nimport (\"os\"; \"testing\")\nfunc TestMain(m *testing.M) { println(\"no database\"); os.Exit(3) }\n",
		})
		if sum.failed == 0 || !strings.Contains(out, "no database") {
			t.Errorf("got %q in\n%s", sum, out)
		}
	})
}
