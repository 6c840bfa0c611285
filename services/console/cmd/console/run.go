package main

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/console"
)

func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	neighbours, err := cfg.MTLS.Client()
	if err != nil {
		return err
	}
	service, err := console.New(ctx, cfg.Config, console.Deps{
		Log: tel.Log, Now: time.Now,
		Accounts: tenantapiconnect.NewAccountServiceClient(neighbours, cfg.TenantURL, rpckit.ClientOption()),
	})
	if err != nil {
		return err
	}
	defer service.Close()
	public, err := httpkit.Listen(ctx, cfg.ListenAddr)
	if err != nil {
		return err
	}
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	checks := []httpkit.Ready{{Name: "console", Check: service.Ready}}
	return runner.Run(ctx, service.Run,
		httpkit.Server{Listener: public, Handler: service.Handler(), TLS: cfg.MTLS.Server(), Log: tel.Log}.Run,
		httpkit.Server{Listener: private, Handler: httpkit.Private(tel.Metrics(), checks), Log: tel.Log}.Run)
}
