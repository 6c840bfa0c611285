// Package tenant is the wiring of the tenant service's two halves: the control plane (accounts, the Platform API, operations; once)
// and a cell's (settings, the cell's steps of operations; once a cell).
package tenant

import (
	"errors"
	"fmt"

	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// CellRef names a cell and the region it is in.
type CellRef struct{ Name, Region string }

// ControlConfig is the control plane's.
type ControlConfig struct {
	Postgres pgkit.Config       `env:",squash"` // database postern_control, schema control
	NATS     natskit.Config     `env:",squash"` // the control account
	Temporal temporalkit.Config `env:",squash"`
	// BaseDomain is what every host ends in, without port.
	BaseDomain string `env:"POSTERN_BASE_DOMAIN"`
	// PublicPort is where the routers answer HTTPS; 443 (or zero) is not shown in domains.
	PublicPort int `env:"POSTERN_PUBLIC_PORT"`
	// Cells are all cells of the platform; the first one's region is the default.
	Cells []CellRef
	// SMTPAddr is the relay ("host:port") for mail to owners. Empty: none is sent.
	SMTPAddr string `env:"POSTERN_SMTP_ADDR"`
}

// Validate fills defaults in and says what cannot work.
func (c *ControlConfig) Validate() error {
	switch {
	case c.BaseDomain == "":
		return errors.New("POSTERN_BASE_DOMAIN is not set")
	case c.PublicPort < 0 || c.PublicPort > 65535:
		return fmt.Errorf("POSTERN_PUBLIC_PORT is %d", c.PublicPort)
	case len(c.Cells) == 0:
		return errors.New("POSTERN_CELLS names no cell")
	}
	seen := map[string]bool{}
	for _, cell := range c.Cells {
		if cell.Name == "" || cell.Region == "" {
			return errors.New("POSTERN_CELLS has a cell without a name or a region")
		}
		if seen[cell.Name] {
			return fmt.Errorf("POSTERN_CELLS names cell %s twice", cell.Name)
		}
		seen[cell.Name] = true
	}
	return nil
}

func (c *ControlConfig) geography() tenant.Map {
	m := tenant.Map{Base: c.BaseDomain, Port: c.PublicPort}
	for _, cell := range c.Cells {
		m.Cells = append(m.Cells, tenant.Cell{Name: cell.Name, Region: tenant.Region(cell.Region)})
	}
	return m
}

// CellConfig is a cell's half.
type CellConfig struct {
	Cell     string             `env:"POSTERN_CELL"`
	Region   string             `env:"POSTERN_REGION"`
	Postgres pgkit.Config       `env:",squash"` // the cell's database, schema tenant
	NATS     natskit.Config     `env:",squash"` // the cell's account
	Vault    vaultkit.Config    `env:",squash"`
	Temporal temporalkit.Config `env:",squash"`
}

// Validate fills defaults in and says what cannot work.
func (c *CellConfig) Validate() error {
	if c.Cell == "" || c.Region == "" {
		return errors.New("POSTERN_CELL and POSTERN_REGION must say which cell this is")
	}
	return nil
}
