// Command testrun runs the tests of every module against one dev cloud and counts them.
//
//	testrun [unit] [integration] [e2e]   stages in the order given, one dev cloud for all of them
//	testrun bench DIR:PATTERN...         benchmarks, one after the other, beside the dev cloud
//
// The last line is "N passed, N failed" (", N skipped" may follow). It owns the processes that it starts and none else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
		os.Exit(1)
	}
}

// errFailed is returned when tests failed; the tally has been printed.
var errFailed = errors.New("tests failed")

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say what to run: unit, integration, e2e, or bench DIR:PATTERN")
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	if args[0] == "bench" {
		return bench(ctx, root, args[1:], out)
	}
	for _, stage := range args {
		if !slices.Contains([]string{unit, integration, e2e}, stage) {
			return fmt.Errorf("there is no stage %q; choose from unit, integration, e2e", stage)
		}
	}
	return test(ctx, root, args, out)
}

func test(ctx context.Context, root string, stages []string, out io.Writer) (err error) {
	started := time.Now()
	modules, err := findModules(ctx, root)
	if err != nil {
		return err
	}
	if err := provide(ctx, root, stages, out); err != nil {
		return err
	}
	env := os.Environ()
	if slices.Contains(stages, integration) || slices.Contains(stages, e2e) {
		cloud, startErr := startCloud(ctx, root, out)
		if startErr != nil {
			return startErr
		}
		defer func() { err = errors.Join(err, cloud.stop()) }()
		env = append(env, cloud.env()...)
	}
	var sum tally
	for _, stage := range stages {
		for _, invocation := range plan(stage, root, modules) {
			t, err := invocation.run(ctx, env, out)
			sum.add(t)
			if err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "\nall stages took %s\n", time.Since(started).Round(time.Second))
	sum.report(out)
	if err := os.WriteFile(filepath.Join(root, "bin", "test-result"), []byte(sum.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the result: %w", err)
	}
	if sum.failed > 0 {
		return errFailed
	}
	if sum.passed == 0 {
		return errors.New("no test ran")
	}
	return nil
}

// findRoot is the folder of go.work, here or above.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding this folder: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work here or above; run this inside the repository")
		}
		dir = parent
	}
}
