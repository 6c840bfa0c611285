// Package process is what the service's commands share: which half to open, from the environment.
package process

import (
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/tenant"
)

// Config says which half this process is, and where its engines and neighbours are. With POSTERN_CELL set it is that cell's half, else
// the control plane.
type Config struct {
	// CellHalf and Control read the same variables for the engines they share; only one of them is used.
	CellHalf tenant.CellConfig    `env:",squash"`
	Control  tenant.ControlConfig `env:",squash"`
	// Cells lists the platform's data planes as cell:region, separated by commas; the first one's region is the default. For the
	// control plane.
	Cells string `env:"POSTERN_CELLS"`
	// MTLS is how the process proves itself to its neighbours, and they to it.
	MTLS rpckit.MTLS `env:",squash"`
	// The neighbours' internal addresses, https://host:port. For a cell's half.
	ClientURL string `env:"POSTERN_CLIENT_URL"`
	UserURL   string `env:"POSTERN_USER_URL"`
	TokenURL  string `env:"POSTERN_TOKEN_URL"`
	// EdgeKeyFile holds the 32 bytes that the cell's router seals tenants with. For a cell's half.
	EdgeKeyFile string `env:"POSTERN_EDGE_KEY_FILE"`
	// PrivateAddr serves /healthz, /readyz and /metrics to the operator. Empty means "127.0.0.1:9090".
	PrivateAddr string `env:"POSTERN_PRIVATE_ADDR"`
}

// Validate fills defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.PrivateAddr == "" {
		c.PrivateAddr = "127.0.0.1:9090"
	}
	if c.CellHalf.Cell == "" {
		for _, item := range config.List(c.Cells) {
			name, region, ok := strings.Cut(item, ":")
			if !ok {
				return fmt.Errorf("POSTERN_CELLS has %q, want cell:region", item)
			}
			c.Control.Cells = append(c.Control.Cells, tenant.CellRef{Name: name, Region: region})
		}
		return c.Control.Validate()
	}
	switch {
	case c.ClientURL == "" || c.UserURL == "" || c.TokenURL == "":
		return errors.New("POSTERN_CLIENT_URL, POSTERN_USER_URL and POSTERN_TOKEN_URL must be set")
	case c.EdgeKeyFile == "":
		return errors.New("POSTERN_EDGE_KEY_FILE is not set")
	}
	if err := c.MTLS.Validate(); err != nil {
		return err
	}
	return c.CellHalf.Validate()
}
