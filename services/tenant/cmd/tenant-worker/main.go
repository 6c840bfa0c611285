// Command tenant-worker carries operations out: the recipes and the control plane's steps, or a cell's steps when POSTERN_CELL
// is set. It answers nobody.
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
	"github.com/postern-id/postern/services/tenant/internal/process"
)

func main() {
	os.Exit(start())
}

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cfg process.Config
	if err := config.Load(&cfg); err != nil {
		fmt.Fprintln(os.Stderr, "tenant-worker:", err)
		return 2
	}
	tel, err := telemetry.Setup(ctx, "tenant-worker", os.Stderr, slog.LevelInfo)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tenant-worker:", err)
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
