package router

import (
	"errors"

	"github.com/postern-id/postern/libs/natskit"
)

// Config of a router.
type Config struct {
	// BaseDomain is what the platform's own hosts end in. Zero means postern.localhost.
	BaseDomain string `env:"POSTERN_BASE_DOMAIN"`
	// Regions are those whose hosts this router answers for; the others are 404 here. None: all regions.
	Regions []string `env:"POSTERN_REGIONS"`
	// PublicPort is the HTTPS port as the world sees it, part of issuers unless 443. Zero means 443. HTTPPort is the other listener's.
	PublicPort int `env:"POSTERN_PUBLIC_PORT"`
	HTTPPort   int `env:"POSTERN_PUBLIC_HTTP_PORT"`
	// DirectoryFile keeps the directory over restarts; with it, known hosts are served while everything else is away.
	DirectoryFile string `env:"POSTERN_DIRECTORY_FILE"`
	// CACertFile and CAKeyFile are the authority that leaves are made from.
	CACertFile string         `env:"POSTERN_CA_CERT_FILE"`
	CAKeyFile  string         `env:"POSTERN_CA_KEY_FILE"`
	NATS       natskit.Config `env:",squash"` // of the control account
	// TenantRPS and TenantBurst bound one tenant's requests a second and at once. Zero means no limit.
	TenantRPS   float64 `env:"POSTERN_TENANT_RPS"`
	TenantBurst int     `env:"POSTERN_TENANT_BURST"`
	// ManagementRPS and ManagementBurst bound one tenant's calls of the Management API, which the limit above counts, too. Zero means 500 a
	// second and twice the rate at once; a negative rate means no limit.
	ManagementRPS   float64 `env:"POSTERN_MANAGEMENT_RPS"`
	ManagementBurst int     `env:"POSTERN_MANAGEMENT_BURST"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.BaseDomain == "" {
		c.BaseDomain = "postern.localhost"
	}
	if c.PublicPort == 0 {
		c.PublicPort = 443
	}
	if c.CACertFile == "" || c.CAKeyFile == "" {
		return errors.New("POSTERN_CA_CERT_FILE and POSTERN_CA_KEY_FILE must name the certificate authority")
	}
	if c.TenantBurst < 1 && c.TenantRPS > 0 {
		c.TenantBurst = int(max(1, 2*c.TenantRPS))
	}
	if c.ManagementRPS == 0 {
		c.ManagementRPS = 500
	}
	if c.ManagementBurst < 1 {
		c.ManagementBurst = int(max(1, 2*c.ManagementRPS))
	}
	return c.NATS.Validate()
}
