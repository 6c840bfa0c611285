package main

import (
	"context"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func run(ctx context.Context, cfg process.Config, tel *telemetry.Telemetry) error {
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	half, err := process.Open(ctx, cfg, tel)
	if err != nil {
		return err
	}
	defer half.Close()
	checks := []httpkit.Ready{{Name: "tenant-worker", Check: half.Ready}}
	return runner.Run(ctx, half.RunWorker, httpkit.Serve(private, httpkit.Private(tel.Metrics(), checks), nil))
}
