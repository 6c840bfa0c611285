// Command console is the dashboard as a process of its own.
package main

import (
	"context"
	"os"

	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
)

func main() {
	var cfg Config
	os.Exit(processkit.Main("console", &cfg, func(ctx context.Context, tel *telemetry.Telemetry) error { return run(ctx, cfg, tel) }))
}
