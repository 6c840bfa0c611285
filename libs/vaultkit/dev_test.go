//go:build integration

package vaultkit_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/vaultkit"
)

// dev is the real Vault that POSTERN_DEV_JSON leads to, with a transit mount and a role of this test's own.
type dev struct {
	root *api.Client
	conf vaultkit.Config
	role string
	pid  int // of the process that Vault runs in
}

func openDev(tb testing.TB) dev {
	tb.Helper()
	path := os.Getenv("POSTERN_DEV_JSON")
	require.NotEmpty(tb, path, "POSTERN_DEV_JSON must name the file that describes a running dev cloud")
	raw, err := os.ReadFile(path) //nolint:gosec // the developer's own environment names the file
	require.NoError(tb, err)
	var file struct {
		Engines struct {
			Vault struct {
				Addr          string `json:"addr"`
				RootTokenFile string `json:"root_token_file"`
			} `json:"vault"`
		} `json:"engines"`
		PIDs map[string]int `json:"pids"`
	}
	require.NoError(tb, json.Unmarshal(raw, &file))
	token, err := os.ReadFile(file.Engines.Vault.RootTokenFile)
	require.NoError(tb, err)

	root, err := api.NewClient(&api.Config{Address: file.Engines.Vault.Addr, Timeout: 30 * time.Second})
	require.NoError(tb, err)
	root.SetToken(strings.TrimSpace(string(token)))

	dir := tb.TempDir()
	d := dev{root: root, pid: file.PIDs["devcloud"]}
	name := "vaultkit-" + strings.ToLower(strings.ReplaceAll(filepath.Base(filepath.Dir(dir)), "_", "-"))
	d.role = name
	d.conf = vaultkit.Config{
		Addr: file.Engines.Vault.Addr, Mount: name + "/transit",
		RoleIDFile: filepath.Join(dir, "role"), SecretIDFile: filepath.Join(dir, "secret"),
	}
	require.NoError(tb, root.Sys().Mount(d.conf.Mount, &api.MountInput{Type: "transit"}))
	auths, err := root.Sys().ListAuth()
	require.NoError(tb, err)
	if auths["approle/"] == nil {
		require.NoError(tb, root.Sys().EnableAuthWithOptions("approle", &api.EnableAuthOptions{Type: "approle"}))
	}
	require.NoError(tb, root.Sys().PutPolicy(name, `
path "`+d.conf.Mount+`/*" { capabilities = ["create", "read", "update", "delete"] }
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }`))
	// Without the default policy, which is a template that Vault would parse anew at every call.
	_, err = root.Logical().Write("auth/approle/role/"+name, map[string]any{"token_policies": name, "token_no_default_policy": true, "token_ttl": "1h"})
	require.NoError(tb, err)
	d.issue(tb, name)
	tb.Cleanup(func() {
		_, err := root.Logical().Delete("auth/approle/role/" + name)
		require.NoError(tb, err)
		require.NoError(tb, root.Sys().DeletePolicy(name))
		require.NoError(tb, root.Sys().Unmount(d.conf.Mount))
	})
	return d
}

// issue writes the two halves of the role's credential where the client looks for them.
func (d dev) issue(tb testing.TB, role string) {
	tb.Helper()
	id, err := d.root.Logical().Read("auth/approle/role/" + role + "/role-id")
	require.NoError(tb, err)
	secret, err := d.root.Logical().Write("auth/approle/role/"+role+"/secret-id", nil)
	require.NoError(tb, err)
	require.NoError(tb, os.WriteFile(d.conf.RoleIDFile, []byte(id.Data["role_id"].(string)), 0o600))
	require.NoError(tb, os.WriteFile(d.conf.SecretIDFile, []byte(secret.Data["secret_id"].(string)), 0o600))
}

func (d dev) open(tb testing.TB) *vaultkit.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := vaultkit.Open(ctx, d.conf, slog.New(slog.DiscardHandler))
	require.NoError(tb, err)
	return c
}

// revokeTokens makes Vault forget every token of this test's role.
func (d dev) revokeTokens(tb testing.TB) {
	tb.Helper()
	list, err := d.root.Logical().List("auth/token/accessors")
	require.NoError(tb, err)
	for _, accessor := range list.Data["keys"].([]any) {
		found, err := d.root.Auth().Token().LookupAccessor(accessor.(string))
		if err != nil { // gone meanwhile
			continue
		}
		if meta, _ := found.Data["meta"].(map[string]any); meta["role_name"] == d.role {
			require.NoError(tb, d.root.Auth().Token().RevokeAccessor(accessor.(string)))
		}
	}
}
