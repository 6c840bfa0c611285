package main

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	public, err := httpkit.Listen(ctx, cfg.ListenAddr)
	if err != nil {
		return err
	}
	internal, err := httpkit.Listen(ctx, cfg.InternalAddr)
	if err != nil {
		return err
	}
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	publicTLS, err := cfg.publicTLS()
	if err != nil {
		return err
	}
	half, err := process.Open(ctx, cfg.Config, tel)
	if err != nil {
		return err
	}
	defer half.Close()
	checks := []httpkit.Ready{{Name: "tenant", Check: half.Ready}}
	return runner.Run(ctx, half.RunTasks,
		httpkit.Serve(public, half.Handler(), publicTLS),
		httpkit.Serve(internal, half.Internal(), cfg.MTLS.Server()),
		httpkit.Serve(private, httpkit.Private(tel.Metrics(), checks), nil))
}

// publicTLS is nil where the router speaks plain HTTP to its services.
func (c *Config) publicTLS() (*tls.Config, error) {
	if c.TLSCertFile == "" {
		return nil, nil //nolint:nilnil // no TLS is a choice
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
}
