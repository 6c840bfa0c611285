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
	// The neighbours' internal addresses, https://host:port.
	TokenURL    string `env:"POSTERN_TOKEN_URL"`
	SettingsURL string `env:"POSTERN_SETTINGS_URL"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.TokenURL == "" || c.SettingsURL == "" {
		return errors.New("POSTERN_TOKEN_URL and POSTERN_SETTINGS_URL must be set")
	}
	if err := c.Process.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
