package tenant

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/services/tenant/internal/directory"
	"github.com/postern-id/postern/services/tenant/internal/httpapi"
	"github.com/postern-id/postern/services/tenant/internal/mail"
	"github.com/postern-id/postern/services/tenant/internal/password"
	"github.com/postern-id/postern/services/tenant/internal/rpc"
	"github.com/postern-id/postern/services/tenant/internal/store/control"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
	"github.com/postern-id/postern/services/tenant/internal/workflow"
)

// ControlDeps is what the control plane needs of its process.
type ControlDeps struct {
	Log *slog.Logger
	Now clock.Now
}

// Control is the control plane.
type Control struct {
	log      *slog.Logger
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	temporal client.Client
	handler  http.Handler
	internal http.Handler
	work     *tenant.Work
	starter  *tenant.Starter
	worker   *temporalkit.Worker
}

// NewControl opens the control plane's engines, migrates its schema and wires it. NATS and Temporal may be away: sign-ups wait.
func NewControl(ctx context.Context, cfg ControlConfig, deps ControlDeps) (*Control, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := pgkit.Migrate(ctx, cfg.Postgres, control.Migrations(), deps.Log); err != nil {
		return nil, err
	}
	pool, err := pgkit.Open(ctx, cfg.Postgres, deps.Log)
	if err != nil {
		return nil, err
	}
	c := &Control{log: deps.Log, pool: pool}
	if err := c.wire(ctx, cfg, deps); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Control) wire(ctx context.Context, cfg ControlConfig, deps ControlDeps) (err error) {
	if c.nats, err = natskit.Connect(ctx, cfg.NATS, deps.Log); err != nil {
		return err
	}
	if c.temporal, err = temporalkit.Dial(ctx, cfg.Temporal, deps.Log); err != nil {
		return err
	}
	where := cfg.geography()
	postman, err := mail.New(cfg.SMTPAddr, cfg.BaseDomain, cfg.consoleURL())
	if err != nil {
		return err
	}
	store := control.New(c.pool)
	c.work = tenant.NewWork(tenant.WorkDeps{
		Map: where, Store: store, Directory: directory.New(c.nats, directory.Declared(), deps.Now), Postman: postman, Now: deps.Now,
	})
	c.starter = tenant.NewStarter(store, &workflow.Starter{Client: c.temporal, Map: where}, deps.Now, deps.Log)
	c.worker = temporalkit.NewWorker(c.temporal, workflow.ControlQueue, func(r worker.Registry) {
		workflow.RegisterControl(r, &workflow.Control{Work: c.work})
	}, worker.Options{}, deps.Log)

	accounts := tenant.NewAccounts(tenant.AccountsDeps{
		Map: where, Store: store, Passwords: password.New(), Kick: c.starter.Kick, Now: deps.Now, Traceparent: telemetry.Traceparent,
	})
	if c.handler, err = httpapi.NewPlatform(accounts, deps.Log); err != nil { //nolint:contextcheck // a handler has its requests' contexts
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(tenantapiconnect.NewAccountServiceHandler(&rpc.Accounts{Accounts: accounts}, rpckit.ServerOption(deps.Log)))
	c.internal = mux
	return nil
}

func (c *ControlConfig) consoleURL() string {
	host := "manage." + c.BaseDomain
	if c.PublicPort != 0 && c.PublicPort != 443 {
		host += ":" + strconv.Itoa(c.PublicPort)
	}
	return "https://" + host + "/"
}

// Handler is the Platform API, for api.<base>.
func (c *Control) Handler() http.Handler { return c.handler }

// Internal is AccountService, for the console.
func (c *Control) Internal() http.Handler { return c.internal }

// Run does all that goes on behind the doors until ctx ends: RunTasks and RunWorker together.
func (c *Control) Run(ctx context.Context) error { return runner.Run(ctx, c.RunTasks, c.RunWorker) }

// RunTasks begins kept operations and keeps the directory right, until ctx ends.
func (c *Control) RunTasks(ctx context.Context) error {
	return runner.Run(ctx, c.starter.Run, c.republish)
}

// RunWorker carries operations out, until ctx ends.
func (c *Control) RunWorker(ctx context.Context) error { return c.worker.Run(ctx) }

// How often the directory is compared with the database: at once at the start, until that succeeded, and then now and then.
const (
	republishRetry = time.Second
	republishEvery = 5 * time.Minute
)

func (c *Control) republish(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := republishEvery
		switch mended, err := c.work.Republish(ctx); {
		case err != nil && ctx.Err() == nil:
			wait = republishRetry
			c.log.DebugContext(ctx, "directory not compared", slog.String(telemetry.KeyCause, err.Error()))
		case mended > 0:
			c.log.InfoContext(ctx, "directory mended", slog.Int(telemetry.KeyCount, mended))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// Ready says whether the database answers. Without NATS and Temporal the control plane still takes sign-ups.
func (c *Control) Ready(ctx context.Context) error {
	if err := pgkit.Ready(ctx, c.pool); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// Close ends the engines' connections.
func (c *Control) Close() {
	if c.temporal != nil {
		c.temporal.Close()
	}
	if c.nats != nil {
		c.nats.Close()
	}
	c.pool.Close()
}
