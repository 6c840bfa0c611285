package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// fuzzTime is how long each target is tried. Longer runs are for people: go test -fuzz.
const fuzzTime = "2s"

// fuzzTarget is how a target begins in a file that gofmt has seen.
var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// fuzzing gives a run for each fuzz target of the modules, since go fuzzes one at a time. Targets are found by their name in the test
// files that are built without a tag. What a target finds is written beside it, into testdata/fuzz, and belongs into the repository: from
// then on it is a seed that the unit tests try.
func fuzzing(root string, modules []string) []invocation {
	var runs []invocation
	for _, m := range modules {
		walkTests(filepath.Join(root, m), func(path string) {
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil || builtUnder(path, integration) || builtUnder(path, e2e) {
				return
			}
			for _, target := range fuzzTargets(path) {
				runs = append(runs, invocation{
					title: fuzz + " " + filepath.ToSlash(dir) + " " + target, dir: root, target: target,
					args: []string{"-run=^$", "-fuzz=^" + target + "$", "-fuzztime=" + fuzzTime, "./" + filepath.ToSlash(dir)},
				})
			}
		})
	}
	return runs
}

// fuzzTargets gives the names of the targets in a file.
func fuzzTargets(path string) []string {
	raw, err := os.ReadFile(path) //nolint:gosec // a file of this repository
	if err != nil {
		return nil
	}
	var names []string
	for _, match := range fuzzTarget.FindAllSubmatch(raw, -1) {
		names = append(names, string(match[1]))
	}
	slices.Sort(names)
	return names
}

// outOfTime reports a target whose time was over, and that failed by nothing else. Go before 1.27 takes that for a failure when the end
// comes to its coordinator before it comes to the workers, as happens on a busy machine (go.dev/issue/75804). Whatever was found by then
// has been written down, and is a seed of the next run.
func (r *reader) outOfTime() bool {
	if r.sum.failed != 1 || len(r.said) != 1 {
		return false
	}
	over := false
	for line := range strings.Lines(withoutFrames(r.said[0])) {
		switch line = strings.TrimSpace(line); {
		case line == context.DeadlineExceeded.Error() && !over:
			over = true
		case line != "" && !strings.HasPrefix(line, "fuzz: elapsed: "):
			return false
		}
	}
	return over
}
