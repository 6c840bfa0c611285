package main

import (
	"errors"

	"github.com/postern-id/postern/services/tenant/internal/process"
)

// Config of the process.
type Config struct {
	process.Config `env:",squash"`

	// ListenAddr takes the router's requests, InternalAddr the neighbours' calls, both over mTLS.
	ListenAddr   string `env:"POSTERN_LISTEN_ADDR"`
	InternalAddr string `env:"POSTERN_INTERNAL_ADDR"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.ListenAddr == "" || c.InternalAddr == "" {
		return errors.New("POSTERN_LISTEN_ADDR and POSTERN_INTERNAL_ADDR must be set")
	}
	if err := c.MTLS.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
