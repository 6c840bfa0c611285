package main

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/client"
)

func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	seal, err := cfg.Process.Seal()
	if err != nil {
		return err
	}
	neighbours, err := cfg.Process.MTLS.Client()
	if err != nil {
		return err
	}
	deps := client.Deps{
		Log: tel.Log, Seal: seal, Now: time.Now,
		Tokens: tokenapiconnect.NewTokenServiceClient(neighbours, cfg.TokenURL, rpckit.ClientOption()),
	}
	if cfg.SettingsURL != "" {
		deps.Settings = tenantapiconnect.NewSettingsServiceClient(neighbours, cfg.SettingsURL, rpckit.ClientOption())
	}
	service, err := client.New(ctx, cfg.Config, deps)
	if err != nil {
		return err
	}
	defer service.Close()
	return processkit.Serve(ctx, "client", cfg.Process, tel, service)
}
