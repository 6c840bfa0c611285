package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// need is a thing of the machine that tests cannot bring along.
type need struct {
	what   string
	stages []string
	have   func() bool
	debian []string // packages that bring it
	remedy string   // for who is not root on Debian
}

var needs = []need{
	{
		what: "PostgreSQL's server programs", stages: []string{integration, e2e},
		have: func() bool { return onPath("initdb") || globbed("/usr/lib/postgresql/*/bin/initdb") }, debian: []string{"postgresql"},
		remedy: "install PostgreSQL 15 or newer, so that initdb is in PATH or in /usr/lib/postgresql/*/bin",
	},
	{
		what: "Node.js and npm", stages: []string{e2e},
		have: func() bool { return onPath("node") && onPath("npm") }, debian: []string{"nodejs", "npm"},
		remedy: "install Node.js 18 or newer with npm",
	},
	{
		what: "Chromium", stages: []string{e2e},
		have: func() bool {
			return onPath("chromium") || onPath("chromium-browser") || onPath("google-chrome")
		},
		debian: []string{"chromium"}, remedy: "install Chromium, so that chromium is in PATH",
	},
	{
		what: "addresses for *.localhost (RFC 6761 §6.3)", stages: []string{e2e}, have: resolvesLocalhost,
		debian: []string{"libnss-myhostname"},
		remedy: "make the system resolver answer names under localhost with a loopback address (nss-myhostname or systemd-resolved)",
	},
}

// provide installs what the stages need, as root on Debian, and names everything that it could not get.
func provide(ctx context.Context, root string, stages []string, out io.Writer) error {
	var missing []error
	updated := false
	for _, n := range needs {
		if !slices.ContainsFunc(n.stages, func(s string) bool { return slices.Contains(stages, s) }) || n.have() {
			continue
		}
		if os.Getuid() != 0 || !onPath("apt-get") {
			missing = append(missing, fmt.Errorf("%s: not on this machine; %s", n.what, n.remedy))
			continue
		}
		fmt.Fprintf(out, "installing %s\n", n.what)
		if !updated {
			updated = true
			if err := apt(ctx, out, "update", "-q"); err != nil {
				fmt.Fprintln(out, "going on with the package lists at hand:", err)
			}
		}
		err := apt(ctx, out, append([]string{"install", "-y", "-q", "--no-install-recommends"}, n.debian...)...)
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w; %s", n.what, err, n.remedy))
		} else if !n.have() {
			missing = append(missing, fmt.Errorf("%s: still not there after installing %v; %s", n.what, n.debian, n.remedy))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the tests lack\n%w", errors.Join(missing...))
	}
	if slices.Contains(stages, e2e) {
		for _, dir := range []string{e2eModule, samplesFolder} {
			if err := npmCI(ctx, root, dir, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// npmCI installs a folder's npm packages exactly as its lock file has them, once per lock file.
func npmCI(ctx context.Context, root, folder string, out io.Writer) error {
	dir := filepath.Join(root, folder)
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the npm lock file: %w", err)
	}
	// npm writes this file at the end of an installation.
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && done.ModTime().After(lock.ModTime()) {
		return nil
	}
	fmt.Fprintln(out, "installing the npm packages of", folder)
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("installing the npm packages of %s: %w", folder, err)
	}
	return nil
}

func apt(ctx context.Context, out io.Writer, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "apt-get", args...) //nolint:gosec // our own arguments
	// A PostgreSQL package would make and start a cluster of its own otherwise.
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PG_CREATE_MAIN_CLUSTER=false")
	text, err := cmd.CombinedOutput()
	if err != nil {
		fmt.Fprintf(out, "%s", text)
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}

func onPath(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func globbed(pattern string) bool {
	found, err := filepath.Glob(pattern)
	return err == nil && len(found) > 0
}

// resolvesLocalhost asks the C library, since Node.js and most others do; Go's own resolver answers otherwise.
func resolvesLocalhost() bool {
	const name = "acme.eu.postern.localhost"
	if onPath("getent") {
		return exec.Command("getent", "hosts", name).Run() == nil //nolint:noctx // answers at once, from a file or this machine
	}
	addrs, err := net.LookupHost(name) //nolint:noctx // the same
	return err == nil && len(addrs) > 0
}
