// Package router is the edge of a region: TLS, host → tenant, limits, and the way to the cell's services. It owns no data, only a copy
// of the directory, and never trusts what a caller says about tenants.
package router

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/apidoc"
	"github.com/postern-id/postern/services/router/internal/certs"
	"github.com/postern-id/postern/services/router/internal/edge"
	"github.com/postern-id/postern/services/router/internal/feed"
	"github.com/postern-id/postern/services/router/internal/limit"
	"github.com/postern-id/postern/services/router/internal/route"
)

// registrationsPerSecond bounds how often a tenant's clients register themselves (/oidc/register): the wire's own figure.
const registrationsPerSecond = 5

// Deps of a router.
type Deps struct {
	Log *slog.Logger
	Now clock.Now
	// Seals prove tenants to the services, by cell.
	Seals map[string]*tenancy.Seal
	// Cells are the services' public handlers: cell → service ("token", "client", …) → handler. In one process they are the services
	// themselves; between machines they are proxies.
	Cells map[string]map[string]http.Handler
	// System are the hosts of the platform itself (manage., api., mail.).
	System map[string]http.Handler
	// Readyz answers /readyz on a loopback name. Nil: it is 404 there as elsewhere.
	Readyz http.Handler
}

// Service is a router.
type Service struct {
	conn        *natskit.Conn
	feed        *feed.Feed
	tls         *tls.Config
	https, http http.Handler
}

// New wires a router; Run makes it follow the directory.
func New(ctx context.Context, cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	conn, err := natskit.Connect(ctx, cfg.NATS, d.Log)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	table := route.NewTable()
	regions := map[string]bool{}
	for _, region := range cfg.Regions {
		regions[region] = true
	}
	here := func(entry route.Entry, err error) bool {
		return err == nil && (len(regions) == 0 || regions[entry.Region])
	}
	asks := func(host string) bool {
		if !strings.HasPrefix(host, tenancy.MTLSLabel) {
			return false
		}
		_, entry, err := table.FindMTLS(host)
		return here(entry, err)
	}
	known := func(host string) bool { return d.System[host] != nil || here(table.Find(host)) || asks(host) }
	local, err := certs.NewLocal(cfg.CACertFile, cfg.CAKeyFile, known, d.Now)
	if err != nil {
		conn.Close()
		return nil, err
	}
	directory := feed.New(ctx, feed.Deps{Conn: conn, Table: table, File: cfg.DirectoryFile, Log: d.Log, Now: d.Now})
	backends := func(cell string, s route.Service) http.Handler { return d.Cells[cell][string(s)] }
	deps := edge.Deps{
		Log: d.Log, Table: table, Limiter: limit.New(cfg.TenantRPS, cfg.TenantBurst, d.Now), Seals: d.Seals, System: d.System,
		Management:    limit.New(max(0, cfg.ManagementRPS), cfg.ManagementBurst, d.Now),
		Registrations: limit.New(registrationsPerSecond, registrationsPerSecond, d.Now),
		Regions:       regions, PublicPort: cfg.PublicPort, Readyz: d.Readyz, Served: directory.Served,
		Backends: backends, Described: apidoc.NewLibrary(apidoc.Source{Backends: backends, Seals: d.Seals, Now: d.Now, Log: d.Log}),
	}
	return &Service{
		conn: conn, feed: directory, tls: local.TLS(asks),
		https: edge.New(deps, "https", cfg.PublicPort), http: edge.New(deps, "http", cfg.HTTPPort), //nolint:contextcheck // each request brings its own
	}, nil
}

// HTTPS is the handler of the TLS listener.
func (s *Service) HTTPS() http.Handler { return s.https }

// HTTP is the handler of the plain listener, for tools that cannot take a private authority.
func (s *Service) HTTP() http.Handler { return s.http }

// TLS is the TLS listener's configuration.
func (s *Service) TLS() *tls.Config { return s.tls }

// Run follows the directory until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.feed.Run(ctx) }

// Ready is nil once there is a directory to serve by.
func (s *Service) Ready(ctx context.Context) error { return s.feed.Ready(ctx) }

// Close ends the router's connections.
func (s *Service) Close() { s.conn.Close() }
