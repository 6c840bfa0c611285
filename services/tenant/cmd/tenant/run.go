package main

import (
	"context"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	half, err := process.Open(ctx, cfg.Config, tel)
	if err != nil {
		return err
	}
	defer half.Close()
	listeners := processkit.Config{ListenAddr: cfg.ListenAddr, InternalAddr: cfg.InternalAddr, PrivateAddr: cfg.PrivateAddr, MTLS: cfg.MTLS}
	return processkit.Serve(ctx, "tenant", listeners, tel, door{half})
}

// door is a half without its worker: what operations do runs in tenant-worker.
type door struct{ process.Half }

// Run runs the half's tasks.
func (d door) Run(ctx context.Context) error { return d.RunTasks(ctx) }
