package pgkit

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says where a service's schema is and as whom to reach it. One database per cell, one schema and two roles per service.
type Config struct {
	// Addr is "host:port", or the directory of a Unix socket when it starts with a slash.
	Addr     string `env:"POSTERN_POSTGRES_ADDR"`
	Database string `env:"POSTERN_POSTGRES_DATABASE"`
	// User is the runtime role: it may read and write rows, it owns nothing and it does not bypass row-level security.
	User string `env:"POSTERN_POSTGRES_USER"`
	// PasswordFile holds the runtime role's password; it is read anew for each connection, so that a rotation needs no restart.
	// Empty means that the server asks for none.
	PasswordFile string `env:"POSTERN_POSTGRES_PASSWORD_FILE"`
	// OwnerUser is the role that owns the schema; Migrate uses it and nothing else does. May be empty where Migrate is not called.
	OwnerUser         string `env:"POSTERN_POSTGRES_OWNER_USER"`
	OwnerPasswordFile string `env:"POSTERN_POSTGRES_OWNER_PASSWORD_FILE"`
	// Schema is the service's own, a plain lower-case name.
	Schema string `env:"POSTERN_POSTGRES_SCHEMA"`
	// MaxConns bounds the pool. Zero means 10.
	MaxConns int32 `env:"POSTERN_POSTGRES_MAX_CONNS"`
	// SSLMode is libpq's sslmode. Empty means "prefer"; the verifying modes read PGSSLROOTCERT.
	SSLMode string `env:"POSTERN_POSTGRES_SSLMODE"`
}

const (
	defaultMaxConns = 10

	connectTimeout   = 3 * time.Second
	statementTimeout = 15 * time.Second
	lockTimeout      = 5 * time.Second
	// idleInTxTimeout frees the locks of a process that hangs inside a transaction.
	idleInTxTimeout = 30 * time.Second
	// acquireTimeout bounds the wait for a free connection, so that a full pool answers instead of queueing without end.
	acquireTimeout = 5 * time.Second
	// startTimeout is how long Open and Migrate wait for a server that is still starting.
	startTimeout = 30 * time.Second
)

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	for _, f := range []struct{ name, value string }{
		{"POSTERN_POSTGRES_ADDR", c.Addr},
		{"POSTERN_POSTGRES_DATABASE", c.Database},
		{"POSTERN_POSTGRES_USER", c.User},
		{"POSTERN_POSTGRES_SCHEMA", c.Schema},
	} {
		if f.value == "" {
			return fmt.Errorf("%s is not set", f.name)
		}
	}
	if !plainName.MatchString(c.Schema) {
		return fmt.Errorf("POSTERN_POSTGRES_SCHEMA %q is not a plain lower-case name", c.Schema)
	}
	if _, _, err := c.hostPort(); err != nil {
		return fmt.Errorf("POSTERN_POSTGRES_ADDR %q is neither host:port nor a socket directory", c.Addr)
	}
	if c.OwnerUser != "" && c.OwnerUser == c.User {
		return errors.New("POSTERN_POSTGRES_OWNER_USER must differ from POSTERN_POSTGRES_USER: an owner is not held by row-level security")
	}
	if c.MaxConns < 0 {
		return errors.New("POSTERN_POSTGRES_MAX_CONNS is negative")
	}
	if c.MaxConns == 0 {
		c.MaxConns = defaultMaxConns
	}
	return nil
}

func (c *Config) hostPort() (string, uint16, error) {
	if strings.HasPrefix(c.Addr, "/") {
		return c.Addr, 5432, nil
	}
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", 0, err
	}
	return host, uint16(n), nil
}

// connConfig is how to connect as user; the password is filled in by readPassword, connection by connection.
func (c *Config) connConfig(user string) (*pgx.ConnConfig, error) {
	host, port, err := c.hostPort()
	if err != nil {
		return nil, fmt.Errorf("reading the address: %w", err)
	}
	mode := c.SSLMode
	if mode == "" {
		mode = "prefer"
	}
	// Host and port go through the string, because the TLS settings of each mode are made from them.
	cc, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s dbname=%s sslmode=%s",
		quote(host), port, quote(user), quote(c.Database), quote(mode)))
	if err != nil {
		return nil, fmt.Errorf("reading the connection settings: %w", err)
	}
	cc.ConnectTimeout = connectTimeout
	cc.RuntimeParams["search_path"] = c.Schema
	cc.RuntimeParams["application_name"] = "postern/" + c.Schema
	return cc, nil
}

func readPassword(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path) //nolint:gosec // the path is the operator's configuration
	if err != nil {
		return "", fmt.Errorf("reading the password file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// quote makes s one value of a libpq connection string.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
