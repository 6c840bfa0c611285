// Command tenant-worker carries operations out: the recipes and the control plane's steps, or a cell's steps when POSTERN_CELL
// is set. It answers nobody.
package main

import (
	"context"
	"os"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func main() {
	var cfg process.Config
	os.Exit(processkit.Main("tenant-worker", &cfg, func(ctx context.Context, tel *telemetry.Telemetry) error { return run(ctx, cfg, tel) }))
}
