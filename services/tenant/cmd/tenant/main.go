// Command tenant serves one half of the tenant service as a process of its own: the control plane, or a cell's half when POSTERN_CELL
// is set. What operations do runs in tenant-worker.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/telemetry"
)

func main() {
	os.Exit(start())
}

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cfg Config
	if err := config.Load(&cfg); err != nil {
		fmt.Fprintln(os.Stderr, "tenant:", err)
		return 2
	}
	tel, err := telemetry.Setup(ctx, "tenant", os.Stderr, slog.LevelInfo)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tenant:", err)
		return 1
	}
	defer func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		tel.Stop(flush)
	}()
	if err := run(ctx, cfg, tel); err != nil && ctx.Err() == nil {
		tel.Log.ErrorContext(ctx, "stopped", slog.String(telemetry.KeyCause, err.Error()))
		return 1
	}
	return 0
}
