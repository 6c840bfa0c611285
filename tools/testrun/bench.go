package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// bench runs benchmarks one package at a time, so that they do not measure each other. A target is DIR:PATTERN, its folder in the
// repository and the regular expression of its benchmarks.
func bench(ctx context.Context, root string, targets []string, out io.Writer) (err error) {
	if len(targets) == 0 {
		return errors.New("name a benchmark as DIR:PATTERN")
	}
	if err := provide(ctx, root, []string{integration}, out); err != nil {
		return err
	}
	cloud, err := startCloud(ctx, root, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.stop()) }()
	for _, target := range targets {
		dir, pattern, ok := strings.Cut(target, ":")
		if !ok {
			return fmt.Errorf("benchmark %q is not DIR:PATTERN", target)
		}
		fmt.Fprintf(out, "\n== bench %s %s\n", dir, pattern)
		started := time.Now()
		cmd := exec.CommandContext(ctx, "go", "test", "-tags="+integration, "-run=^$", "-bench="+pattern, "-benchmem", "-timeout=30m", ".") //nolint:gosec // from our Makefile
		cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(root, dir), out, os.Stderr
		cmd.Env = append(os.Environ(), cloud.env()...)
		ownGroup(cmd)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("benchmark %s: %w", target, err)
		}
		fmt.Fprintf(out, "== bench %s took %s\n", dir, time.Since(started).Round(time.Second))
	}
	return nil
}

// beside runs a program in a folder of the repository while the dev cloud is there.
func beside(ctx context.Context, root string, args []string, out io.Writer) (err error) {
	if len(args) < 2 {
		return errors.New("name a folder and a program")
	}
	if err := provide(ctx, root, []string{integration, e2e}, out); err != nil {
		return err
	}
	cloud, err := startCloud(ctx, root, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.stop()) }()
	cmd := exec.CommandContext(ctx, args[1], args[2:]...) //nolint:gosec // from our Makefile
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(root, args[0]), out, os.Stderr
	cmd.Env = append(os.Environ(), cloud.env()...)
	ownGroup(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(args[1]), err)
	}
	return nil
}
