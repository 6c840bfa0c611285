package main

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/user"
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
	service, err := user.New(ctx, cfg.Config, user.Deps{
		Log: tel.Log, Seal: seal, Now: time.Now,
		Tokens:  tokenapiconnect.NewTokenServiceClient(neighbours, cfg.TokenURL, rpckit.ClientOption()),
		Clients: clientapiconnect.NewClientServiceClient(neighbours, cfg.ClientURL, rpckit.ClientOption()),
	})
	if err != nil {
		return err
	}
	defer service.Close()
	return processkit.Serve(ctx, "user", cfg.Process, tel, service)
}
