package main

import (
	"errors"

	"github.com/postern-id/postern/services/tenant/internal/process"
)

// Config of the process.
type Config struct {
	process.Config `env:",squash"`

	// ListenAddr takes the router's requests. With TLSCertFile and TLSKeyFile it speaks TLS.
	ListenAddr  string `env:"POSTERN_LISTEN_ADDR"`
	TLSCertFile string `env:"POSTERN_TLS_CERT_FILE"`
	TLSKeyFile  string `env:"POSTERN_TLS_KEY_FILE"`
	// InternalAddr takes the neighbours' calls over mTLS.
	InternalAddr string `env:"POSTERN_INTERNAL_ADDR"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	switch {
	case c.ListenAddr == "" || c.InternalAddr == "":
		return errors.New("POSTERN_LISTEN_ADDR and POSTERN_INTERNAL_ADDR must be set")
	case (c.TLSCertFile == "") != (c.TLSKeyFile == ""):
		return errors.New("POSTERN_TLS_CERT_FILE and POSTERN_TLS_KEY_FILE go together")
	}
	if err := c.MTLS.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
