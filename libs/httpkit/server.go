package httpkit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/postern-id/postern/libs/runner"
)

// drain bounds how long requests in flight may take once the server is told to stop.
const drain = 10 * time.Second

// Listen opens addr at once, so that a port in use fails before anything else starts.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	return l, nil
}

// Serve is the task that serves handler on l until its context ends, then lets requests in flight finish. With tlsConfig it speaks
// TLS (and HTTP/2).
func Serve(l net.Listener, handler http.Handler, tlsConfig *tls.Config) runner.Task {
	return func(ctx context.Context) error {
		srv := &http.Server{
			Handler: handler, TLSConfig: tlsConfig,
			ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		}
		done := make(chan error, 1)
		go func() {
			if tlsConfig != nil {
				done <- srv.ServeTLS(l, "", "")
				return
			}
			done <- srv.Serve(l)
		}()
		select {
		case err := <-done:
			return fmt.Errorf("serving %s: %w", l.Addr(), err)
		case <-ctx.Done():
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := srv.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("stopping %s: %w", l.Addr(), err)
		}
		return nil
	}
}
