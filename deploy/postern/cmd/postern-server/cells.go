package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client"
	logsvc "github.com/postern-id/postern/services/log"
	"github.com/postern-id/postern/services/tenant"
	"github.com/postern-id/postern/services/token"
	"github.com/postern-id/postern/services/user"
)

// service is the shape that all services share (docs/seams.md).
type service interface {
	Handler() http.Handler
	Internal() http.Handler
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
	Close()
}

// cells are the data planes of this process.
type cells struct {
	seals    map[string]*tenancy.Seal
	backends map[string]map[string]http.Handler // cell → service → public handler
	all      []named
}

type named struct {
	name string
	service
}

func openCells(ctx context.Context, cfg Config, log *slog.Logger) (*cells, error) {
	c := &cells{seals: map[string]*tenancy.Seal{}, backends: map[string]map[string]http.Handler{}}
	for _, ref := range cfg.cells {
		if err := c.open(ctx, cfg, ref, log.With(slog.String(telemetry.KeyCell, ref.name))); err != nil {
			c.close()
			return nil, fmt.Errorf("starting cell %s: %w", ref.name, err)
		}
	}
	return c, nil
}

// open wires one cell. Its services call each other through inside, which is filled as they come up: neighbours need each
// other's address at construction, and their answers only once all are there.
func (c *cells) open(ctx context.Context, cfg Config, ref cellRef, log *slog.Logger) error {
	seal, err := sealOf(cfg.EdgeKeyDir, ref.name)
	if err != nil {
		return err
	}
	c.seals[ref.name] = seal
	inside := http.NewServeMux()
	remote, opt := rpckit.Client(inside), rpckit.ClientOption()
	clients := clientapiconnect.NewClientServiceClient(remote, rpckit.InProcessURL, opt)
	users := userapiconnect.NewUserServiceClient(remote, rpckit.InProcessURL, opt)
	tokens := tokenapiconnect.NewTokenServiceClient(remote, rpckit.InProcessURL, opt)
	settings := tenantapiconnect.NewSettingsServiceClient(remote, rpckit.InProcessURL, opt)

	tokenService, err := token.New(ctx, token.Config{
		Cell: ref.name, Postgres: cfg.postgres(ref.name, "token"), NATS: cfg.nats(ref.name, "token"), Vault: cfg.vault(ref.name, "token"),
		Egress: cfg.Egress,
	}, token.Deps{Log: log, Seal: seal, Clients: clients, Users: users, Settings: settings, Now: time.Now})
	if err != nil {
		return fmt.Errorf("token service: %w", err)
	}
	c.add(ref, "token", tokenService, inside, tokenapiconnect.TokenServiceName)

	clientService, err := client.New(ctx, client.Config{
		Cell: ref.name, Postgres: cfg.postgres(ref.name, "client"), NATS: cfg.nats(ref.name, "client"), Vault: cfg.vault(ref.name, "client"),
		Egress: cfg.Egress,
	}, client.Deps{Log: log, Seal: seal, Tokens: tokens, Settings: settings, Now: time.Now})
	if err != nil {
		return fmt.Errorf("client service: %w", err)
	}
	c.add(ref, "client", clientService, inside, clientapiconnect.ClientServiceName)

	userService, err := user.New(ctx, user.Config{
		Cell: ref.name, Postgres: cfg.postgres(ref.name, "user"), NATS: cfg.nats(ref.name, "user"),
	}, user.Deps{Log: log, Seal: seal, Tokens: tokens, Clients: clients, Now: time.Now})
	if err != nil {
		return fmt.Errorf("user service: %w", err)
	}
	c.add(ref, "user", userService, inside, userapiconnect.UserServiceName)

	logService, err := logsvc.New(ctx, logsvc.Config{
		Cell: ref.name, Postgres: cfg.postgres(ref.name, "log"), NATS: cfg.nats(ref.name, "log"),
	}, logsvc.Deps{Log: log, Seal: seal, Tokens: tokens, Now: time.Now})
	if err != nil {
		return fmt.Errorf("log service: %w", err)
	}
	c.add(ref, "log", logService, inside, "")

	tenantCell, err := tenant.NewCell(ctx, tenant.CellConfig{
		Cell: ref.name, Region: ref.region, Postgres: cfg.postgres(ref.name, "tenant"), NATS: cfg.nats(ref.name, "tenant"),
		Vault: cfg.vault(ref.name, "tenant"), Temporal: cfg.temporal(),
	}, tenant.CellDeps{Log: log, Seal: seal, Tokens: tokens, Clients: clients, Users: users, Now: time.Now})
	if err != nil {
		return fmt.Errorf("tenant service: %w", err)
	}
	c.add(ref, "tenant", tenantCell, inside, tenantapiconnect.SettingsServiceName)
	return nil
}

func (c *cells) add(ref cellRef, name string, s service, inside *http.ServeMux, procedure string) {
	if c.backends[ref.name] == nil {
		c.backends[ref.name] = map[string]http.Handler{}
	}
	c.backends[ref.name][name] = s.Handler()
	if procedure != "" {
		inside.Handle("/"+procedure+"/", s.Internal())
	}
	c.all = append(c.all, named{ref.name + "/" + name, s})
}

func (c *cells) ready() []httpkit.Ready {
	var checks []httpkit.Ready
	for _, s := range c.all {
		checks = append(checks, httpkit.Ready{Name: s.name, Check: s.Ready})
	}
	return checks
}

func (c *cells) tasks() []runner.Task {
	var tasks []runner.Task
	for _, s := range c.all {
		tasks = append(tasks, s.Run)
	}
	return tasks
}

// close closes in the reverse order of opening.
func (c *cells) close() {
	for _, s := range slices.Backward(c.all) {
		s.Close()
	}
}

// readKey reads a cell's edge key; it is a file so that no configuration holds it.
func readKey(dir, cell string) ([]byte, error) {
	key, err := os.ReadFile(filepath.Join(dir, filepath.Base(cell))) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("reading the edge key: %w", err)
	}
	return key, nil
}

// portOf is the port a public listener got; 0 when there is none.
func portOf(l net.Listener) int {
	if l == nil {
		return 0
	}
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		panic(errors.New("a public listener that is not TCP")) // httpkit.Listen opens nothing else
	}
	return tcp.Port
}
