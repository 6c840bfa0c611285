package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/console"
	"github.com/postern-id/postern/services/router"
	"github.com/postern-id/postern/services/tenant"
)

// run is the wiring of the whole house: listeners first, so that a port in use fails at once; then control plane, cells, console,
// and the router in front of them.
func run(ctx context.Context, cfg Config, tel *telemetry.Telemetry) error {
	https, err := httpkit.Listen(ctx, cfg.HTTPSAddr)
	if err != nil {
		return err
	}
	defer https.Close()
	plain, err := httpkit.Listen(ctx, cfg.HTTPAddr)
	if err != nil {
		return err
	}
	defer plain.Close()
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	defer private.Close()

	var refs []tenant.CellRef
	for _, ref := range cfg.cells {
		refs = append(refs, tenant.CellRef{Name: ref.name, Region: ref.region})
	}
	control, err := tenant.NewControl(ctx, tenant.ControlConfig{
		Postgres: cfg.postgresControl(), NATS: cfg.nats("control", "tenant"), Temporal: cfg.temporal(),
		BaseDomain: cfg.BaseDomain, PublicPort: cfg.port, Cells: refs, SMTPAddr: cfg.SMTPAddr,
	}, tenant.ControlDeps{Log: tel.Log, Now: time.Now})
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	defer control.Close()

	cells, err := openCells(ctx, cfg, tel.Log)
	if err != nil {
		return err
	}
	defer cells.close()

	pages, err := console.New(ctx, console.Config{BaseDomain: cfg.BaseDomain, PublicPort: cfg.port}, console.Deps{
		Log: tel.Log, Now: time.Now,
		Accounts: tenantapiconnect.NewAccountServiceClient(rpckit.Client(control.Internal()), rpckit.InProcessURL, rpckit.ClientOption()),
	})
	if err != nil {
		return fmt.Errorf("starting the console: %w", err)
	}

	system := map[string]http.Handler{
		"api." + cfg.BaseDomain:    control.Handler(),
		"manage." + cfg.BaseDomain: pages.Handler(),
	}
	if cfg.MailUpstream != "" {
		mail, err := url.Parse(cfg.MailUpstream)
		if err != nil {
			return fmt.Errorf("POSTERN_MAIL_UPSTREAM: %w", err)
		}
		system["mail."+cfg.BaseDomain] = httputil.NewSingleHostReverseProxy(mail)
	}
	checks := append(cells.ready(), httpkit.Ready{Name: "control", Check: control.Ready}, httpkit.Ready{Name: "console", Check: pages.Ready})
	edge, err := router.New(ctx, router.Config{
		BaseDomain: cfg.BaseDomain, PublicPort: cfg.port, HTTPPort: portOf(plain.Addr()), DirectoryFile: cfg.DirectoryFile,
		CACertFile: cfg.CACertFile, CAKeyFile: cfg.CAKeyFile, NATS: cfg.nats("control", "router"),
		TenantRPS: cfg.TenantRPS, TenantBurst: cfg.TenantBurst,
	}, router.Deps{
		Log: tel.Log, Now: time.Now, Seals: cells.seals, Cells: cells.backends, System: system, Readyz: httpkit.Readyz(checks),
	})
	if err != nil {
		return fmt.Errorf("starting the router: %w", err)
	}
	defer edge.Close()
	checks = append(checks, httpkit.Ready{Name: "router", Check: edge.Ready})

	tasks := []runner.Task{
		control.Run, pages.Run, edge.Run,
		httpkit.Serve(https, edge.HTTPS(), edge.TLS()),
		httpkit.Serve(plain, edge.HTTP(), nil),
		httpkit.Serve(private, httpkit.Private(tel.Metrics(), checks), nil),
	}
	return runner.Run(ctx, append(tasks, cells.tasks()...)...)
}

// sealOf opens the key file by which a cell's router proves tenants.
func sealOf(dir, cell string) (*tenancy.Seal, error) {
	key, err := readKey(dir, cell)
	if err != nil {
		return nil, err
	}
	seal, err := tenancy.NewSeal(key, time.Now)
	if err != nil {
		return nil, fmt.Errorf("cell %s: %w", cell, err)
	}
	return seal, nil
}
