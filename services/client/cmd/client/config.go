package main

import (
	"errors"

	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/services/client"
)

// settings of the process; see the packages' own structs for the engines.
type settings struct {
	client.Config `env:",squash"`

	// ListenAddr takes the router's requests. With TLSCertFile and TLSKeyFile it speaks TLS.
	ListenAddr  string `env:"POSTERN_LISTEN_ADDR"`
	TLSCertFile string `env:"POSTERN_TLS_CERT_FILE"`
	TLSKeyFile  string `env:"POSTERN_TLS_KEY_FILE"`
	// InternalAddr takes the neighbours' calls over mTLS.
	InternalAddr string      `env:"POSTERN_INTERNAL_ADDR"`
	MTLS         rpckit.MTLS `env:",squash"`
	// PrivateAddr serves /healthz, /readyz and /metrics to the operator. Empty means "127.0.0.1:9090".
	PrivateAddr string `env:"POSTERN_PRIVATE_ADDR"`
	// EdgeKeyFile holds the 32 bytes that the cell's router seals tenants with.
	EdgeKeyFile string `env:"POSTERN_EDGE_KEY_FILE"`
	// TokenURL is the token service's internal address, https://host:port.
	TokenURL string `env:"POSTERN_TOKEN_URL"`
}

// Validate fills the defaults in and says what cannot work.
func (c *settings) Validate() error {
	if c.PrivateAddr == "" {
		c.PrivateAddr = "127.0.0.1:9090"
	}
	switch {
	case c.ListenAddr == "" || c.InternalAddr == "":
		return errors.New("POSTERN_LISTEN_ADDR and POSTERN_INTERNAL_ADDR must be set")
	case (c.TLSCertFile == "") != (c.TLSKeyFile == ""):
		return errors.New("POSTERN_TLS_CERT_FILE and POSTERN_TLS_KEY_FILE go together")
	case c.EdgeKeyFile == "":
		return errors.New("POSTERN_EDGE_KEY_FILE is not set")
	case c.TokenURL == "":
		return errors.New("POSTERN_TOKEN_URL is not set")
	}
	if err := c.MTLS.Validate(); err != nil {
		return err
	}
	return c.Config.Validate()
}
