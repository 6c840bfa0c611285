// Package logsvc is the wiring of the log service: the cell's events into the audit log, and the log's part of the Management API.
// Its name is not "log", which every file of every service calls something else.
package logsvc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/keykit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/events"
	"github.com/postern-id/postern/services/log/internal/httpapi"
	"github.com/postern-id/postern/services/log/internal/store"
	"github.com/postern-id/postern/services/log/internal/store/migrations"
)

// Config of the service.
type Config struct {
	// Cell is the data plane this process belongs to.
	Cell     string         `env:"POSTERN_CELL"`
	Postgres pgkit.Config   `env:",squash"`
	NATS     natskit.Config `env:",squash"`
	// RetentionDays is how long entries are kept. Zero means 30.
	RetentionDays int `env:"POSTERN_LOG_RETENTION_DAYS"`
}

// Schema is the service's own in its cell's database.
const Schema = "log"

// maxRetentionDays bounds the number of partitions, of which each query that names no date looks into every one.
const maxRetentionDays = 3650

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.Cell == "" {
		return errors.New("POSTERN_CELL is not set")
	}
	if c.RetentionDays == 0 {
		c.RetentionDays = 30
	}
	if c.RetentionDays < 1 || c.RetentionDays > maxRetentionDays {
		return fmt.Errorf("POSTERN_LOG_RETENTION_DAYS must be 1 to %d", maxRetentionDays)
	}
	if c.Postgres.Schema == "" {
		c.Postgres.Schema = Schema
	}
	if c.Postgres.Schema != Schema {
		return errors.New("POSTERN_POSTGRES_SCHEMA must be log: its functions name it")
	}
	if err := c.Postgres.Validate(); err != nil {
		return err
	}
	return c.NATS.Validate()
}

// Deps are what others make.
type Deps struct {
	Log    *slog.Logger
	Seal   *tenancy.Seal
	Tokens tokenapiconnect.TokenServiceClient
	Now    clock.Now
}

// Service is a wired log service.
type Service struct {
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	entries  *auditlog.Service
	consumer *events.Consumer
	keys     *keykit.Keys
	public   http.Handler
}

// New opens the engines, migrates the schema, makes room for the days to come and wires the service; it does not serve.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("log service: %w", err)
	}
	if err := pgkit.Migrate(ctx, cfg.Postgres, migrations.FS, deps.Log); err != nil {
		return nil, fmt.Errorf("log service: %w", err)
	}
	pool, err := pgkit.Open(ctx, cfg.Postgres, deps.Log)
	if err != nil {
		return nil, fmt.Errorf("log service: %w", err)
	}
	entries := auditlog.NewService(auditlog.Deps{
		Store: store.New(pool), Log: deps.Log, Now: deps.Now, Retention: time.Duration(cfg.RetentionDays) * 24 * time.Hour,
	})
	if err := entries.Upkeep(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("log service: making partitions: %w", err)
	}
	conn, err := natskit.Connect(ctx, cfg.NATS, deps.Log)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("log service: %w", err)
	}
	engine := httpkit.NewEngine(httpkit.Config{Service: "log", Log: deps.Log, Seal: deps.Seal}) //nolint:contextcheck // requests bring their own
	keys := keykit.New(deps.Tokens, conn, deps.Now, deps.Log)
	//nolint:contextcheck // requests bring their own
	httpapi.Mount(engine, &jwtkit.Verifier{Keys: keys, Now: deps.Now}, entries, deps.Now)
	return &Service{
		pool: pool, nats: conn, entries: entries, keys: keys, public: engine,
		consumer: &events.Consumer{Conn: conn, Into: entries, Log: deps.Log},
	}, nil
}

// Handler serves the public routes; the router is in front.
func (s *Service) Handler() http.Handler { return s.public }

// Internal is nil: nobody in the cell calls the log service, they publish.
func (s *Service) Internal() http.Handler { return nil }

// Run takes events in, keeps the partitions up and follows the changes of keys until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return runner.Run(ctx, s.consumer.Run, s.entries.KeepUp, s.keys.Run)
}

// Ready says whether the database answers. NATS away is not unready: what is stored can be read, and events wait in the stream.
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
