package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/egress"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/vaultkit"
)

// Config of the one process. Secrets arrive as files in the *_DIR folders, named by role.
type Config struct {
	// BaseDomain is what account hosts end in. Zero means postern.localhost.
	BaseDomain string `env:"POSTERN_BASE_DOMAIN"`
	// HTTPSAddr and HTTPAddr are the public listeners. Zero means :8443 and :8080; HTTPAddr "off" opens none without TLS, which is
	// right wherever passwords and tokens cross a network.
	HTTPSAddr string `env:"POSTERN_HTTPS_ADDR"`
	HTTPAddr  string `env:"POSTERN_HTTP_ADDR"`
	// PublicPort is the HTTPS port as the world sees it, part of issuers unless 443. Zero means the listener's own; set it where a
	// port is mapped (a container's 8443 published as 443).
	PublicPort int `env:"POSTERN_PUBLIC_PORT"`
	// PrivateAddr serves /healthz, /readyz and /metrics. Zero means 127.0.0.1:8081.
	PrivateAddr string `env:"POSTERN_PRIVATE_ADDR"`
	// Cells lists the data planes as cell:region; the first one's region is the default region. Zero means us:us,eu:eu,au:au.
	Cells string `env:"POSTERN_CELLS"`
	// CACertFile and CAKeyFile are the authority that leaves are made from.
	CACertFile string `env:"POSTERN_CA_CERT_FILE"`
	CAKeyFile  string `env:"POSTERN_CA_KEY_FILE"`
	// DirectoryFile is where the router keeps its copy of the directory.
	DirectoryFile string `env:"POSTERN_DIRECTORY_FILE"`
	// EdgeKeyDir holds one 32-byte key a cell, by which the router proves tenants to the cell's services.
	EdgeKeyDir string `env:"POSTERN_EDGE_KEY_DIR"`

	PostgresAddr       string `env:"POSTERN_POSTGRES_ADDR"`
	PostgresSecretsDir string `env:"POSTERN_POSTGRES_SECRETS_DIR"`
	// PostgresConns bounds one service's connections in one cell. Zero means 10.
	PostgresConns   int32  `env:"POSTERN_POSTGRES_CONNS"`
	VaultAddr       string `env:"POSTERN_VAULT_ADDR"`
	VaultSecretsDir string `env:"POSTERN_VAULT_SECRETS_DIR"`
	NATSURL         string `env:"POSTERN_NATS_URL"`
	NATSSecretsDir  string `env:"POSTERN_NATS_SECRETS_DIR"`
	TemporalAddr    string `env:"POSTERN_TEMPORAL_ADDR"`
	// TemporalNamespace zero means postern.
	TemporalNamespace string `env:"POSTERN_TEMPORAL_NAMESPACE"`
	SMTPAddr          string `env:"POSTERN_SMTP_ADDR"`
	// MailUpstream is the page that shows sent mail at mail.<base>. Zero: no such page.
	MailUpstream string `env:"POSTERN_MAIL_UPSTREAM"`
	// TenantRPS and TenantBurst bound one tenant's requests. Zero means 2000 a second and twice that at once; negative means no limit.
	TenantRPS   float64 `env:"POSTERN_TENANT_RPS"`
	TenantBurst int     `env:"POSTERN_TENANT_BURST"`
	// ManagementRPS and ManagementBurst bound one tenant's calls of the Management API. Zero means 500 a second and twice the rate at once;
	// a negative rate means no limit.
	ManagementRPS   float64 `env:"POSTERN_MANAGEMENT_RPS"`
	ManagementBurst int     `env:"POSTERN_MANAGEMENT_BURST"`
	// Egress fetches documents at URLs that outsiders chose.
	Egress egress.Config `env:",squash"`
	// LogLevel is debug, info, warn or error. Zero means info.
	LogLevel string `env:"POSTERN_LOG_LEVEL"`

	cells []cellRef
}

// plainOff is the HTTPAddr that opens no plain listener.
const plainOff = "off"

type cellRef struct{ name, region string }

// Validate implements config.Validator.
func (c *Config) Validate() error {
	for field, fallback := range map[*string]string{
		&c.BaseDomain: "postern.localhost", &c.HTTPSAddr: ":8443", &c.HTTPAddr: ":8080", &c.PrivateAddr: "127.0.0.1:8081",
		&c.Cells: "us:us,eu:eu,au:au", &c.TemporalNamespace: "postern", &c.LogLevel: "info",
	} {
		if *field == "" {
			*field = fallback
		}
	}
	if c.PostgresConns == 0 {
		c.PostgresConns = 10
	}
	if c.TenantRPS == 0 {
		c.TenantRPS = 2000
	}
	if c.TenantRPS < 0 {
		c.TenantRPS = 0
	}
	if c.TenantBurst == 0 {
		c.TenantBurst = int(2 * c.TenantRPS)
	}
	var missing []string
	for name, value := range map[string]string{
		"POSTERN_CA_CERT_FILE": c.CACertFile, "POSTERN_CA_KEY_FILE": c.CAKeyFile, "POSTERN_DIRECTORY_FILE": c.DirectoryFile,
		"POSTERN_EDGE_KEY_DIR": c.EdgeKeyDir, "POSTERN_POSTGRES_ADDR": c.PostgresAddr, "POSTERN_POSTGRES_SECRETS_DIR": c.PostgresSecretsDir,
		"POSTERN_VAULT_ADDR": c.VaultAddr, "POSTERN_VAULT_SECRETS_DIR": c.VaultSecretsDir, "POSTERN_NATS_URL": c.NATSURL,
		"POSTERN_NATS_SECRETS_DIR": c.NATSSecretsDir, "POSTERN_TEMPORAL_ADDR": c.TemporalAddr,
	} {
		if value == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("not set: %s", strings.Join(missing, ", "))
	}
	for _, item := range config.List(c.Cells) {
		name, region, ok := strings.Cut(item, ":")
		if !ok || name == "" || region == "" {
			return fmt.Errorf("POSTERN_CELLS has %q, want cell:region", item)
		}
		if slices.ContainsFunc(c.cells, func(other cellRef) bool { return other.name == name }) {
			return fmt.Errorf("POSTERN_CELLS names cell %s twice", name)
		}
		c.cells = append(c.cells, cellRef{name, region})
	}
	if len(c.cells) == 0 {
		return errors.New("POSTERN_CELLS names no cell, want cell:region")
	}
	if c.PublicPort < 0 || c.PublicPort > 65535 {
		return fmt.Errorf("POSTERN_PUBLIC_PORT is %d, want a port", c.PublicPort)
	}
	for name, addr := range map[string]string{
		"POSTERN_HTTPS_ADDR": c.HTTPSAddr, "POSTERN_HTTP_ADDR": c.HTTPAddr, "POSTERN_PRIVATE_ADDR": c.PrivateAddr,
	} {
		if name == "POSTERN_HTTP_ADDR" && addr == plainOff {
			continue
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("%s is not host:port or :port: %w", name, err)
		}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return fmt.Errorf("POSTERN_LOG_LEVEL is %q, want debug, info, warn or error", c.LogLevel)
	}
	if c.MailUpstream != "" {
		if u, err := url.Parse(c.MailUpstream); err != nil || u.Host == "" {
			return fmt.Errorf("POSTERN_MAIL_UPSTREAM is %q, want a URL", c.MailUpstream)
		}
	}
	return nil
}

func (c *Config) level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // Validate saw that it parses
	return level
}

// postgres gives a service's connection in a cell; role names are what docs/seams.md says.
func (c *Config) postgres(cell, service string) pgkit.Config {
	role := cell + "_" + service
	return c.postgresOf("postern_"+cell, role, service)
}

func (c *Config) postgresControl() pgkit.Config {
	return c.postgresOf("postern_control", "control", "control")
}

func (c *Config) postgresOf(database, role, schema string) pgkit.Config {
	return pgkit.Config{
		Addr: c.PostgresAddr, Database: database, Schema: schema, MaxConns: c.PostgresConns,
		User: role, PasswordFile: filepath.Join(c.PostgresSecretsDir, role),
		OwnerUser: role + "_owner", OwnerPasswordFile: filepath.Join(c.PostgresSecretsDir, role+"_owner"),
	}
}

func (c *Config) vault(cell, service string) vaultkit.Config {
	file := filepath.Join(c.VaultSecretsDir, cell+"-"+service)
	return vaultkit.Config{Addr: c.VaultAddr, Mount: cell + "/transit", RoleIDFile: file + ".role_id", SecretIDFile: file + ".secret_id"}
}

func (c *Config) nats(account, name string) natskit.Config {
	return natskit.Config{URL: c.NATSURL, User: account, PasswordFile: filepath.Join(c.NATSSecretsDir, account), Name: name}
}

func (c *Config) temporal() temporalkit.Config {
	return temporalkit.Config{Addr: c.TemporalAddr, Namespace: c.TemporalNamespace}
}
