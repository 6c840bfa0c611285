package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router"
	"github.com/postern-id/postern/services/router/internal/forward"
)

func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	transport := forward.Plain()
	if cfg.MTLS != (rpckit.MTLS{}) {
		if err := cfg.MTLS.Validate(); err != nil {
			return err
		}
		services, err := cfg.MTLS.Client()
		if err != nil {
			return err
		}
		transport = services.Transport
	}
	cells, err := forward.Backends(cfg.Backends, transport, tel.Log)
	if err != nil {
		return fmt.Errorf("POSTERN_BACKENDS: %w", err)
	}
	seals := map[string]*tenancy.Seal{}
	for cell := range cells {
		key, err := os.ReadFile(filepath.Join(cfg.EdgeKeyDir, filepath.Base(cell)))
		if err != nil {
			return fmt.Errorf("reading the edge key: %w", err)
		}
		if seals[cell], err = tenancy.NewSeal(key, time.Now); err != nil {
			return fmt.Errorf("cell %s: %w", cell, err)
		}
	}
	system := map[string]http.Handler{}
	for _, item := range config.List(cfg.System) {
		host, raw, _ := strings.Cut(item, "=")
		target, err := url.Parse(raw)
		if err != nil || host == "" || target.Host == "" {
			return fmt.Errorf("POSTERN_SYSTEM_HOSTS has %q, want host=URL", item)
		}
		system[host] = forward.Proxy(target, transport, tel.Log)
	}
	https, err := httpkit.Listen(ctx, cfg.HTTPSAddr)
	if err != nil {
		return err
	}
	plain, err := httpkit.Listen(ctx, cfg.HTTPAddr)
	if err != nil {
		return err
	}
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	s, err := router.New(ctx, cfg.Config, router.Deps{Log: tel.Log, Now: time.Now, Seals: seals, Cells: cells, System: system})
	if err != nil {
		return err
	}
	defer s.Close()
	checks := []httpkit.Ready{{Name: "directory", Check: s.Ready}}
	return runner.Run(ctx, s.Run,
		httpkit.Server{Listener: https, Handler: s.HTTPS(), TLS: s.TLS(), Log: tel.Log}.Run,
		httpkit.Server{Listener: plain, Handler: s.HTTP(), Log: tel.Log}.Run,
		httpkit.Server{Listener: private, Handler: httpkit.Private(tel.Metrics(), checks), Log: tel.Log}.Run)
}
