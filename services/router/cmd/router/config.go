package main

import (
	"errors"

	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/router"
)

// Config of the router process.
type Config struct {
	router.Config `env:",squash"`

	// HTTPSAddr and HTTPAddr are the public listeners, PrivateAddr the operator's. Zero means :8443, :8080 and 127.0.0.1:8081.
	HTTPSAddr   string `env:"POSTERN_HTTPS_ADDR"`
	HTTPAddr    string `env:"POSTERN_HTTP_ADDR"`
	PrivateAddr string `env:"POSTERN_PRIVATE_ADDR"`
	// Backends are the cells' services as cell/service=URL, separated by commas.
	Backends string `env:"POSTERN_BACKENDS"`
	// System are the platform's own hosts as host=URL: api.<base>, manage.<base>.
	System string `env:"POSTERN_SYSTEM_HOSTS"`
	// EdgeKeyDir holds one 32-byte key a cell.
	EdgeKeyDir string `env:"POSTERN_EDGE_KEY_DIR"`
	// MTLS is how the router proves itself to the services. All files zero: the services are plain, on this machine.
	MTLS rpckit.MTLS `env:",squash"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	for field, fallback := range map[*string]string{&c.HTTPSAddr: ":8443", &c.HTTPAddr: ":8080", &c.PrivateAddr: "127.0.0.1:8081"} {
		if *field == "" {
			*field = fallback
		}
	}
	if c.Backends == "" || c.EdgeKeyDir == "" {
		return errors.New("POSTERN_BACKENDS and POSTERN_EDGE_KEY_DIR must say where the services are and how tenants are proved to them")
	}
	return c.Config.Validate()
}
