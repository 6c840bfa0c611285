package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The stages. A test belongs to one by its build tag: none, integration (wants the dev cloud's engines), e2e (wants its public face).
// Fuzz targets are tests without a tag, which try their seeds; the stage of their name has each look for more for a few seconds.
const (
	unit        = "unit"
	fuzz        = "fuzz"
	integration = "integration"
	e2e         = "e2e"
)

// Modules that go.work leaves out, and that have tests of their own. The dev cloud's wait for the integration stage, which needs its
// engines compiled anyway: minutes that "make unit" should not cost.
const (
	toolsModule    = "tools"
	devcloudModule = "tools/devcloud"
)

// e2eModule drives stock clients and a browser; it has no other tests.
const e2eModule = "tools/e2e"

// samplesFolder has applications in JavaScript, which the tests of e2eModule use.
const samplesFolder = "tools/samples"

// invocation is one run of "go test".
type invocation struct {
	title string
	dir   string
	args  []string
	env   []string
	// target is what it fuzzes; empty: it runs tests.
	target string
}

// plan turns a stage into its runs. Modules of the workspace share one run, so that go fills the cores.
func plan(stage, root string, modules []string) []invocation {
	switch stage {
	case unit:
		return []invocation{
			{title: unit, dir: root, args: patterns(modules)},
			{title: unit + " " + toolsModule, dir: filepath.Join(root, toolsModule), args: []string{"./..."}, env: []string{"GOWORK=off"}},
		}
	case fuzz:
		return fuzzing(root, modules)
	case integration:
		// Only packages that have such a test: the others would run their unit tests again.
		var packages []string
		for _, m := range modules {
			packages = append(packages, taggedPackages(root, m, integration)...)
		}
		var runs []invocation
		if len(packages) > 0 {
			runs = append(runs, invocation{
				title: integration, dir: root, args: append([]string{"-count=1", "-timeout=15m", "-tags=" + integration}, packages...),
			})
		}
		if dir := filepath.Join(root, devcloudModule); hasTests(dir) {
			runs = append(runs, invocation{
				title: integration + " " + devcloudModule, dir: dir,
				args: []string{"-timeout=20m", "-tags=" + integration, "./..."}, env: []string{"GOWORK=off"},
			})
		}
		return runs
	default:
		return []invocation{{
			title: e2e, dir: filepath.Join(root, e2eModule),
			args: []string{"-count=1", "-p=1", "-timeout=40m", "-tags=" + e2e + "," + integration, "./..."},
		}}
	}
}

func patterns(modules []string) []string {
	out := make([]string, 0, len(modules))
	for _, m := range modules {
		if m != e2eModule {
			out = append(out, "./"+m+"/...")
		}
	}
	return out
}

// findModules lists the folders that go.work uses.
func findModules(ctx context.Context, root string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "work", "edit", "-json")
	cmd.Dir = root
	raw, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("reading go.work: %w", err)
	}
	var work struct {
		Use []struct{ DiskPath string }
	}
	if err := json.Unmarshal(raw, &work); err != nil {
		return nil, fmt.Errorf("reading go.work: %w", err)
	}
	modules := make([]string, 0, len(work.Use))
	for _, use := range work.Use {
		modules = append(modules, strings.TrimPrefix(filepath.ToSlash(use.DiskPath), "./"))
	}
	return modules, nil
}

// taggedPackages lists the folders of a module, as patterns relative to root, that hold a test file built under tag.
func taggedPackages(root, module, tag string) []string {
	if module == e2eModule {
		return nil
	}
	seen := map[string]bool{}
	var out []string
	walkTests(filepath.Join(root, module), func(path string) {
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil || seen[dir] || !builtUnder(path, tag) {
			return
		}
		seen[dir] = true
		out = append(out, "./"+filepath.ToSlash(dir))
	})
	return out
}

func hasTests(dir string) bool {
	found := false
	walkTests(dir, func(string) { found = true })
	return found
}

// walkTests visits the test files of the module at dir, not those of modules below it.
func walkTests(dir string, visit func(path string)) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { // a folder that is not there has no tests
		if err != nil {
			return fs.SkipAll
		}
		if entry.IsDir() && path != dir {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil || entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") {
			visit(path)
		}
		return nil
	})
}

// builtUnder says whether the file's build line names tag.
func builtUnder(path, tag string) bool {
	raw, err := os.ReadFile(path) //nolint:gosec // a file of this repository
	if err != nil {
		return false
	}
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return bytes.HasPrefix(line, []byte("//go:build ")) && bytes.Contains(line, []byte(tag))
}
