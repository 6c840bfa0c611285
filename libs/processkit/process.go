// Package processkit is what services that run as processes of their own share: how they start and end, and their three listeners.
// What a service is made of stays in its cmd.
package processkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// Config is where a service's process listens, and how it proves itself.
type Config struct {
	// ListenAddr takes the router's requests, InternalAddr the neighbours' calls, both over mTLS.
	ListenAddr   string `env:"POSTERN_LISTEN_ADDR"`
	InternalAddr string `env:"POSTERN_INTERNAL_ADDR"`
	// PrivateAddr serves /healthz, /readyz and /metrics to the operator. Empty means "127.0.0.1:9090".
	PrivateAddr string      `env:"POSTERN_PRIVATE_ADDR"`
	MTLS        rpckit.MTLS `env:",squash"`
	// EdgeKeyFile holds the 32 bytes that the cell's router seals tenants with; for the services of a cell.
	EdgeKeyFile string `env:"POSTERN_EDGE_KEY_FILE"`
}

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.PrivateAddr == "" {
		c.PrivateAddr = "127.0.0.1:9090"
	}
	if c.ListenAddr == "" {
		return errors.New("POSTERN_LISTEN_ADDR is not set")
	}
	return c.MTLS.Validate()
}

// Seal opens the edge key.
func (c *Config) Seal() (*tenancy.Seal, error) {
	if c.EdgeKeyFile == "" {
		return nil, errors.New("POSTERN_EDGE_KEY_FILE is not set")
	}
	key, err := os.ReadFile(c.EdgeKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the edge key: %w", err)
	}
	return tenancy.NewSeal(key, time.Now)
}

// telemetryFlush bounds how long an ended process may take to hand its last spans over.
const telemetryFlush = 3 * time.Second

// Main is a process's life: configuration, telemetry, run until SIGINT or SIGTERM. It gives the exit code: 0 when it was asked to end, 2
// for a configuration that cannot work, 1 for everything else.
func Main(name string, cfg config.Validator, run func(ctx context.Context, tel *telemetry.Telemetry) error) int {
	GrowHeap()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return live(ctx, name, cfg, os.Stderr, run)
}

func live(ctx context.Context, name string, cfg config.Validator, errs io.Writer, run func(context.Context, *telemetry.Telemetry) error) int {
	if err := config.Load(cfg); err != nil {
		fmt.Fprintf(errs, "%s: %v\n", name, err)
		return 2
	}
	tel, err := telemetry.Setup(ctx, name, errs, slog.LevelInfo)
	if err != nil {
		fmt.Fprintf(errs, "%s: %v\n", name, err)
		return 1
	}
	defer func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), telemetryFlush)
		defer cancel()
		tel.Stop(flush)
	}()
	if err := run(ctx, tel); err != nil && ctx.Err() == nil {
		tel.Log.ErrorContext(ctx, "stopped", slog.String(telemetry.KeyCause, err.Error()))
		return 1
	}
	return 0
}

// Service is the shape that all services share (docs/seams.md).
type Service interface {
	Handler() http.Handler
	Internal() http.Handler // nil: nobody calls it
	Run(ctx context.Context) error
	Ready(ctx context.Context) error
}

// Serve runs a service behind its listeners until ctx ends.
func Serve(ctx context.Context, name string, cfg Config, tel *telemetry.Telemetry, s Service) error {
	tasks := []runner.Task{s.Run}
	listen := func(addr string, handler http.Handler, mutual bool) error {
		l, err := httpkit.Listen(ctx, addr)
		if err != nil {
			return err
		}
		if mutual {
			tasks = append(tasks, httpkit.Serve(l, handler, cfg.MTLS.Server()))
		} else {
			tasks = append(tasks, httpkit.Serve(l, handler, nil))
		}
		return nil
	}
	if err := listen(cfg.ListenAddr, s.Handler(), true); err != nil {
		return err
	}
	if internal := s.Internal(); internal != nil {
		if cfg.InternalAddr == "" {
			return errors.New("POSTERN_INTERNAL_ADDR is not set")
		}
		if err := listen(cfg.InternalAddr, internal, true); err != nil {
			return err
		}
	}
	private := httpkit.Private(tel.Metrics(), []httpkit.Ready{{Name: name, Check: s.Ready}})
	if err := listen(cfg.PrivateAddr, private, false); err != nil {
		return err
	}
	return runner.Run(ctx, tasks...)
}
