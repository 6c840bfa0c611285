// Package vaultkit is the one way to Vault: it logs in by AppRole and stays logged in, makes JWS signatures with transit keys that
// never leave Vault, and seals secrets under per-tenant data keys that Vault wraps. It never holds a signing key, and it never
// falls back to a weaker one: while Vault is away every call is a fault of kind Unavailable.
package vaultkit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// maxConns bounds the connections to Vault; calls past it wait for one.
const maxConns = 64

// Client is a caller of Vault with a token of its own. Safe for concurrent use.
type Client struct {
	cfg   Config
	vault *api.Client // its token is set by login alone
	log   *slog.Logger
	// logins lets one login or renewal at a time speak for every caller that needs it.
	logins singleflight.Group
	// leases carries the life of each new token to Run.
	leases chan time.Duration
}

// Open makes a client and logs in. A wrong configuration or refused credentials are an error; when Vault is away the client is
// returned all the same, and logs in once Vault is back. Run keeps the token alive.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	vault, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, vault: vault, log: log, leases: make(chan time.Duration, 1)}
	switch err := c.login(ctx, ""); {
	case fault.Is(err, fault.KindUnavailable):
		log.WarnContext(ctx, "vault is away, login waits for it", slog.String(telemetry.KeyAddr, cfg.Addr), slog.String(telemetry.KeyCause, err.Error()))
	case err != nil:
		return nil, fmt.Errorf("logging in to vault: %w", err)
	}
	return c, nil
}

// dial makes the API client without looking at the environment, and without its retries: a caller that waits out three attempts
// with pauses holds its own caller for seconds, where a fault with Retry-After tells it to come back.
func dial(cfg Config) (*api.Client, error) {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConns:        maxConns,
		MaxIdleConnsPerHost: maxConns,
		MaxConnsPerHost:     maxConns,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: cfg.Timeout,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:  true,
		WriteBufferSize:     32 << 10, // a full batch leaves and comes back in few system calls
		ReadBufferSize:      32 << 10,
	}
	conf := &api.Config{
		Address:    cfg.Addr,
		HttpClient: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	if cfg.CAFile != "" {
		if err := conf.ConfigureTLS(&api.TLSConfig{CACert: cfg.CAFile}); err != nil {
			return nil, fmt.Errorf("reading vault's CA file: %w", err)
		}
	}
	vault, err := api.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("making vault's client: %w", err)
	}
	vault.SetMaxRetries(0)
	vault.SetClientTimeout(0) // do bounds each call; this one would end with the headers and cut off a raw body
	vault.ClearToken()        // NewClient takes VAULT_TOKEN and VAULT_NAMESPACE from the environment
	vault.ClearNamespace()
	return vault, nil
}

// Ready says whether Vault answers, is unsealed and knows our token.
func (c *Client) Ready(ctx context.Context) error {
	return c.do(ctx, "Ready", func(ctx context.Context) error {
		_, err := c.vault.Logical().ReadWithContext(ctx, "auth/token/lookup-self")
		return err
	})
}

// do runs one call under the client's timeout and a span, logs in before it where there is no token and again, once, where Vault no
// longer knows the token, and translates what is left of the error.
func (c *Client) do(ctx context.Context, name string, call func(context.Context) error) error {
	ctx, span := startSpan(ctx, "vault."+name)
	defer span.End()
	bounded, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	err := c.try(bounded, call)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return translate(ctx, err)
}

// startSpan adds a span to a trace that is being recorded. It begins none: the edge does, and outside of a trace a span that goes
// nowhere would be a fifth of what a gathered signature costs here.
func startSpan(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.SpanContext().IsSampled() {
		return ctx, noop.Span{}
	}
	return otel.Tracer("postern/vault").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient)) //nolint:spancheck // the caller ends it
}

func (c *Client) try(ctx context.Context, call func(context.Context) error) error {
	token := c.vault.Token()
	if token == "" {
		if err := c.login(ctx, ""); err != nil {
			return err
		}
		token = c.vault.Token()
	}
	err := call(ctx)
	if statusOf(err) != http.StatusForbidden {
		return err
	}
	if reviveErr := c.revive(ctx, token); reviveErr != nil {
		return errors.Join(reviveErr, err)
	}
	return call(ctx)
}

// write posts data to path and gives the data of the answer.
func (c *Client) write(ctx context.Context, name, path string, data map[string]any) (map[string]any, error) {
	var answer map[string]any
	err := c.do(ctx, name, func(ctx context.Context) error {
		secret, err := c.vault.Logical().WriteWithContext(ctx, path, data)
		if err != nil {
			return err
		}
		if secret == nil {
			return errors.New("vault answered nothing")
		}
		answer = secret.Data
		return nil
	})
	return answer, err
}
