package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReader_OutOfTime(t *testing.T) {
	t.Parallel()
	const begun = "=== RUN   FuzzX\nfuzz: elapsed: 0s, gathering baseline coverage: 0/9 completed\nfuzz: elapsed: 2s, execs: 6617 (0/sec), new interesting: 0 (total: 9)\n--- FAIL: FuzzX (2.02s)\n"
	for name, row := range map[string]struct {
		said []string // by failed tests
		want bool
	}{
		"nothing_but_the_end_of_its_time":  {[]string{begun + "    context deadline exceeded\n"}, true},
		"nothing_at_all":                   {[]string{begun}, false},
		"no_test_failed":                   {nil, false},
		"a_finding":                        {[]string{begun + "    --- FAIL: FuzzX (0.00s)\n        x_test.go:7: wrong\n    \n    Failing input written to testdata/fuzz/FuzzX/0123\n    To re-run:\n    go test -run=FuzzX/0123\n"}, false},
		"a_finding_that_speaks_of_time":    {[]string{begun + "    x_test.go:7: context deadline exceeded\n"}, false},
		"a_finding_cut_short":              {[]string{begun + "    fuzz: minimizing 34-byte failing input file\n    context deadline exceeded\n"}, false},
		"a_finding_beside_it":              {[]string{begun + "    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzX/0123\n"}, false},
		"a_worker_that_died":               {[]string{begun + "    fuzzing process hung or terminated unexpectedly: exit status 2\n"}, false},
		"a_file_that_could_not_be_written": {[]string{begun + "    context deadline exceeded\n    open testdata/fuzz/FuzzX/0123: permission denied\n"}, false},
		"the_same_of_a_test_beside_it":     {[]string{begun + "    context deadline exceeded\n", "    x_test.go:9: wrong\n"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watch := newHeartbeat(&strings.Builder{}, fuzz)
			defer watch.stop()
			r := newReader(&strings.Builder{}, watch)
			for i, text := range row.said {
				test := "Fuzz" + string(rune('X'+i))
				for _, e := range []event{{Action: "output", Package: "m", Test: test, Output: text}, {Action: "fail", Package: "m", Test: test}} {
					line, err := json.Marshal(e)
					if err != nil {
						t.Fatal(err)
					}
					r.read(line)
				}
			}
			if got := r.outOfTime(); got != row.want {
				t.Errorf("got %t of %q", got, row.said)
			}
		})
	}
}

// fallible is a module whose target fails in as many of its first runs as the file says, in the given words.
func fallible(t *testing.T, words, times string) invocation {
	t.Helper()
	i := module(t, map[string]string{"m_test.go": `package m
import ("fmt"; "os"; "strings"; "testing")
func TestMain(m *testing.M) {
	left, _ := os.ReadFile("left")
	if len(left) == 0 { os.Exit(m.Run()) }
	_ = os.WriteFile("left", left[1:], 0o600)
	fmt.Print(strings.ReplaceAll("~=== RUN   FuzzX\nfuzz: elapsed: 2s, execs: 6617 (0/sec)\n~--- FAIL: FuzzX (2.02s)\n    ` + words + `\n~FAIL\n", "~", "\x16"))
	os.Exit(1)
}
func FuzzX(f *testing.F) { f.Fuzz(func(*testing.T, string) {}) }
`})
	i.target, i.args = "FuzzX", []string{"-count=1", "."}
	if err := os.WriteFile(filepath.Join(i.dir, "left"), []byte(times), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestInvocation_Run_of_a_target_that_ran_out_of_time(t *testing.T) {
	t.Parallel()
	const late = "context deadline exceeded"
	for name, row := range map[string]struct {
		words, times, want string
		runs               int
		tests              bool // what runs is no target
	}{
		"is_tried_again":               {words: late, times: "x", want: "1 passed, 0 failed", runs: 2},
		"is_tried_again_once":          {words: late, times: "xx", want: "0 passed, 1 failed", runs: 2},
		"unlike_one_that_found":        {words: "m_test.go:3: wrong", times: "x", want: "0 passed, 1 failed", runs: 1},
		"unlike_a_test_with_that_word": {words: late, times: "x", want: "0 passed, 1 failed", runs: 1, tests: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := fallible(t, row.words, row.times)
			if row.tests {
				i.target = ""
			}
			var out strings.Builder
			sum, err := i.run(t.Context(), os.Environ(), &out)
			if err != nil {
				t.Fatal(err)
			}
			if got, runs := sum.String(), strings.Count(out.String(), ": go test "); got != row.want || runs != row.runs {
				t.Errorf("got %q in %d runs, want %q in %d:\n%s", got, runs, row.want, row.runs, &out)
			}
		})
	}
}
