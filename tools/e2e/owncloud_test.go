//go:build e2e

package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

// soon is how long a wounded cloud gets to mend, on a machine that does other things too.
const soon = 2 * time.Minute

// ownCloud is a dev cloud that no other test looks at, so that its engines may be taken away and its processes killed. It is a
// program of its own, as in life.
type ownCloud struct {
	*testkit.Cloud

	dir, log string
	settings []string
	cmd      *exec.Cmd
	exited   chan struct{} // closed once the program is gone
}

// wounded is the one that the tests here share, one after the other: none of them runs in parallel.
var wounded *ownCloud

func TestMain(m *testing.M) {
	code := m.Run()
	if wounded != nil {
		wounded.remove(code != 0)
	}
	os.Exit(code)
}

// breakable gives the shared dev cloud, whole and running.
func breakable(t *testing.T) *ownCloud {
	t.Helper()
	if wounded == nil {
		wounded = newOwnCloud(t)
	}
	if !wounded.running() {
		wounded.start(t)
	}
	c := wounded
	c.mended(t)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the dev cloud said last (all of it in %s):\n%s", c.dir, c.tail())
		}
	})
	return c
}

func newOwnCloud(t *testing.T) *ownCloud {
	t.Helper()
	dir, err := os.MkdirTemp("", "postern-e2e-") //nolint:usetesting // it outlives the test that makes it
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // PostgreSQL's user walks through here to its own folder
	c := &ownCloud{dir: dir, log: filepath.Join(dir, "log")}
	bin := filepath.Join(root(t), "bin")
	addr := func(host string) string {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		return fmt.Sprintf("%s:%d", host, l.Addr().(*net.TCPAddr).Port)
	}
	c.settings = []string{
		"POSTERN_DATA=" + filepath.Join(dir, "data"), "POSTERN_REGIONS=us,eu", "POSTERN_FIRST_OWNER=off", "POSTERN_CODE_TTL=10m",
		"POSTERN_BIN=" + cmp.Or(os.Getenv("POSTERN_BIN"), filepath.Join(bin, "postern-server")),
		"POSTERN_INFRA=" + cmp.Or(os.Getenv("POSTERN_INFRA"), filepath.Join(root(t), "infra")),
		"POSTERN_HTTPS_ADDR=" + addr(""), "POSTERN_HTTP_ADDR=" + addr(""), "POSTERN_PRIVATE_ADDR=" + addr("127.0.0.1"),
	}
	return c
}

// start starts the program and waits until it says that it is ready. It gives how long that took.
func (c *ownCloud) start(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	log, err := os.Create(c.log)
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }() // the child has its own
	program := cmp.Or(os.Getenv("POSTERN_DEVCLOUD_BIN"), filepath.Join(root(t), "bin", "devcloud"))
	c.cmd = exec.Command(program) //nolint:noctx,gosec // it outlives the test; our own program
	c.cmd.Env, c.cmd.Dir = append(os.Environ(), c.settings...), c.dir
	c.cmd.Stdout, c.cmd.Stderr = log, log
	require.NoError(t, c.cmd.Start(), "make bin/devcloud builds it")
	cmd, exited := c.cmd, make(chan struct{})
	c.exited = exited
	go func() {
		_ = cmd.Wait() // how it ended shows in its log
		close(exited)
	}()
	testkit.Eventually(t, 2*soon, func() error {
		if said, err := os.ReadFile(c.log); err != nil || bytes.Contains(said, []byte("\nready\n")) {
			return err
		}
		if !c.running() {
			t.Fatalf("the dev cloud ended before it was ready:\n%s", c.tail())
		}
		return errors.New("the dev cloud is not ready:\n" + c.tail())
	})
	took := time.Since(began)
	c.read(t)
	return took
}

// read reads what the dev cloud says of itself now.
func (c *ownCloud) read(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, "data", "dev.json"))
	require.NoError(t, err)
	c.Cloud = new(testkit.Cloud)
	require.NoError(t, json.Unmarshal(raw, c.Cloud))
}

func (c *ownCloud) running() bool {
	if c.cmd == nil {
		return false
	}
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// end sends sig to the dev cloud alone and waits until it and all that it started are gone.
func (c *ownCloud) end(t *testing.T, sig os.Signal) {
	t.Helper()
	c.read(t)
	require.NoError(t, c.cmd.Process.Signal(sig))
	select {
	case <-c.exited:
	case <-time.After(soon):
		require.Fail(t, "the dev cloud does not end", "%s", c.tail())
	}
	testkit.Eventually(t, 15*time.Second, func() error {
		for name, pid := range c.PIDs {
			if alive(pid) {
				return fmt.Errorf("%s (%d) outlives the dev cloud", name, pid)
			}
		}
		return nil
	})
}

// remove ends what still runs and removes the data, unless somebody may want to look at it.
func (c *ownCloud) remove(keep bool) {
	if c.running() {
		_ = c.cmd.Process.Signal(os.Interrupt)
		select {
		case <-c.exited:
		case <-time.After(30 * time.Second):
			_ = c.cmd.Process.Kill()
			<-c.exited
		}
	}
	if !keep {
		_ = os.RemoveAll(c.dir)
	}
}

func (c *ownCloud) tail() string {
	raw, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-40):], "\n  ")
}

// alive tells whether a process runs; one that is dead and that nobody has asked about yet does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || !exists("/proc/self/stat")
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// admin takes an engine away or gives it back.
func (c *ownCloud) admin(t *testing.T, action string) {
	t.Helper()
	require.NoError(t, c.tryAdmin(action), "%s", action)
}

func (c *ownCloud) tryAdmin(action string) error {
	token, err := os.ReadFile(c.Engines.Admin.TokenFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Engines.Admin.Addr+action, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s answered %s", action, res.Status)
	}
	return nil
}

// away takes an engine away. What gives it back is called by the test, and at its end in any case.
func (c *ownCloud) away(t *testing.T, take, give string) (back func()) {
	t.Helper()
	c.admin(t, take)
	back = sync.OnceFunc(func() { c.admin(t, give) })
	t.Cleanup(back)
	return back
}

// kill ends the product's process as a crash would, and returns when it is gone. The dev cloud starts it again by itself.
func (c *ownCloud) kill(t *testing.T) {
	t.Helper()
	c.read(t)
	pid := c.PIDs["postern"]
	c.admin(t, "/postern/kill")
	testkit.Eventually(t, 10*time.Second, func() error {
		if alive(pid) {
			return fmt.Errorf("the process %d lives on", pid)
		}
		return nil
	})
}

// mended waits until the product says that it and all its engines are well.
func (c *ownCloud) mended(t *testing.T) {
	t.Helper()
	testkit.Eventually(t, soon, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.URLs.Private+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New("not ready: " + res.Status)
		}
		return nil
	})
}
