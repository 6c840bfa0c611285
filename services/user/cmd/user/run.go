package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user"
)

func run(ctx context.Context) error {
	var cfg settings
	if err := config.Load(&cfg); err != nil {
		return err
	}
	tel, err := telemetry.Setup(ctx, "user", os.Stderr, slog.LevelInfo)
	if err != nil {
		return err
	}
	defer tel.Stop(context.WithoutCancel(ctx))
	key, err := os.ReadFile(cfg.EdgeKeyFile)
	if err != nil {
		return fmt.Errorf("reading the edge key: %w", err)
	}
	seal, err := tenancy.NewSeal(key, time.Now)
	if err != nil {
		return err
	}
	neighbours, err := cfg.MTLS.Client()
	if err != nil {
		return err
	}
	service, err := user.New(ctx, cfg.Config, user.Deps{
		Log: tel.Log, Seal: seal, Now: time.Now,
		Tokens:  tokenapiconnect.NewTokenServiceClient(neighbours, cfg.TokenURL, rpckit.ClientOption()),
		Clients: clientapiconnect.NewClientServiceClient(neighbours, cfg.ClientURL, rpckit.ClientOption()),
	})
	if err != nil {
		return err
	}
	defer service.Close()

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
	return runner.Run(ctx, service.Run,
		httpkit.Serve(public, service.Handler(), publicTLS),
		httpkit.Serve(internal, service.Internal(), cfg.MTLS.Server()),
		httpkit.Serve(private, httpkit.Private(tel.Metrics(), []httpkit.Ready{{Name: "user", Check: service.Ready}}), nil),
	)
}

// publicTLS is nil where the router speaks plain HTTP to its services.
func (c *settings) publicTLS() (*tls.Config, error) {
	if c.TLSCertFile == "" {
		return nil, nil //nolint:nilnil // no TLS is a choice
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
}
