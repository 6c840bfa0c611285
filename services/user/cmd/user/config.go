package main

import (
	"errors"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/services/user"
)

// Config of the process.
type Config struct {
	user.Config `env:",squash"`

	Process processkit.Config `env:",squash"`
	// The neighbours' internal addresses, https://host:port.
	TokenURL  string `env:"POSTERN_TOKEN_URL"`
	ClientURL string `env:"POSTERN_CLIENT_URL"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.TokenURL == "" || c.ClientURL == "" {
		return errors.New("POSTERN_TOKEN_URL and POSTERN_CLIENT_URL must be set")
	}
	if err := c.Process.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
