package main

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/token"
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
	service, err := token.New(ctx, cfg.Config, token.Deps{
		Log: tel.Log, Seal: seal, Now: time.Now,
		Clients:  clientapiconnect.NewClientServiceClient(neighbours, cfg.ClientURL, rpckit.ClientOption()),
		Users:    userapiconnect.NewUserServiceClient(neighbours, cfg.UserURL, rpckit.ClientOption()),
		Settings: tenantapiconnect.NewSettingsServiceClient(neighbours, cfg.SettingsURL, rpckit.ClientOption()),
	})
	if err != nil {
		return err
	}
	defer service.Close()
	return processkit.Serve(ctx, "token", cfg.Process, tel, service)
}
