// Package console is the dashboard: server-rendered pages on manage.<base>, a client of the control plane like any other. It owns no
// data; a member's session is their key, in a cookie.
package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/postern-id/postern/libs/api/tenant/tenantapiconnect"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/services/console/internal/accounts"
	"github.com/postern-id/postern/services/console/internal/httpapi"
)

// Config of the console.
type Config struct {
	// BaseDomain is what account hosts end in. Zero means postern.localhost.
	BaseDomain string `env:"POSTERN_BASE_DOMAIN"`
	// PublicPort is the HTTPS port as the world sees it. Zero means 443.
	PublicPort int `env:"POSTERN_PUBLIC_PORT"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if c.BaseDomain == "" {
		c.BaseDomain = "postern.localhost"
	}
	if c.PublicPort == 0 {
		c.PublicPort = 443
	}
	return nil
}

// Deps of the console.
type Deps struct {
	Log      *slog.Logger
	Accounts tenantapiconnect.AccountServiceClient
	Now      clock.Now
}

// Service is the console.
type Service struct {
	handler http.Handler
}

// New wires the console.
func New(_ context.Context, cfg Config, d Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Accounts == nil {
		return nil, errors.New("the console needs the control plane")
	}
	return &Service{handler: httpapi.New(httpapi.Deps{
		Log: d.Log, Accounts: accounts.Remote{Service: d.Accounts}, Now: d.Now, BaseDomain: cfg.BaseDomain,
	})}, nil
}

// Handler serves manage.<base>.
func (s *Service) Handler() http.Handler { return s.handler }

// Internal is nil: nobody calls the console.
func (s *Service) Internal() http.Handler { return nil }

// Run waits for the end: the console has nothing to do on its own.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready is always nil: the console shows what is away on its pages.
func (s *Service) Ready(context.Context) error { return nil }

// Close has nothing to close.
func (s *Service) Close() {}
