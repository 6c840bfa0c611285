//go:build e2e

// Package e2e drives stock clients and a browser, which know nothing of Postern, against a running dev cloud.
package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/testkit"
)

const patience = 3 * time.Minute

// tenant is what `postern signup --json` prints.
type tenant struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Region        string `json:"region"`
	Domain        string `json:"domain"`
	Issuer        string `json:"issuer"`
	ManagementAPI struct {
		Audience     string `json:"audience"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	} `json:"management_api"`
}

// company is an account made for one test, with the command line that holds its key.
type company struct {
	cloud   *testkit.Cloud
	account string
	config  string // the command line's credentials file
}

func newCompany(t *testing.T) *company {
	t.Helper()
	return &company{cloud: testkit.DevCloud(t), account: randomName(), config: filepath.Join(t.TempDir(), "credentials.json")}
}

// randomName is an account name that nobody has: accounts are never reused, and the dev cloud may be an old one.
func randomName() string { return "e2e-" + strings.ToLower(rand.Text()[:12]) }

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	return dir
}

// postern runs the command line and gives its standard output.
func (c *company) postern(t *testing.T, args ...string) []byte {
	t.Helper()
	out, errs, err := c.tryPostern(t, args...)
	require.NoError(t, err, "postern %s: %s", strings.Join(args, " "), errs)
	return out
}

func (c *company) tryPostern(t *testing.T, args ...string) (out []byte, errs string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := c.command(ctx, t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.Bytes(), stderr.String(), err
}

func (c *company) command(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, filepath.Join(root(t), "bin", "postern"), append([]string{"--api", c.cloud.URLs.PlatformAPI, "--ca", c.cloud.CAFile}, args...)...)
	cmd.Env = append(os.Environ(), "POSTERN_CLI_CONFIG="+c.config, "POSTERN_DEV_JSON=", "POSTERN_PASSWORD=a long e2e password")
	cmd.Dir = t.TempDir()
	return cmd
}

func (c *company) signup(t *testing.T, region string) tenant {
	t.Helper()
	var made tenant
	out := c.postern(t, "signup", "--account", c.account, "--email", c.account+"@example.com", "--region", region, "--json")
	require.NoError(t, json.Unmarshal(out, &made), "%s", out)
	require.NotEmpty(t, made.ManagementAPI.ClientSecret)
	return made
}

// node runs one of the scripts in stock/ and decodes its answer.
func (c *company) node(t *testing.T, script string, input map[string]any, answer any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	input["ca_file"] = c.cloud.CAFile
	input["chromium"] = browser(t)
	if dir := os.Getenv("POSTERN_SCREENSHOTS"); dir != "" {
		input["screenshots"] = dir
	}
	raw, err := json.Marshal(input)
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, "node", "--import", "./stock/loopback.mjs", "stock/"+script)
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+c.cloud.CAFile, "INPUT="+string(raw))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "node stock/%s\n%s\n%s", script, stdout.String(), stderr.String())
	if answer != nil {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), answer), "%s", stdout.String())
	}
}

func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Fail(t, "no Chromium in PATH")
	return ""
}

// callback is a redirect URI on a port that is free now.
func callback(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return fmt.Sprintf("http://127.0.0.1:%d/callback", l.Addr().(*net.TCPAddr).Port)
}
