// Package token wires the token service: OAuth and OpenID Connect endpoints, login pages, sessions, and the tenants' public keys.
package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/auditkit"
	"github.com/postern-id/postern/libs/egress"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/services/token/internal/assertion"
	"github.com/postern-id/postern/services/token/internal/backchannel"
	"github.com/postern-id/postern/services/token/internal/dpop"
	"github.com/postern-id/postern/services/token/internal/events"
	"github.com/postern-id/postern/services/token/internal/httpapi"
	"github.com/postern-id/postern/services/token/internal/keyring"
	"github.com/postern-id/postern/services/token/internal/limit"
	"github.com/postern-id/postern/services/token/internal/quota"
	"github.com/postern-id/postern/services/token/internal/remote"
	"github.com/postern-id/postern/services/token/internal/rpc"
	"github.com/postern-id/postern/services/token/internal/store"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/transit"
)

// Schema is the service's own in its cell's database.
const Schema = "token"

// Config of one cell's token service.
type Config struct {
	// Cell is the data plane's name, "eu".
	Cell     string          `env:"POSTERN_CELL"`
	Postgres pgkit.Config    `env:",squash"`
	NATS     natskit.Config  `env:",squash"`
	Vault    vaultkit.Config `env:",squash"`
	// Egress tells clients of logouts.
	Egress egress.Config `env:",squash"`
	// CodeTTL bounds the life of an authorization code. Zero means 1m; RFC 6749 §4.1.2 advises at most 10m.
	CodeTTL time.Duration `env:"POSTERN_CODE_TTL"`
	// QueuedFacts bounds the facts of machine grants that wait in memory while NATS is away; then their requests wait, too. Zero
	// means 100000 (about 100 MB).
	QueuedFacts int `env:"POSTERN_QUEUED_FACTS"`
}

const (
	defaultQueuedFacts = 100_000
	maxCodeTTL         = 10 * time.Minute
	// By address: how often a device may ask for a code, as on the wire, and how often somebody may try user codes.
	deviceBurst, deviceEvery = 5, time.Second / 5
	guessBurst, guessEvery   = 20, 30 * time.Second
	// By tenant: so many tries take six days to meet one of a hundred codes of nine digits that wait at a time, and people who type theirs
	// do not come near it.
	guessBurstAll, guessEveryAll = 2000, time.Second / 20
)

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.Cell == "" {
		return errors.New("POSTERN_CELL is not set")
	}
	if c.CodeTTL < 0 || c.CodeTTL > maxCodeTTL {
		return fmt.Errorf("POSTERN_CODE_TTL is %s, want at most %s", c.CodeTTL, maxCodeTTL)
	}
	if c.QueuedFacts == 0 {
		c.QueuedFacts = defaultQueuedFacts
	}
	if c.Postgres.Schema == "" {
		c.Postgres.Schema = Schema
	}
	if c.Vault.Mount == "" {
		c.Vault.Mount = c.Cell + "/transit"
	}
	return nil
}

// Deps are what the service needs of its surroundings.
type Deps struct {
	Log      *slog.Logger
	Seal     *tenancy.Seal
	Clients  clientapiconnect.ClientServiceClient
	Users    userapiconnect.UserServiceClient
	Settings tenantapiconnect.SettingsServiceClient
	Now      func() time.Time
}

// Service is a token service, ready to serve.
type Service struct {
	public   http.Handler
	internal http.Handler
	pool     *pgxpool.Pool
	nats     *natskit.Conn
	vault    *vaultkit.Client
	tasks    []runner.Task
}

// New opens the engines, migrates the schema and wires the rooms. It does not serve.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	out, err := egress.New(cfg.Egress)
	if err != nil {
		return nil, fmt.Errorf("token service: %w", err)
	}
	s := &Service{}
	if err := s.open(ctx, cfg, deps.Log); err != nil {
		s.Close()
		return nil, err
	}
	relay := &pgkit.Relay{Pool: s.pool, Schema: cfg.Postgres.Schema, Publish: s.nats.Publish, PublishAll: s.nats.PublishAll, Log: deps.Log}
	buffer := natskit.NewBuffer(s.nats, cfg.QueuedFacts)
	db := store.New(s.pool, relay.Kick)
	signer := transit.New(s.vault, vaultkit.NewBatcher(s.vault, vaultkit.BatchConfig{}))
	keys := token.NewKeys(token.KeyDeps{Source: signer, Store: db, Now: deps.Now})
	ring := keyring.New(db, deps.Now, keyring.Completing(keys, deps.Log))
	config := remote.NewConfiguration(deps.Clients, deps.Settings, deps.Now)
	users := remote.Users{Service: deps.Users}
	quotas := quota.New(quota.Deps{Store: db, Record: events.Queue{Buffer: buffer}, Log: deps.Log, Now: deps.Now})
	policy := token.NewPolicy(config, db)
	auth := token.NewAuthenticator(config, assertion.Reader{}, db)
	proofs := token.NewProofs(dpop.Reader{}, db)
	issuer := &token.Issuer{Keys: ring, Signer: signer}
	sessions := &token.Sessions{Store: db, Users: users, Now: deps.Now}

	passwords := func(kind oauth.GrantType) token.Grant {
		return &token.Password{Kind: kind, Config: config, Policy: policy, Users: users, Store: db, Record: db}
	}

	engine := httpkit.NewEngine(httpkit.Config{Service: "token", Log: deps.Log, Seal: deps.Seal}) //nolint:contextcheck // requests bring their own
	rooms := httpapi.Deps{
		Settings: config, Apps: config,
		Endpoint: token.NewEndpoint(token.EndpointDeps{
			Config: config, Policy: policy, Users: users, Issuer: issuer, Now: deps.Now,
			Grants: []token.Grant{
				&token.ClientCredentials{Config: config, Quotas: quotas, Queue: events.Queue{Buffer: buffer}},
				&token.Code{Store: db, Record: db},
				passwords(oauth.GrantPassword), passwords(oauth.GrantPasswordRealm),
				&token.Refresh{Store: db, Config: config, Sessions: db, Record: db}, &token.Device{Store: db, Record: db},
				&token.OnBehalfOf{Config: config, Policy: policy, Verifier: keyring.NewVerifier(ring, deps.Now), Store: db, Record: db},
			},
			Auth: auth, Proofs: proofs,
		}),
		Revoker: &token.Revoker{Auth: auth, Config: config, Store: db, Codes: db, Sessions: db, Users: users, Now: deps.Now},
		Logins: token.NewLogins(token.LoginDeps{
			Config: config, Policy: policy, Users: users, Store: db, Transfers: db, Consents: db, Pushes: db, Auth: auth, Proofs: proofs, Objects: assertion.Reader{}, Hints: keyring.Hints{Ring: ring},
			Devices: db, Guesses: limit.New(guessBurst, guessEvery, deps.Now), GuessesAll: limit.New(guessBurstAll, guessEveryAll, deps.Now), Issuer: issuer,
			Now: deps.Now, CodeTTL: cfg.CodeTTL,
		}),
		Userinfo: &token.Userinfo{Config: config, Store: db, Verifier: keyring.NewVerifier(ring, deps.Now), Users: users, Proofs: proofs, Now: deps.Now},
		Ring:     ring,
		Devices: &token.DeviceAuthorizer{
			Auth: auth, Config: config, Policy: policy, Store: db, Record: db, Limiter: limit.New(deviceBurst, deviceEvery, deps.Now), Now: deps.Now,
		},
	}
	//nolint:contextcheck // requests bring their own
	management := mgmtkit.New(engine, &jwtkit.Verifier{Keys: ring.Documents(), Now: deps.Now},
		mgmtkit.WithRecorder(&auditkit.Lines{Pool: s.pool, Kick: relay.Kick, Now: deps.Now}))
	httpapi.Mount(engine, rooms) //nolint:contextcheck // requests bring their own
	//nolint:contextcheck // requests bring their own
	httpapi.MountManagement(management, httpapi.Management{
		Ring: ring, Keys: keys, Consents: db, Devices: &token.Devices{Refresh: db, Keys: db, Now: deps.Now}, Sessions: sessions, Now: deps.Now,
	})
	s.public = engine
	s.internal = rpc.New(rpc.Deps{Keys: keys, Ring: ring, Remover: db, Log: deps.Log})
	follower := &events.Follower{Conn: s.nats, Configuration: config, Ring: ring, Log: deps.Log}
	sweeper := &store.Sweeper{Store: db, Now: deps.Now, Log: deps.Log}
	peers := &events.UserFollower{Conn: s.nats, Sessions: sessions, Log: deps.Log}
	teller := &backchannel.Worker{Log: deps.Log, Teller: &token.Teller{
		Queue: db, Config: config, Issuer: issuer, Sender: backchannel.Sender{Out: out}, Now: deps.Now,
	}}
	s.tasks = []runner.Task{s.vault.Run, relay.Run, buffer.Run, follower.Run, sweeper.Run, peers.Run, teller.Run, quotas.Run}
	return s, nil
}

func (s *Service) open(ctx context.Context, cfg Config, log *slog.Logger) (err error) {
	if err := pgkit.Migrate(ctx, cfg.Postgres, store.Migrations(), log); err != nil {
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
	return nil
}

// Handler answers the public routes; the router is in front.
func (s *Service) Handler() http.Handler { return s.public }

// Internal answers the neighbours.
func (s *Service) Internal() http.Handler { return s.internal }

// Run does what goes on beside requests, until ctx ends: keeps Vault's token alive, publishes facts, follows changes, deletes what
// has expired.
func (s *Service) Run(ctx context.Context) error { return runner.Run(ctx, s.tasks...) }

// Ready says which engine cannot be reached.
func (s *Service) Ready(ctx context.Context) error {
	if err := pgkit.Ready(ctx, s.pool); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if err := s.nats.Ready(ctx); err != nil {
		return fmt.Errorf("nats: %w", err)
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
