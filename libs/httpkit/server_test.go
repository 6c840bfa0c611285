package httpkit_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := httpkit.Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func get(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(r)
}

func TestServe(t *testing.T) {
	t.Parallel()
	t.Run("a_port_in_use_is_said_at_once_with_the_address", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		_, err := httpkit.Listen(t.Context(), l.Addr().String())
		require.ErrorContains(t, err, l.Addr().String())
	})
	t.Run("lets_requests_in_flight_finish_and_takes_no_new_ones", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		begun, finish := make(chan struct{}), make(chan struct{})
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-finish
			_, _ = w.Write([]byte("whole"))
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- httpkit.Serve(l, handler, nil)(ctx) }()

		body := make(chan string, 1)
		go func() {
			res, err := get(t.Context(), http.DefaultClient, "http://"+l.Addr().String())
			if err != nil {
				body <- err.Error()
				return
			}
			defer res.Body.Close()
			raw, _ := io.ReadAll(res.Body)
			body <- string(raw)
		}()
		<-begun
		stop()
		require.Eventually(t, func() bool {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		}, 5*time.Second, time.Millisecond)
		close(finish)
		require.Equal(t, "whole", <-body)
		require.NoError(t, <-ended)
	})
	t.Run("closes_who_is_still_talking_when_the_time_is_over", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		begun := make(chan struct{})
		left := make(chan struct{})
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
			close(left)
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- httpkit.Server{Listener: l, Handler: handler, Drain: time.Millisecond}.Run(ctx) }()
		asked := make(chan error, 1)
		go func() {
			res, err := get(t.Context(), http.DefaultClient, "http://"+l.Addr().String())
			if err == nil {
				_ = res.Body.Close()
			}
			asked <- err
		}()
		<-begun
		stop()
		require.NoError(t, <-ended)
		require.Error(t, <-asked)
		<-left
	})
	t.Run("a_listener_that_breaks_is_a_failure", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		require.NoError(t, l.Close())
		require.Error(t, httpkit.Serve(l, http.NotFoundHandler(), nil)(t.Context()))
	})
	t.Run("a_failed_handshake_is_a_debug_line", func(t *testing.T) {
		t.Parallel()
		l := listen(t)
		w := newWorld(t, false)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		refuse := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, errors.New("no certificate for this name")
		}}
		log := slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
		go func() {
			ended <- httpkit.Server{Listener: l, Handler: http.NotFoundHandler(), TLS: refuse, Log: log}.Run(ctx)
		}()
		_, err := get(t.Context(), http.DefaultClient, "https://"+l.Addr().String()) //nolint:bodyclose // there is no answer
		require.Error(t, err)
		require.Eventually(t, func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return bytes.Contains(w.log.Bytes(), []byte(`"level":"DEBUG","msg":"connection failed"`))
		}, 5*time.Second, time.Millisecond)
		stop()
		require.NoError(t, <-ended)
	})
}

func TestPrivate(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
		t.Helper()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return rec
	}
	fine := func(context.Context) error { return nil }

	t.Run("health_is_the_process_alone", func(t *testing.T) {
		t.Parallel()
		h := httpkit.Private(http.NotFoundHandler(), []httpkit.Ready{{Name: "postgres", Check: func(context.Context) error { return errCause }}})
		require.Equal(t, http.StatusOK, ask(t, h, "/healthz").Code)
		require.Equal(t, http.StatusServiceUnavailable, ask(t, h, "/readyz").Code)
		require.Equal(t, http.StatusOK, ask(t, h, "/debug/pprof/").Code)
		require.Equal(t, http.StatusNotFound, ask(t, h, "/debug/pprof/cmdline").Code, "a command line may hold anything")
	})
	t.Run("ready_names_what_is_away_in_order_and_no_cause", func(t *testing.T) {
		t.Parallel()
		rec := ask(t, httpkit.Readyz([]httpkit.Ready{
			{Name: "vault", Check: func(context.Context) error { return errCause }},
			{Name: "nats", Check: fine},
			{Name: "postgres", Check: func(context.Context) error { return errCause }},
		}), "/")
		require.JSONEq(t, `{"ready":false,"away":["postgres","vault"]}`, rec.Body.String())
		require.JSONEq(t, `{"ready":true,"away":[]}`, ask(t, httpkit.Readyz(nil), "/").Body.String())
	})
	t.Run("the_operator_is_told_why", func(t *testing.T) {
		t.Parallel()
		rec := ask(t, httpkit.Private(http.NotFoundHandler(), []httpkit.Ready{
			{Name: "eu/token", Check: func(context.Context) error { return fmt.Errorf("vault: %w", errCause) }}, {Name: "eu/log", Check: fine},
		}), "/readyz")
		var body struct {
			Away   []string
			Causes map[string]string
		}
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
		require.Equal(t, []string{"eu/token"}, body.Away)
		require.Equal(t, map[string]string{"eu/token": "vault: " + errCause.Error()}, body.Causes)
	})
	t.Run("a_check_that_does_not_come_back_is_away", func(t *testing.T) {
		t.Parallel()
		forever := make(chan struct{})
		defer close(forever)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		rec := httptest.NewRecorder()
		httpkit.Readyz([]httpkit.Ready{{Name: "nats", Check: fine}, {Name: "stuck", Check: func(context.Context) error {
			<-forever
			return nil
		}}}).ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
		var body struct{ Away []string }
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
		require.Contains(t, body.Away, "stuck")
	})
}
