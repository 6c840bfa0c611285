package main

import (
	"errors"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/services/client"
)

// Config of the process.
type Config struct {
	client.Config `env:",squash"`

	Process processkit.Config `env:",squash"`
	// TokenURL is the token service's internal address, https://host:port.
	TokenURL string `env:"POSTERN_TOKEN_URL"`
	// SettingsURL is the tenant service's. Zero: the flags of every tenant stand as on a new one, so that nobody registers a client.
	SettingsURL string `env:"POSTERN_SETTINGS_URL"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.TokenURL == "" {
		return errors.New("POSTERN_TOKEN_URL must be set")
	}
	if err := c.Process.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
