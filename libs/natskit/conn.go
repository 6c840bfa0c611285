package natskit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// Config says where NATS is and as whom to reach it. The user decides the account: a cell's own, or the control plane's.
type Config struct {
	// URL is "nats://host:port" or "tls://host:port"; several of one cluster are separated by commas.
	URL  string `env:"POSTERN_NATS_URL"`
	User string `env:"POSTERN_NATS_USER"`
	// PasswordFile is read anew at each connecting, so that a rotation needs no restart.
	PasswordFile string `env:"POSTERN_NATS_PASSWORD_FILE"`
	// Name shows in the server's list of connections. Empty means "postern".
	Name string `env:"POSTERN_NATS_NAME"`
}

// Validate fills the defaults in and says what cannot work.
func (c *Config) Validate() error {
	if c.URL == "" {
		return errors.New("POSTERN_NATS_URL is not set")
	}
	for server := range strings.SplitSeq(c.URL, ",") {
		if u, err := url.Parse(strings.TrimSpace(server)); err != nil || u.Host == "" {
			return errors.New("POSTERN_NATS_URL is not a nats:// URL")
		} else if u.User != nil {
			return errors.New("POSTERN_NATS_URL holds a password; name a POSTERN_NATS_PASSWORD_FILE instead")
		}
	}
	if c.User != "" && c.PasswordFile == "" {
		return errors.New("POSTERN_NATS_USER is set and POSTERN_NATS_PASSWORD_FILE is not")
	}
	if c.Name == "" {
		c.Name = "postern"
	}
	return nil
}

const (
	connectTimeout = 2 * time.Second
	reconnectWait  = 200 * time.Millisecond
	// requestTimeout bounds one exchange with JetStream.
	requestTimeout = 5 * time.Second
	// maxAsync bounds the unacknowledged publishes in flight over one connection.
	maxAsync = 4096
)

// Conn is a connection to NATS that comes back by itself. Safe for concurrent use.
type Conn struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger

	mu    sync.Mutex
	gaps  map[*func()]struct{} // to call after a time without connection, or when the server dropped messages
	drops map[*nats.Subscription]func()
}

// Connect starts connecting and does not wait: a server that is away is no reason for a service not to start. Errors are those of
// the configuration alone.
func Connect(ctx context.Context, cfg Config, log *slog.Logger) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // for the lines logged by callbacks during the connection's life
	c := &Conn{log: log, gaps: map[*func()]struct{}{}, drops: map[*nats.Subscription]func(){}}
	options := []nats.Option{
		nats.Name(cfg.Name),
		nats.Timeout(connectTimeout),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// Nothing is kept while the connection is away: it would go out of turn and behind the publisher's back.
		nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(),
		nats.ConnectHandler(func(nc *nats.Conn) {
			log.InfoContext(ctx, "nats connected", slog.String(telemetry.KeyAddr, nc.ConnectedUrlRedacted()))
			c.gap()
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.InfoContext(ctx, "nats connected again", slog.String(telemetry.KeyAddr, nc.ConnectedUrlRedacted()))
			c.gap()
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.WarnContext(ctx, "nats disconnected", slog.String(telemetry.KeyCause, err.Error()))
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			log.WarnContext(ctx, "nats error", slog.String(telemetry.KeyCause, err.Error()))
			if sub != nil && errors.Is(err, nats.ErrSlowConsumer) {
				c.dropped(sub)
			}
		}),
	}
	if cfg.User != "" {
		if _, err := os.Stat(cfg.PasswordFile); err != nil {
			return nil, fmt.Errorf("reading the nats password file: %w", err)
		}
		options = append(options, nats.UserInfoHandler(func() (string, string) {
			b, err := os.ReadFile(cfg.PasswordFile)
			if err != nil {
				log.WarnContext(ctx, "nats password not readable", slog.String(telemetry.KeyCause, err.Error()))
			}
			return cfg.User, strings.TrimSpace(string(b))
		}))
	}
	nc, err := nats.Connect(cfg.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to nats: %w", err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(requestTimeout),
		jetstream.WithPublishAsyncMaxPending(maxAsync), jetstream.WithPublishAsyncTimeout(requestTimeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("opening jetstream: %w", err)
	}
	c.nc, c.js = nc, js
	return c, nil
}

// NATS gives the bare connection, for what this package has no word for.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// JetStream gives the bare JetStream, for what this package has no word for.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// Ready says whether the server answers, for readiness probes.
func (c *Conn) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if !c.nc.IsConnected() {
		return away(nats.ErrDisconnected)
	}
	if err := c.nc.FlushWithContext(ctx); err != nil {
		return away(err)
	}
	return nil
}

// Close ends the connection and everything that runs over it.
func (c *Conn) Close() { c.nc.Close() }

// onGap has f called, from a goroutine of the connection, after each time without connection. The first connecting counts as one.
func (c *Conn) onGap(f func()) (stop func()) {
	key := &f
	c.mu.Lock()
	c.gaps[key] = struct{}{}
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		delete(c.gaps, key)
		c.mu.Unlock()
	}
}

// onDrop has f called when the server's messages came faster than sub took them and some are lost.
func (c *Conn) onDrop(sub *nats.Subscription, f func()) (stop func()) {
	c.mu.Lock()
	c.drops[sub] = f
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		delete(c.drops, sub)
		c.mu.Unlock()
	}
}

func (c *Conn) gap() {
	c.mu.Lock()
	fs := make([]func(), 0, len(c.gaps))
	for f := range c.gaps {
		fs = append(fs, *f)
	}
	c.mu.Unlock()
	for _, f := range fs {
		f()
	}
}

func (c *Conn) dropped(sub *nats.Subscription) {
	c.mu.Lock()
	f := c.drops[sub]
	c.mu.Unlock()
	if f != nil {
		f()
	}
}

func away(cause error) error { return fault.Unavailable("The event log is away").Because(cause) }

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// backOff doubles a wait from 200 ms to 5 s. The connection's return ends a wait at once.
type backOff struct {
	next time.Duration
	back chan struct{}
	stop func()
}

func newBackOff(c *Conn) *backOff {
	back := make(chan struct{}, 1)
	return &backOff{next: reconnectWait, back: back, stop: c.onGap(func() {
		select {
		case back <- struct{}{}:
		default:
		}
	})}
}

func (b *backOff) reset() { b.next = reconnectWait }

func (b *backOff) wait(ctx context.Context) {
	t := time.NewTimer(b.next)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
		b.next = min(2*b.next, 5*time.Second)
	case <-b.back:
		b.reset()
	}
}
