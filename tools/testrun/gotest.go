package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// event is a line of "go test -json" (cmd/test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a package that does not build
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// beat is how long a run may be silent before it says that it is alive.
const beat = 30 * time.Second

// run prints a line a package, and everything that a failed test wrote. Failed tests are in the tally, not in the error.
func (i invocation) run(ctx context.Context, env []string, out io.Writer) (tally, error) {
	r, err := i.once(ctx, env, out)
	if err == nil && i.target != "" && r.outOfTime() {
		fmt.Fprintf(out, "== %s: go took the end of its time for a failure; once more\n", i.title)
		r, err = i.once(ctx, env, out)
	}
	return r.sum, err
}

func (i invocation) once(ctx context.Context, env []string, out io.Writer) (*reader, error) {
	fmt.Fprintf(out, "\n== %s: go test %s\n", i.title, strings.Join(i.args, " "))
	started := time.Now()
	watch := newHeartbeat(out, i.title)
	defer watch.stop()
	r := newReader(out, watch)
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, i.args...)...) //nolint:gosec // our own arguments
	cmd.Dir, cmd.Env = i.dir, append(env, i.env...)
	ownGroup(cmd)
	cmd.WaitDelay = 20 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return r, fmt.Errorf("starting go test: %w", err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return r, fmt.Errorf("starting go test: %w", err)
	}

	lines := bufio.NewScanner(stdout)
	lines.Buffer(make([]byte, 0, 64<<10), 16<<20)
	for lines.Scan() {
		r.read(lines.Bytes())
	}
	readErr := lines.Err()
	waitErr := cmd.Wait()

	if ctx.Err() != nil {
		return r, errors.New("interrupted")
	}
	if readErr != nil {
		return r, fmt.Errorf("reading go test: %w", readErr)
	}
	if waitErr != nil && r.sum.failed == 0 { // go itself stumbled: no such module, no network
		fmt.Fprint(out, stderr.String())
		r.sum.fail("go test " + i.title)
	}
	fmt.Fprintf(out, "== %s: %s in %s\n", i.title, r.sum, time.Since(started).Round(100*time.Millisecond))
	return r, nil
}

// reader folds the events of one run into a tally.
type reader struct {
	out    io.Writer
	watch  *heartbeat
	sum    tally
	builds map[string]*strings.Builder            // what the compiler said, by import path
	tests  map[string]map[string]*strings.Builder // what tests wrote, by package and test
	count  map[string]int                         // tests passed, by package
	failed map[string]bool                        // packages with a failed test
	parent map[string]bool                        // tests with subtests, which are counted instead
	blamed map[string]bool                        // tests that failed by a subtest of theirs
	said   []string                               // what failed tests wrote
}

func newReader(out io.Writer, watch *heartbeat) *reader {
	return &reader{
		out: out, watch: watch, builds: map[string]*strings.Builder{}, tests: map[string]map[string]*strings.Builder{},
		count: map[string]int{}, failed: map[string]bool{}, parent: map[string]bool{}, blamed: map[string]bool{},
	}
}

func (r *reader) read(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(r.out, "%s\n", line) // not test2json's: show it as it is
		return
	}
	switch e.Action {
	case "build-output":
		builder(r.builds, e.ImportPath).WriteString(e.Output)
	case "run":
		if up := strings.LastIndexByte(e.Test, '/'); up >= 0 {
			r.parent[e.Package+"\x00"+e.Test[:up]] = true
		}
		r.watch.now(e.Package + " " + e.Test)
	case "output":
		if r.tests[e.Package] == nil {
			r.tests[e.Package] = map[string]*strings.Builder{}
		}
		builder(r.tests[e.Package], e.Test).WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(e)
		}
	}
}

func (r *reader) endTest(e event) {
	text := ""
	if b := r.tests[e.Package][e.Test]; b != nil {
		text = b.String()
		delete(r.tests[e.Package], e.Test)
	}
	leaf := !r.parent[e.Package+"\x00"+e.Test]
	switch e.Action {
	case "pass":
		if leaf {
			r.sum.passed++
			r.count[e.Package]++
		}
	case "skip":
		r.sum.skip(short(e.Package) + " " + e.Test)
		fmt.Fprintf(r.out, "  SKIP %s %s\n%s", short(e.Package), e.Test, indent(text))
	case "fail":
		r.failed[e.Package] = true
		r.said = append(r.said, text)
		if up := strings.LastIndexByte(e.Test, '/'); up >= 0 {
			r.blamed[e.Package+"\x00"+e.Test[:up]] = true
		}
		if !r.blamed[e.Package+"\x00"+e.Test] {
			r.sum.fail(short(e.Package) + " " + e.Test)
		}
		if text := withoutFrames(text); text != "" || !r.blamed[e.Package+"\x00"+e.Test] {
			fmt.Fprintf(r.out, "  FAIL %s %s (%.1fs)\n%s", short(e.Package), e.Test, e.Elapsed, indent(text))
		}
	}
}

func (r *reader) endPackage(e event) {
	switch {
	case e.Action == "fail" && e.FailedBuild != "":
		fmt.Fprintf(r.out, "  FAIL %s does not build\n", short(e.Package))
		if b := r.builds[e.FailedBuild]; b != nil {
			fmt.Fprint(r.out, indent(b.String()))
			delete(r.builds, e.FailedBuild)
		}
		r.sum.fail(short(e.Package) + " (build)")
	case e.Action == "fail":
		// A panic, a time-out or a bad TestMain fails a package beside its tests, and takes the tests that ran with it.
		if !r.failed[e.Package] {
			r.sum.fail(short(e.Package))
			for test, b := range r.tests[e.Package] {
				fmt.Fprintf(r.out, "  in %s\n%s", strings.TrimSpace(short(e.Package)+" "+test), indent(b.String()))
			}
		}
		fmt.Fprintf(r.out, "  FAIL %-50s %4d passed %7.1fs\n", short(e.Package), r.count[e.Package], e.Elapsed)
	case e.Action == "pass" && r.count[e.Package] > 0:
		fmt.Fprintf(r.out, "  ok   %-50s %4d passed %7.1fs\n", short(e.Package), r.count[e.Package], e.Elapsed)
	}
	delete(r.tests, e.Package)
}

func builder(m map[string]*strings.Builder, key string) *strings.Builder {
	b := m[key]
	if b == nil {
		b = &strings.Builder{}
		m[key] = b
	}
	return b
}

// withoutFrames drops the lines by which the test runner says what it does, and keeps what the test said.
func withoutFrames(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if frame := strings.TrimSpace(line); !strings.HasPrefix(frame, "=== ") && !strings.HasPrefix(frame, "--- ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// short drops the prefix that all packages share.
func short(importPath string) string {
	return strings.TrimPrefix(importPath, "github.com/postern-id/postern/")
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("       " + line)
	}
	if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		b.WriteString("\n")
	}
	return b.String()
}

// heartbeat tells what runs when nothing has been printed for a while: first the compiler, then the last test begun.
type heartbeat struct {
	mu   sync.Mutex
	what string
	done chan struct{}
}

func newHeartbeat(out io.Writer, title string) *heartbeat {
	h := &heartbeat{what: "compiling", done: make(chan struct{})}
	started := time.Now()
	go func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-h.done:
				return
			case <-tick.C:
				h.mu.Lock()
				what := h.what
				h.mu.Unlock()
				fmt.Fprintf(out, "  ...  %s, %s: %s\n", title, time.Since(started).Round(time.Second), what)
			}
		}
	}()
	return h
}

func (h *heartbeat) now(what string) {
	h.mu.Lock()
	h.what = "last begun " + short(what)
	h.mu.Unlock()
}

func (h *heartbeat) stop() { close(h.done) }
