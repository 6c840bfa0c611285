package vaultkit

import (
	"errors"
	"fmt"
	"net/url"
	"time"
)

const defaultTimeout = 5 * time.Second

// Config says where Vault is and who we are to it. Secrets are paths, read again at each login, so that they can be rotated in place.
type Config struct {
	// Addr is Vault's base URL, "http://127.0.0.1:8200". The VAULT_* variables of the environment are not looked at.
	Addr string `env:"POSTERN_VAULT_ADDR"`
	// Mount is where the cell's transit engine is mounted, "eu/transit"; no slash at either end.
	Mount string `env:"POSTERN_VAULT_MOUNT"`
	// RoleIDFile and SecretIDFile hold the two halves of the AppRole credential (mount auth/approle).
	RoleIDFile   string `env:"POSTERN_VAULT_ROLE_ID_FILE"`
	SecretIDFile string `env:"POSTERN_VAULT_SECRET_ID_FILE"`
	// CAFile holds the PEM certificates Vault's own must descend from. Empty means the machine's roots.
	CAFile string `env:"POSTERN_VAULT_CA_FILE"`
	// Timeout bounds each call to Vault. Zero means 5s.
	Timeout time.Duration `env:"POSTERN_VAULT_TIMEOUT"`
}

// Validate says what is missing or malformed.
func (c Config) Validate() error {
	if u, err := url.Parse(c.Addr); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("the address of vault is %q, want http(s)://host:port", c.Addr)
	}
	switch {
	case c.Mount == "" || c.Mount[0] == '/' || c.Mount[len(c.Mount)-1] == '/':
		return fmt.Errorf("the transit mount is %q, want a path without slashes at its ends", c.Mount)
	case c.RoleIDFile == "":
		return errors.New("the file with vault's role ID is not set")
	case c.SecretIDFile == "":
		return errors.New("the file with vault's secret ID is not set")
	case c.Timeout < 0:
		return fmt.Errorf("the timeout of vault is %s, want more than nothing", c.Timeout)
	}
	return nil
}
