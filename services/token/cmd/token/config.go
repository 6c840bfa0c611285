package main

import (
	"errors"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/services/token"
)

// Config of the process.
type Config struct {
	token.Config `env:",squash"`

	Process processkit.Config `env:",squash"`
	// The neighbours' internal addresses, https://host:port.
	ClientURL   string `env:"POSTERN_CLIENT_URL"`
	UserURL     string `env:"POSTERN_USER_URL"`
	SettingsURL string `env:"POSTERN_SETTINGS_URL"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.ClientURL == "" || c.UserURL == "" || c.SettingsURL == "" {
		return errors.New("POSTERN_CLIENT_URL, POSTERN_USER_URL and POSTERN_SETTINGS_URL must be set")
	}
	if err := c.Process.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
