package main

import (
	"fmt"
	"io"
)

// tally counts tests; a test with subtests counts as those.
type tally struct {
	passed, failed  int
	failures, skips []string
}

func (t *tally) fail(name string) {
	t.failed++
	t.failures = append(t.failures, name)
}

func (t *tally) skip(name string) { t.skips = append(t.skips, name) }

func (t *tally) add(o tally) {
	t.passed += o.passed
	t.failed += o.failed
	t.failures = append(t.failures, o.failures...)
	t.skips = append(t.skips, o.skips...)
}

// String is the line that closes a run.
func (t tally) String() string {
	line := fmt.Sprintf("%d passed, %d failed", t.passed, t.failed)
	if len(t.skips) > 0 {
		line += fmt.Sprintf(", %d skipped", len(t.skips))
	}
	return line
}

// report names what failed once more, where the eye ends, and closes with the line.
func (t tally) report(out io.Writer) {
	for _, name := range t.failures {
		fmt.Fprintln(out, "failed:", name)
	}
	fmt.Fprintln(out, t)
}
