//go:build integration

package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/tools/devcloud/internal/cloud"
	"github.com/postern-id/postern/tools/devcloud/internal/config"
)

// role makes this test binary play another program, so that a dev cloud is a process of its own here as it is in life.
const role = "DEVCLOUD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "devcloud":
		os.Exit(beDevcloud())
	case "platform":
		os.Exit(bePlatform())
	default:
		os.Exit(m.Run())
	}
}

func beDevcloud() int {
	if err := os.Setenv(role, "platform"); err != nil { // for the child
		return 1
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	cfg, err := config.Load(os.LookupEnv)
	if err == nil {
		var c *cloud.Cloud
		if c, err = cloud.Open(ctx, cfg, os.Stdout); err == nil {
			defer c.Close()
			err = c.Run(ctx)
		}
	}
	if err != nil {
		_, _ = os.Stdout.WriteString("devcloud: " + err.Error() + "\n")
		return 1
	}
	return 0
}

// bePlatform answers as the platform does, and no more of it than the dev cloud asks for.
func bePlatform() int {
	private := http.NewServeMux()
	private.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	private.HandleFunc("GET /environ", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	go func() { _ = http.ListenAndServe(os.Getenv("POSTERN_PRIVATE_ADDR"), private) }() //nolint:gosec // a test's

	public := http.NewServeMux()
	host := "api." + os.Getenv("POSTERN_BASE_DOMAIN")
	var signedUp map[string]string
	polls := 0
	public.HandleFunc("POST "+host+"/v1/signups", func(w http.ResponseWriter, r *http.Request) {
		if signedUp != nil || json.NewDecoder(r.Body).Decode(&signedUp) != nil {
			w.WriteHeader(http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"id":"sgn_1","token":"secret","status":"pending"}`))
	})
	public.HandleFunc("GET "+host+"/v1/signups/sgn_1", func(w http.ResponseWriter, r *http.Request) {
		polls++
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
		case polls < 3:
			_, _ = w.Write([]byte(`{"status":"provisioning"}`))
		default:
			_, _ = fmt.Fprintf(w, `{"status":"ready","tenant":{"id":"tnt_1","name":%q,"region":%q,"issuer":"https://demo.us.example.test/"}}`,
				signedUp["account"], signedUp["region"])
		}
	})
	_ = http.ListenAndServe(os.Getenv("POSTERN_HTTP_ADDR"), public) //nolint:gosec // a test's
	return 1
}

// output is what a dev cloud printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// settings are ports of a test's own and two regions.
func settings(t *testing.T, data string) map[string]string {
	t.Helper()
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		return l.Addr().String()
	}
	infra, err := filepath.Abs("../../../../infra")
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	return map[string]string{
		"POSTERN_DATA": data, "POSTERN_REGIONS": "us,eu", "POSTERN_BIN": self, "POSTERN_INFRA": infra,
		"POSTERN_HTTPS_ADDR": free(), "POSTERN_HTTP_ADDR": free(), "POSTERN_PRIVATE_ADDR": free(),
	}
}

// devcloud is one that runs as a process.
type devcloud struct {
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
	file cloud.DevFile
	boot time.Duration
}

func launch(t *testing.T, env map[string]string) *devcloud {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	d := &devcloud{cmd: exec.Command(self), out: &output{}, done: make(chan struct{})} //nolint:noctx,gosec // ended by the test
	d.cmd.Env = append(os.Environ(), role+"=devcloud")
	for name, value := range env {
		d.cmd.Env = append(d.cmd.Env, name+"="+value)
	}
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.WaitDelay = time.Second
	require.NoError(t, d.cmd.Start())
	go func() {
		_ = d.cmd.Wait()
		close(d.done)
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(os.Interrupt)
		<-d.done
		if t.Failed() {
			t.Log(d.out.String())
		}
	})
	return d
}

// start launches a dev cloud and waits until it is ready.
func start(t *testing.T, env map[string]string) *devcloud {
	t.Helper()
	began := time.Now()
	d := launch(t, env)
	require.Eventually(t, func() bool {
		select {
		case <-d.done:
			return true
		default:
			return strings.Contains(d.out.String(), "\nready\n")
		}
	}, 3*time.Minute, 10*time.Millisecond)
	d.boot = time.Since(began)
	require.Contains(t, d.out.String(), "\nready\n")
	content, err := os.ReadFile(filepath.Join(env["POSTERN_DATA"], "dev.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &d.file))
	return d
}

// end sends sig and waits until the dev cloud and all that it started are gone.
func (d *devcloud) end(t *testing.T, sig os.Signal) {
	t.Helper()
	require.NoError(t, d.cmd.Process.Signal(sig))
	<-d.done
	for name, pid := range d.file.PIDs {
		require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, 10*time.Second, 10*time.Millisecond, name)
	}
}

func (d *devcloud) admin(t *testing.T, action string) int {
	t.Helper()
	token, err := os.ReadFile(d.file.Engines.Admin.TokenFile)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.file.Engines.Admin.Addr+action, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+string(token))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

func get(t *testing.T, url string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}
