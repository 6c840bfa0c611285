package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

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
	defer func() { _ = https.Close() }()
	plain, err := listenPlain(ctx, cfg.HTTPAddr)
	if err != nil {
		return err
	}
	if plain != nil {
		defer func() { _ = plain.Close() }()
	}
	private, err := httpkit.Listen(ctx, cfg.PrivateAddr)
	if err != nil {
		return err
	}
	defer func() { _ = private.Close() }()
	if cfg.PublicPort == 0 {
		cfg.PublicPort = portOf(https)
	}

	var refs []tenant.CellRef
	for _, ref := range cfg.cells {
		refs = append(refs, tenant.CellRef{Name: ref.name, Region: ref.region})
	}
	control, err := tenant.NewControl(ctx, tenant.ControlConfig{
		Postgres: cfg.postgresControl(), NATS: cfg.nats("control", "tenant"), Temporal: cfg.temporal(),
		BaseDomain: cfg.BaseDomain, PublicPort: cfg.PublicPort, Cells: refs, SMTPAddr: cfg.SMTPAddr,
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

	pages, err := console.New(ctx, console.Config{BaseDomain: cfg.BaseDomain, PublicPort: cfg.PublicPort}, console.Deps{
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
		mails := httpkit.NewEngine(httpkit.Config{Service: "mail", Log: tel.Log}) //nolint:contextcheck // requests bring their own
		mails.Any("/*path", gin.WrapH(httputil.NewSingleHostReverseProxy(mail)))
		system["mail."+cfg.BaseDomain] = mails
	}
	var edge *router.Service // asked only once it serves
	checks := append(cells.ready(), httpkit.Ready{Name: "router", Check: func(ctx context.Context) error { return edge.Ready(ctx) }},
		httpkit.Ready{Name: "control", Check: control.Ready}, httpkit.Ready{Name: "console", Check: pages.Ready})
	edge, err = router.New(ctx, router.Config{
		BaseDomain: cfg.BaseDomain, PublicPort: cfg.PublicPort, HTTPPort: portOf(plain), DirectoryFile: cfg.DirectoryFile,
		CACertFile: cfg.CACertFile, CAKeyFile: cfg.CAKeyFile, NATS: cfg.nats("control", "router"),
		TenantRPS: cfg.TenantRPS, TenantBurst: cfg.TenantBurst, ManagementRPS: cfg.ManagementRPS, ManagementBurst: cfg.ManagementBurst,
	}, router.Deps{
		Log: tel.Log, Now: time.Now, Seals: cells.seals, Cells: cells.backends, System: system, Readyz: httpkit.Readyz(checks),
	})
	if err != nil {
		return fmt.Errorf("starting the router: %w", err)
	}
	defer edge.Close()
	tasks := []runner.Task{
		control.Run, pages.Run, edge.Run,
		httpkit.Server{Listener: https, Handler: edge.HTTPS(), TLS: edge.TLS(), Log: tel.Log}.Run,
		httpkit.Server{Listener: private, Handler: httpkit.Private(tel.Metrics(), checks), Log: tel.Log}.Run,
	}
	if plain != nil {
		tasks = append(tasks, httpkit.Server{Listener: plain, Handler: edge.HTTP(), Log: tel.Log}.Run)
	}
	return runner.Run(ctx, append(tasks, cells.tasks()...)...)
}

// listenPlain opens the listener without TLS; none when it is switched off, as it should be wherever passwords cross a network.
func listenPlain(ctx context.Context, addr string) (net.Listener, error) {
	if addr == plainOff {
		return nil, nil //nolint:nilnil // no listener is a choice
	}
	return httpkit.Listen(ctx, addr)
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
