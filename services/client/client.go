// Package client is the wiring of the client service: clients, resource servers, client grants and connections, their part of the
// Management API, and ClientService for the neighbours in the cell.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/auditkit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/egress"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/keykit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/httpapi"
	"github.com/postern-id/postern/services/client/internal/remote"
	"github.com/postern-id/postern/services/client/internal/rpc"
	"github.com/postern-id/postern/services/client/internal/store"
	"github.com/postern-id/postern/services/client/internal/store/migrations"
)

// Schema is the service's own in its cell's database.
const Schema = "client"

// Config of one cell's client service.
type Config struct {
	// Cell is the data plane's name, "eu".
	Cell     string          `env:"POSTERN_CELL"`
	Postgres pgkit.Config    `env:",squash"`
	NATS     natskit.Config  `env:",squash"`
	Vault    vaultkit.Config `env:",squash"`
	// Egress fetches the documents by which clients describe themselves.
	Egress egress.Config `env:",squash"`
}

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.Cell == "" {
		return errors.New("POSTERN_CELL is not set")
	}
	if c.Postgres.Schema == "" {
		c.Postgres.Schema = Schema
	}
	if c.Vault.Mount == "" {
		c.Vault.Mount = c.Cell + "/transit"
	}
	if err := c.Postgres.Validate(); err != nil {
		return err
	}
	if err := c.NATS.Validate(); err != nil {
		return err
	}
	return c.Vault.Validate()
}

// Deps are what others make.
type Deps struct {
	Log    *slog.Logger
	Seal   *tenancy.Seal
	Tokens tokenapiconnect.TokenServiceClient
	// Settings tells the tenants' flags. Nil: they stand as on a new tenant.
	Settings tenantapiconnect.SettingsServiceClient
	Now      clock.Now
}

// Service is a wired client service.
type Service struct {
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	vault    *vaultkit.Client
	relay    *pgkit.Relay
	keys     *keykit.Keys
	public   http.Handler
	internal http.Handler
}

// New opens the engines, migrates the schema and wires the service; it does not serve.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	s := &Service{}
	if err := s.open(ctx, cfg, deps.Log); err != nil {
		s.Close()
		return nil, fmt.Errorf("client service: %w", err)
	}
	documents, err := egress.New(cfg.Egress)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("client service: %w", err)
	}
	sealer := vaultkit.NewSealer(s.vault, wrappingKey, store.DataKeys{Pool: s.pool})
	options := []client.Option{client.WithDocuments(documents)}
	if cfg.Egress.AllowLoopback {
		options = append(options, client.WithLoopback())
	}
	if deps.Settings != nil {
		options = append(options, client.WithSwitches(remote.Switches{Settings: deps.Settings}))
	}
	clients := client.NewService(store.New(store.Deps{Pool: s.pool, Sealer: sealer, Kick: s.relay.Kick, Now: deps.Now}), deps.Now, options...)
	s.keys = keykit.New(deps.Tokens, s.nats, deps.Now, deps.Log)

	//nolint:contextcheck // handlers take the request's context
	engine := httpkit.NewEngine(httpkit.Config{Service: "client", Log: deps.Log, Seal: deps.Seal})
	//nolint:contextcheck // handlers take the request's context
	httpapi.Register(engine, httpapi.Deps{
		Clients: clients, Verifier: &jwtkit.Verifier{Keys: s.keys, Now: deps.Now}, Certificates: certificates(s.keys, deps.Log), Now: deps.Now,
		Recorder: &auditkit.Lines{Pool: s.pool, Kick: s.relay.Kick, Now: deps.Now},
	})
	s.public, s.internal = engine, rpc.New(clients, deps.Log)
	return s, nil
}

func (s *Service) open(ctx context.Context, cfg Config, log *slog.Logger) error {
	err := cfg.Validate()
	if err != nil {
		return err
	}
	if err := pgkit.Migrate(ctx, cfg.Postgres, migrations.FS, log); err != nil {
		return err
	}
	if s.pool, err = pgkit.Open(ctx, cfg.Postgres, log); err != nil {
		return fmt.Errorf("opening postgres: %w", err)
	}
	if s.nats, err = natskit.Connect(ctx, cfg.NATS, log); err != nil {
		return fmt.Errorf("opening nats: %w", err)
	}
	if s.vault, err = vaultkit.Open(ctx, cfg.Vault, log); err != nil {
		return fmt.Errorf("opening vault: %w", err)
	}
	s.relay = &pgkit.Relay{Pool: s.pool, Schema: cfg.Postgres.Schema, Publish: s.nats.Publish, PublishAll: s.nats.PublishAll, Log: log}
	return nil
}

// wrappingKey names the Vault key under which a tenant's data key is wrapped.
func wrappingKey(tenant tenancy.ID) string { return "wrap-" + string(tenant) }

// certificates gives the certificates in a tenant's JWKS. Who asks has just proved itself by one of its keys, so they are in memory.
func certificates(keys *keykit.Keys, log *slog.Logger) func(context.Context, tenancy.ID) []httpapi.Certificate {
	return func(ctx context.Context, tenant tenancy.ID) []httpapi.Certificate {
		set, err := keys.Keys(ctx, tenant)
		if err != nil {
			log.WarnContext(ctx, "signing certificates not known", slog.String(telemetry.KeyTenant, string(tenant)),
				slog.String(telemetry.KeyCause, err.Error()))
			return nil
		}
		var certs []httpapi.Certificate
		for _, key := range set.Keys {
			if len(key.Certificates) > 0 {
				certs = append(certs, httpapi.NewCertificate(key.Certificates[0]))
			}
		}
		return certs
	}
}

// Handler answers the public routes; the router is in front.
func (s *Service) Handler() http.Handler { return s.public }

// Internal answers the neighbours.
func (s *Service) Internal() http.Handler { return s.internal }

// Run publishes facts, follows the changes of keys and keeps Vault's token alive, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return runner.Run(ctx, s.relay.Run, s.keys.Run, s.vault.Run)
}

// Ready says which engine cannot be reached. NATS away is not unready: facts wait in the outbox.
func (s *Service) Ready(ctx context.Context) error {
	if err := pgkit.Ready(ctx, s.pool); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := s.vault.Ready(ctx); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// Close lets go of the engines.
func (s *Service) Close() {
	if s.nats != nil {
		s.nats.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
}
