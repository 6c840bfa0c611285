package tenant

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/auditkit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/keykit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/temporalkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/tenant/internal/httpapi"
	"github.com/postern-id/postern/services/tenant/internal/neighbour"
	"github.com/postern-id/postern/services/tenant/internal/rpc"
	"github.com/postern-id/postern/services/tenant/internal/store/cell"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
	"github.com/postern-id/postern/services/tenant/internal/transit"
	"github.com/postern-id/postern/services/tenant/internal/workflow"
)

// CellDeps is what a cell's half needs of its process and its neighbours.
type CellDeps struct {
	Log     *slog.Logger
	Seal    *tenancy.Seal
	Tokens  tokenapiconnect.TokenServiceClient
	Clients clientapiconnect.ClientServiceClient
	Users   userapiconnect.UserServiceClient
	Now     clock.Now
}

// Cell is a cell's half.
type Cell struct {
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	vault    *vaultkit.Client
	temporal client.Client
	handler  http.Handler
	internal http.Handler
	relay    *pgkit.Relay
	keys     *keykit.Keys
	worker   *temporalkit.Worker
}

// NewCell opens the engines of a cell's half, migrates its schema and wires it.
func NewCell(ctx context.Context, cfg CellConfig, deps CellDeps) (*Cell, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := pgkit.Migrate(ctx, cfg.Postgres, cell.Migrations(), deps.Log); err != nil {
		return nil, err
	}
	pool, err := pgkit.Open(ctx, cfg.Postgres, deps.Log)
	if err != nil {
		return nil, err
	}
	c := &Cell{pool: pool}
	if err := c.wire(ctx, cfg, deps); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cell) wire(ctx context.Context, cfg CellConfig, deps CellDeps) (err error) {
	if c.nats, err = natskit.Connect(ctx, cfg.NATS, deps.Log); err != nil {
		return err
	}
	if c.vault, err = vaultkit.Open(ctx, cfg.Vault, deps.Log); err != nil {
		return err
	}
	if c.temporal, err = temporalkit.Dial(ctx, cfg.Temporal, deps.Log); err != nil {
		return err
	}
	c.relay = &pgkit.Relay{Pool: c.pool, Schema: cfg.Postgres.Schema, PublishAll: c.nats.PublishAll, Log: deps.Log}
	store := cell.New(c.pool, deps.Now, c.relay.Kick)
	settings := tenant.NewSettingsService(store)
	c.keys = keykit.New(deps.Tokens, c.nats, deps.Now, deps.Log)
	//nolint:contextcheck // a handler has its requests' contexts
	c.handler = httpapi.NewManagement(settings, &jwtkit.Verifier{Keys: c.keys, Now: deps.Now}, deps.Seal, deps.Log,
		mgmtkit.WithRecorder(&auditkit.Lines{Pool: c.pool, Kick: c.relay.Kick, Now: deps.Now}))
	mux := http.NewServeMux()
	mux.Handle(tenantapiconnect.NewSettingsServiceHandler(&rpc.Settings{Settings: settings}, rpckit.ServerOption(deps.Log)))
	c.internal = mux

	work := &tenant.CellWork{
		Settings: store, Keys: transit.New(c.vault),
		Neighbours: &neighbour.Cell{Clients: deps.Clients, Users: deps.Users, Tokens: deps.Tokens},
	}
	c.worker = temporalkit.NewWorker(c.temporal, workflow.CellQueue(cfg.Cell), func(r worker.Registry) {
		workflow.RegisterCell(r, &workflow.Cell{Work: work})
	}, worker.Options{DisableWorkflowWorker: true}, deps.Log)
	return nil
}

// Handler is the cell's part of the Management API that the tenant service answers.
func (c *Cell) Handler() http.Handler { return c.handler }

// Internal is SettingsService, for the cell's services.
func (c *Cell) Internal() http.Handler { return c.internal }

// Run does all that goes on behind the doors until ctx ends: RunTasks and RunWorker together.
func (c *Cell) Run(ctx context.Context) error { return runner.Run(ctx, c.RunTasks, c.RunWorker) }

// RunTasks publishes what the store recorded and follows what others publish, until ctx ends.
func (c *Cell) RunTasks(ctx context.Context) error {
	return runner.Run(ctx, c.relay.Run, c.keys.Run)
}

// RunWorker takes the cell's steps of operations, which alone need Vault, until ctx ends.
func (c *Cell) RunWorker(ctx context.Context) error {
	return runner.Run(ctx, c.vault.Run, c.worker.Run)
}

// Ready says whether the engines that requests need answer.
func (c *Cell) Ready(ctx context.Context) error {
	if err := pgkit.Ready(ctx, c.pool); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// Close ends the engines' connections.
func (c *Cell) Close() {
	if c.temporal != nil {
		c.temporal.Close()
	}
	if c.nats != nil {
		c.nats.Close()
	}
	c.pool.Close()
}
