// Package user is the wiring of the user service: users, identities and credentials, their part of the Management API, and
// UserService for the neighbours in the cell.
package user

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/auditkit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/keykit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/argon"
	"github.com/postern-id/postern/services/user/internal/clients"
	"github.com/postern-id/postern/services/user/internal/httpapi"
	"github.com/postern-id/postern/services/user/internal/rpc"
	"github.com/postern-id/postern/services/user/internal/store"
	"github.com/postern-id/postern/services/user/internal/store/migrations"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Config of the service.
type Config struct {
	// Cell is the data plane this process belongs to.
	Cell     string         `env:"POSTERN_CELL"`
	Postgres pgkit.Config   `env:",squash"`
	NATS     natskit.Config `env:",squash"`
	// The cost of a password hash (argon2id); zero means 19456 KiB, 2 passes, 1 lane. A change reaches a stored hash at its next login.
	HashMemoryKiB uint32 `env:"POSTERN_ARGON2_MEMORY_KIB"`
	HashPasses    uint32 `env:"POSTERN_ARGON2_PASSES"`
	HashLanes     uint8  `env:"POSTERN_ARGON2_LANES"`
	// HashesAtOnce bounds the hashes under way; zero means the number of cores.
	HashesAtOnce int `env:"POSTERN_ARGON2_AT_ONCE"`
}

// Schema is the service's own in its cell's database.
const Schema = "user"

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.Cell == "" {
		return errors.New("POSTERN_CELL is not set")
	}
	if c.Postgres.Schema == "" {
		c.Postgres.Schema = Schema
	}
	if err := c.Postgres.Validate(); err != nil {
		return err
	}
	return c.NATS.Validate()
}

// Deps are what others make.
type Deps struct {
	Log     *slog.Logger
	Seal    *tenancy.Seal
	Tokens  tokenapiconnect.TokenServiceClient
	Clients clientapiconnect.ClientServiceClient
	Now     clock.Now
}

// Service is a wired user service.
type Service struct {
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	relay    *pgkit.Relay
	keys     *keykit.Keys
	public   http.Handler
	internal http.Handler
}

// New opens the engines, migrates the schema and wires the service; it does not serve.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("user service: %w", err)
	}
	hasher, err := argon.New(ctx, argon.Params{MemoryKiB: cfg.HashMemoryKiB, Passes: cfg.HashPasses, Lanes: cfg.HashLanes}, cfg.HashesAtOnce)
	if err != nil {
		return nil, fmt.Errorf("user service: %w", err)
	}
	if err := pgkit.Migrate(ctx, cfg.Postgres, migrations.FS, deps.Log); err != nil {
		return nil, fmt.Errorf("user service: %w", err)
	}
	pool, err := pgkit.Open(ctx, cfg.Postgres, deps.Log)
	if err != nil {
		return nil, fmt.Errorf("user service: %w", err)
	}
	conn, err := natskit.Connect(ctx, cfg.NATS, deps.Log)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("user service: %w", err)
	}
	relay := &pgkit.Relay{Pool: pool, Schema: cfg.Postgres.Schema, Publish: conn.Publish, PublishAll: conn.PublishAll, Log: deps.Log}
	users := user.NewService(user.Deps{
		Store: store.New(pool, relay.Kick), Connections: clients.Connections{Remote: deps.Clients}, Hasher: hasher, Log: deps.Log, Now: deps.Now,
	})
	keys := keykit.New(deps.Tokens, conn, deps.Now, deps.Log)
	engine := httpkit.NewEngine(httpkit.Config{Service: "user", Log: deps.Log, Seal: deps.Seal}) //nolint:contextcheck // requests bring their own
	//nolint:contextcheck // requests bring their own
	httpapi.Mount(engine, &jwtkit.Verifier{Keys: keys, Now: deps.Now}, users, mgmtkit.WithRecorder(&auditkit.Lines{Pool: pool, Kick: relay.Kick, Now: deps.Now}))
	return &Service{pool: pool, nats: conn, relay: relay, keys: keys, public: engine, internal: rpc.Handler(users, deps.Log)}, nil
}

// Handler serves the public routes; the router is in front.
func (s *Service) Handler() http.Handler { return s.public }

// Internal serves UserService to the neighbours.
func (s *Service) Internal() http.Handler { return s.internal }

// Run publishes the outbox and follows the changes of keys until ctx ends.
func (s *Service) Run(ctx context.Context) error { return runner.Run(ctx, s.relay.Run, s.keys.Run) }

// Ready says whether the engines answer, naming the one that does not. NATS away is not unready: facts wait in the outbox.
func (s *Service) Ready(ctx context.Context) error {
	if err := pgkit.Ready(ctx, s.pool); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	return nil
}

// Close ends the connections.
func (s *Service) Close() {
	s.nats.Close()
	s.pool.Close()
}
