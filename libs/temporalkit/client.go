package temporalkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	temporallog "go.temporal.io/sdk/log"

	"github.com/postern-id/postern/libs/telemetry"
)

// Config says where the workflow engine is.
type Config struct {
	// Addr is "host:port" of the frontend.
	Addr string `env:"POSTERN_TEMPORAL_ADDR"`
	// Namespace is where the platform's workflows live. Empty means "postern".
	Namespace string `env:"POSTERN_TEMPORAL_NAMESPACE"`
	// CAFile switches TLS on and verifies the server; CertFile and KeyFile, set together, say who we are.
	CAFile   string `env:"POSTERN_TEMPORAL_CA_FILE"`
	CertFile string `env:"POSTERN_TEMPORAL_CERT_FILE"`
	KeyFile  string `env:"POSTERN_TEMPORAL_KEY_FILE"`
}

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	switch {
	case c.Addr == "":
		return errors.New("POSTERN_TEMPORAL_ADDR is not set")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("POSTERN_TEMPORAL_CERT_FILE and POSTERN_TEMPORAL_KEY_FILE must be set together")
	case c.CertFile != "" && c.CAFile == "":
		return errors.New("POSTERN_TEMPORAL_CERT_FILE is set and POSTERN_TEMPORAL_CA_FILE is not")
	}
	if c.Namespace == "" {
		c.Namespace = "postern"
	}
	return nil
}

// Dial makes a client that connects at its first use, so that an engine that is away is no reason for a service not to start.
// Errors are those of the configuration. The caller closes the client.
func Dial(_ context.Context, cfg Config, log *slog.Logger) (client.Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	options := client.Options{
		HostPort:  cfg.Addr,
		Namespace: cfg.Namespace,
		Logger:    temporallog.NewStructuredLogger(log.With(slog.String("component", "temporal"))),
	}
	if cfg.CAFile != "" {
		secure, err := tlsConfig(cfg)
		if err != nil {
			return nil, err
		}
		options.ConnectionOptions.TLS = secure
	}
	// Without a tracer provider nobody would read the spans, and workflows would carry their headers for nothing.
	if telemetry.Tracing() {
		spans, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{})
		if err != nil {
			return nil, fmt.Errorf("making the tracing interceptor: %w", err)
		}
		options.Interceptors = []interceptor.ClientInterceptor{spans} // workers of this client take it over
	}
	c, err := client.NewLazyClient(options)
	if err != nil {
		return nil, fmt.Errorf("making the workflow client: %w", err)
	}
	return c, nil
}

// Ready says whether the engine answers, for readiness probes.
func Ready(ctx context.Context, c client.Client) error {
	_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
	return Error(err, nil)
}

func tlsConfig(cfg Config) (*tls.Config, error) {
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the workflow engine's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", cfg.CAFile)
	}
	secure := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if cfg.CertFile == "" {
		return secure, nil
	}
	if _, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile); err != nil {
		return nil, fmt.Errorf("reading the client certificate: %w", err)
	}
	// Read at each handshake: certificates are short-lived and are renewed in place.
	secure.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		return &pair, nil
	}
	return secure, nil
}
