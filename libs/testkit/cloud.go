package testkit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/postern-id/postern/libs/natskit"
)

// Cloud is the dev cloud's description of itself (dev.json).
type Cloud struct {
	BaseDomain string `json:"base_domain"`
	CAFile     string `json:"ca_file"`
	HTTPSAddr  string `json:"https_addr"`
	HTTPAddr   string `json:"http_addr"`
	Engines    struct {
		Postgres struct {
			Addr              string `json:"addr"`
			AdminUser         string `json:"admin_user"`
			AdminPasswordFile string `json:"admin_password_file"`
		} `json:"postgres"`
		Vault struct {
			Addr          string `json:"addr"`
			RootTokenFile string `json:"root_token_file"`
		} `json:"vault"`
		NATS struct {
			URL string `json:"url"`
			// SecretsDir holds one file per user, named like the user, with the password.
			SecretsDir string `json:"secrets_dir"`
		} `json:"nats"`
		Temporal struct {
			Addr      string `json:"addr"`
			Namespace string `json:"namespace"`
		} `json:"temporal"`
	} `json:"engines"`
	// Owner is the first account owner's credentials.
	Owner map[string]any `json:"owner"`
	// PIDs are the dev cloud's processes by name.
	PIDs map[string]int `json:"pids"`
}

// DevCloud reads the description that POSTERN_DEV_JSON names, and fails the test when there is none.
func DevCloud(tb testing.TB) *Cloud {
	tb.Helper()
	path := os.Getenv("POSTERN_DEV_JSON")
	if path == "" {
		tb.Fatal("POSTERN_DEV_JSON is not set: start the dev cloud with `make run` and set it to the absolute path of .postern/dev.json, or run `make test`")
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the path is the point
	if err != nil {
		tb.Fatalf("POSTERN_DEV_JSON names a file that cannot be read (%v): is the dev cloud running?", err)
	}
	c := new(Cloud)
	if err := json.Unmarshal(raw, c); err != nil {
		tb.Fatalf("%s is not a dev cloud's description: %v", path, err)
	}
	return c
}

// NATSConfig is how to connect as user: a cell's name, or "control".
func (c *Cloud) NATSConfig(user string) natskit.Config {
	return natskit.Config{
		URL: c.Engines.NATS.URL, User: user, PasswordFile: filepath.Join(c.Engines.NATS.SecretsDir, user), Name: "test",
	}
}
