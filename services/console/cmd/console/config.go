package main

import (
	"errors"

	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/console"
)

// Config of the console process.
type Config struct {
	console.Config `env:",squash"`

	// ListenAddr is where the router finds the console, PrivateAddr the operator's side. Zero means :9007 and 127.0.0.1:9107.
	ListenAddr  string `env:"POSTERN_LISTEN_ADDR"`
	PrivateAddr string `env:"POSTERN_PRIVATE_ADDR"`
	// TenantURL is the control plane's internal address.
	TenantURL string      `env:"POSTERN_TENANT_URL"`
	MTLS      rpckit.MTLS `env:",squash"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.ListenAddr == "" {
		c.ListenAddr = ":9007"
	}
	if c.PrivateAddr == "" {
		c.PrivateAddr = "127.0.0.1:9107"
	}
	if c.TenantURL == "" {
		return errors.New("POSTERN_TENANT_URL must say where the control plane is")
	}
	if err := c.MTLS.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
