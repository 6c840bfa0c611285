package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	bootTime = 4 * time.Minute // a cold first boot on a busy machine
	stopTime = 30 * time.Second
)

// cloud is the dev cloud that all tests of a run share.
type cloud struct {
	root, data, log string
	devJSON         string
	cmd             *exec.Cmd
	exited          chan struct{} // closed once the process is gone
	out             io.Writer
}

// startCloud starts bin/devcloud with free ports and a data folder of its own, and waits until it is ready. When POSTERN_DEV_JSON
// names a running one, that is used and left alone.
func startCloud(ctx context.Context, root string, out io.Writer) (*cloud, error) {
	if running := os.Getenv("POSTERN_DEV_JSON"); running != "" {
		path, err := filepath.Abs(running)
		if err != nil {
			return nil, fmt.Errorf("finding %s: %w", running, err)
		}
		if _, err := os.Stat(path); err != nil { //nolint:gosec // the path is the point
			return nil, fmt.Errorf("POSTERN_DEV_JSON should describe a running dev cloud: %w", err)
		}
		fmt.Fprintln(out, "dev cloud: using the one of", path)
		return &cloud{root: root, devJSON: path, out: out}, nil
	}
	data, err := os.MkdirTemp("", "postern-test-")
	if err != nil {
		return nil, fmt.Errorf("making a data folder: %w", err)
	}
	// PostgreSQL never runs as root: the user it runs as must be able to walk through here to its own folder.
	if err := os.Chmod(data, 0o755); err != nil { //nolint:gosec // see above; what is secret inside has a mode of its own
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	c := &cloud{
		root: root, data: data, devJSON: filepath.Join(data, "dev.json"), out: out,
		log: filepath.Join(root, "bin", "devcloud-test.log"), exited: make(chan struct{}),
	}
	if err := c.start(ports); err != nil {
		return nil, err
	}
	if err := c.await(ctx, "http://127.0.0.1:"+ports[1]+"/readyz"); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

func (c *cloud) start(ports []string) error {
	log, err := os.Create(c.log)
	if err != nil {
		return fmt.Errorf("opening the dev cloud's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	// Not CommandContext: the tests end first, then stop ends this.
	c.cmd = exec.Command(filepath.Join(c.root, "bin", "devcloud")) //nolint:noctx,gosec // see above; our own program
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = c.root, log, log
	c.cmd.Env = append(os.Environ(),
		"POSTERN_BIN="+filepath.Join(c.root, "bin", "postern-server"),
		"POSTERN_INFRA="+filepath.Join(c.root, "infra"),
		"POSTERN_DATA="+c.data,
		"POSTERN_HTTPS_ADDR=:"+ports[0], // both families: names under localhost may come out as ::1
		"POSTERN_HTTP_ADDR=:"+ports[1],
		"POSTERN_PRIVATE_ADDR=127.0.0.1:"+ports[2],
	)
	ownGroup(c.cmd)
	c.cmd.Cancel = nil // only CommandContext may have one
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("starting the dev cloud (make bin/devcloud builds it): %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // how it ended shows in its log
		close(c.exited)
	}()
	return nil
}

// await polls until the dev cloud says that it is ready and has described itself.
func (c *cloud) await(ctx context.Context, readyz string) error {
	started := time.Now()
	fmt.Fprintf(c.out, "dev cloud: starting in %s (log: %s)\n", c.data, c.log)
	ctx, cancel := context.WithTimeout(ctx, bootTime)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	told := started
	for {
		if c.ready(ctx, readyz) {
			fmt.Fprintf(c.out, "dev cloud: ready in %s\n", time.Since(started).Round(100*time.Millisecond))
			return nil
		}
		if time.Since(told) > 15*time.Second {
			told = time.Now()
			fmt.Fprintf(c.out, "dev cloud: not ready yet, %s\n", time.Since(started).Round(time.Second))
		}
		select {
		case <-c.exited:
			return fmt.Errorf("the dev cloud ended before it was ready:\n%s", c.tail())
		case <-ctx.Done():
			return fmt.Errorf("the dev cloud was not ready after %s:\n%s", time.Since(started).Round(time.Second), c.tail())
		case <-tick.C:
		}
	}
}

func (c *cloud) ready(ctx context.Context, readyz string) bool {
	if _, err := os.Stat(c.devJSON); err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, readyz, http.NoBody)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// tail is the end of the dev cloud's log.
func (c *cloud) tail() string {
	raw, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	if len(lines) > 30 {
		lines = lines[len(lines)-30:]
	}
	return "  " + strings.ReplaceAll(string(bytes.Join(lines, []byte("\n"))), "\n", "\n  ")
}

// env is what tests find the cloud by.
func (c *cloud) env() []string {
	return []string{
		"POSTERN_DEV_JSON=" + c.devJSON,
		// For tests that start, kill and restart a dev cloud of their own.
		"POSTERN_DEVCLOUD_BIN=" + filepath.Join(c.root, "bin", "devcloud"),
		"POSTERN_BIN=" + filepath.Join(c.root, "bin", "postern-server"),
		"POSTERN_CLI_BIN=" + filepath.Join(c.root, "bin", "postern"),
		"POSTERN_INFRA=" + filepath.Join(c.root, "infra"),
	}
}

// stop ends the cloud as Ctrl-C would, harder when that takes too long, and removes its data.
func (c *cloud) stop() error {
	if c.cmd == nil {
		return nil
	}
	select {
	case <-c.exited:
		return errors.Join(fmt.Errorf("the dev cloud ended by itself:\n%s", c.tail()), os.RemoveAll(c.data))
	default:
	}
	started := time.Now()
	if err := c.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return fmt.Errorf("stopping the dev cloud: %w", err)
	}
	var hung error
	select {
	case <-c.exited:
		fmt.Fprintf(c.out, "dev cloud: stopped in %s\n", time.Since(started).Round(100*time.Millisecond))
	case <-time.After(stopTime):
		hung = fmt.Errorf("the dev cloud did not stop within %s and was killed", stopTime)
		_ = signalGroup(c.cmd.Process, syscall.SIGKILL) // gone already is as good
		<-c.exited
	}
	if err := os.RemoveAll(c.data); err != nil {
		return errors.Join(hung, fmt.Errorf("removing the data folder: %w", err))
	}
	return hung
}

// freePorts asks the kernel for ports that nobody listens on. They are held together, so that no two are alike.
func freePorts(n int) ([]string, error) {
	ports := make([]string, 0, n)
	for range n {
		l, err := net.Listen("tcp", ":0") //nolint:noctx,gosec // as the dev cloud will; closed before anything is said over it
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		ports = append(ports, port)
	}
	return ports, nil
}
