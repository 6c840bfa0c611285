// Command tenant serves one half of the tenant service as a process of its own: the control plane, or a cell's half when POSTERN_CELL
// is set. What operations do runs in tenant-worker.
package main

import (
	"context"
	"os"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
)

func main() {
	var cfg Config
	os.Exit(processkit.Main("tenant", &cfg, func(ctx context.Context, tel *telemetry.Telemetry) error { return run(ctx, cfg, tel) }))
}
