// Command testrun runs the tests of every module against one dev cloud and counts them.
//
//	testrun [unit] [fuzz] [integration] [e2e]   stages in the order given, one dev cloud for all of them
//	testrun bench DIR:PATTERN...                benchmarks, one after the other, beside the dev cloud
//	testrun beside DIR PROGRAM...               a program in a folder, beside the dev cloud
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
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "testrun:", err)
		}
		os.Exit(1)
	}
}

// errFailed is returned when tests failed; the tally has been printed.
var errFailed = errors.New("tests failed")

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("say what to run: unit, fuzz, integration, e2e, bench DIR:PATTERN, or beside DIR PROGRAM")
	}
	root, err := findRoot()
	if err != nil {
		return err
	}
	if args[0] == "bench" {
		return bench(ctx, root, args[1:], out)
	}
	if args[0] == "beside" {
		return beside(ctx, root, args[1:], out)
	}
	for _, stage := range args {
		if !slices.Contains([]string{unit, fuzz, integration, e2e}, stage) {
			return fmt.Errorf("there is no stage %q; choose from unit, fuzz, integration, e2e", stage)
		}
	}
	return test(ctx, root, args, out)
}

func test(ctx context.Context, root string, stages []string, out io.Writer) error {
	started := time.Now()
	modules, err := findModules(ctx, root)
	if err != nil {
		return err
	}
	if err := provide(ctx, root, stages, out); err != nil {
		return err
	}
	sum, err := runStages(ctx, root, stages, modules, out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nall stages took %s\n", time.Since(started).Round(time.Second))
	sum.report(out)
	if err := os.WriteFile(filepath.Join(root, "bin", "test-result"), []byte(sum.String()+"\n"), 0o600); err != nil { //nolint:gosec // the folder is this repository
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

// runStages runs the stages one after the other. The dev cloud is gone when it returns; one that did not live through the run, or
// did not stop, is a failure beside those of the tests.
func runStages(ctx context.Context, root string, stages, modules []string, out io.Writer) (sum tally, err error) {
	env := os.Environ()
	if slices.Contains(stages, integration) || slices.Contains(stages, e2e) {
		cloud, err := startCloud(ctx, root, out)
		if err != nil {
			return sum, err
		}
		env = append(env, cloud.env()...)
		defer func() {
			if err := cloud.stop(); err != nil {
				fmt.Fprintln(out, "dev cloud:", err)
				sum.fail("the dev cloud")
			}
		}()
	}
	for _, stage := range stages {
		for _, invocation := range plan(stage, root, modules) {
			t, err := invocation.run(ctx, env, out)
			sum.add(t)
			if err != nil {
				return sum, err
			}
		}
	}
	return sum, nil
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
