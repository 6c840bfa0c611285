package httpkit

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/postern-id/postern/libs/runner"
	"github.com/postern-id/postern/libs/telemetry"
)

// drain bounds how long requests in flight may take once the server is told to stop.
const drain = 10 * time.Second

// readTime bounds how long a request may take to arrive whole: a body that trickles in must not keep a connection for ever.
const readTime = time.Minute

// Listen opens addr at once, so that a port in use fails before anything else starts.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return l, nil
}

// Server serves one listener.
type Server struct {
	Listener net.Listener
	Handler  http.Handler
	TLS      *tls.Config // nil: plain HTTP; else TLS and HTTP/2
	// Log receives what net/http has to say about connections; handshakes that fail are a stranger's doing and said at debug level.
	// Nil: net/http writes to the standard logger.
	Log *slog.Logger
	// Drain is how long requests in flight may take once the server is told to stop; then their connections are closed. Zero means 10 s.
	Drain time.Duration
}

// Serve is the task that serves handler on l until its context ends, then lets requests in flight finish. With tlsConfig it speaks
// TLS (and HTTP/2).
func Serve(l net.Listener, handler http.Handler, tlsConfig *tls.Config) runner.Task {
	return Server{Listener: l, Handler: handler, TLS: tlsConfig}.Run
}

// Run serves until ctx ends; it is a task.
func (s Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: s.Handler, TLSConfig: s.TLS,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTime, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	if s.Log != nil {
		srv.ErrorLog = log.New(connections{s.Log}, "", 0)
	}
	done := make(chan error, 1)
	go func() {
		if s.TLS != nil {
			done <- srv.ServeTLS(s.Listener, "", "")
			return
		}
		done <- srv.Serve(s.Listener)
	}()
	select {
	case err := <-done:
		return fmt.Errorf("serving %s: %w", s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	wait := s.Drain
	if wait == 0 {
		wait = drain
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer cancel()
	err := srv.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close() // who is still talking has had their time
	}
	if err != nil {
		return fmt.Errorf("stopping %s: %w", s.Listener.Addr(), err)
	}
	return nil
}

// connections passes net/http's lines on.
type connections struct{ log *slog.Logger }

// Write implements io.Writer; one call is one line.
func (c connections) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) {
		level = slog.LevelDebug
	}
	c.log.LogAttrs(context.Background(), level, "connection failed", slog.String(telemetry.KeyCause, string(bytes.TrimSpace(line))))
	return len(line), nil
}
