// Command postern-server runs every service of Postern in one process: the control plane, the router, the console, and the
// services of each cell, joined without sockets. It is what a laptop and a single-node install run.
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
	"github.com/postern-id/postern/libs/processkit"
	"github.com/postern-id/postern/libs/telemetry"
)

func main() {
	os.Exit(start())
}

func start() int {
	processkit.GrowHeap()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	var cfg Config
	if err := config.Load(&cfg); err != nil {
		fmt.Fprintln(os.Stderr, "postern-server:", err)
		return 2
	}
	tel, err := telemetry.Setup(ctx, "postern", os.Stderr, cfg.level())
	if err != nil {
		fmt.Fprintln(os.Stderr, "postern-server:", err)
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
