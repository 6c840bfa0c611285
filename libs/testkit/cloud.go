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
	BaseDomain string   `json:"base_domain"`
	Regions    []string `json:"regions"` // the first is the default one
	URLs       struct {
		Console     string   `json:"console"`
		PlatformAPI string   `json:"platform_api"`
		Mail        string   `json:"mail"`
		Private     string   `json:"private"`
		Tenants     []string `json:"tenants"`
	} `json:"urls"`
	CAFile      string `json:"ca_file"`
	HTTPSAddr   string `json:"https_addr"`
	HTTPAddr    string `json:"http_addr"`
	PrivateAddr string `json:"private_addr"`
	Data        string `json:"data"`
	Engines     struct {
		Postgres struct {
			Addr string `json:"addr"`
			// AdminDSN lacks the password, which is in AdminPasswordFile. SecretsDir holds one file per role, named like it.
			AdminDSN          string `json:"admin_dsn"`
			AdminPasswordFile string `json:"admin_password_file"`
			SecretsDir        string `json:"secrets_dir"`
		} `json:"postgres"`
		Vault struct {
			Addr          string `json:"addr"`
			RootTokenFile string `json:"root_token_file"`
			SecretsDir    string `json:"secrets_dir"`
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
		SMTP struct {
			Addr     string `json:"addr"`
			Messages string `json:"messages"` // URL of all mails as JSON
		} `json:"smtp"`
		// Admin takes engines away and gives them back.
		Admin struct {
			Addr      string `json:"addr"`
			TokenFile string `json:"token_file"`
		} `json:"admin"`
	} `json:"engines"`
	// Owner is the first account owner's credentials; nil until the sign-up is through.
	Owner map[string]any `json:"owner"`
	// PIDs are of devcloud (which Vault, NATS and Temporal run in), postgres and postern.
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
