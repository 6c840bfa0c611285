// Package forward takes requests to services on other machines: the tenant's header as the edge set it,
// everything else as the caller sent it.
package forward

import (
	"context"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/config"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// Plain is the transport to services that share this machine.
func Plain() http.RoundTripper {
	return &http.Transport{
		MaxIdleConnsPerHost: 256, MaxIdleConns: 4096, IdleConnTimeout: 90 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		DisableCompression: true, // what the caller takes is the caller's to say
	}
}

// Backends reads "cell/service=URL,…" into proxies: cell → service → handler.
func Backends(list string, transport http.RoundTripper, log *slog.Logger) (map[string]map[string]http.Handler, error) {
	out := map[string]map[string]http.Handler{}
	for _, item := range config.List(list) {
		name, raw, _ := strings.Cut(item, "=")
		cell, service, ok := strings.Cut(name, "/")
		target, err := url.Parse(raw)
		if !ok || cell == "" || service == "" || err != nil || target.Host == "" {
			return nil, fmt.Errorf("backend %q is not cell/service=URL", item)
		}
		if out[cell] == nil {
			out[cell] = map[string]http.Handler{}
		}
		out[cell][service] = Proxy(target, transport, log)
	}
	return out, nil
}

// Proxy hands requests to target as they are: path bytes, query bytes, host, and the headers the edge has set.
func Proxy(target *url.URL, transport http.RoundTripper, log *slog.Logger) http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		// What a service says of a limit of its own replaces what the edge said of the tenant's: two values would be none.
		ModifyResponse: func(res *http.Response) error {
			edge, _ := res.Request.Context().Value(headerKey{}).(http.Header)
			for _, name := range limitHeaders {
				if len(res.Header[name]) > 0 {
					edge.Del(name)
				}
			}
			return nil
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // a parameter the proxy cannot parse is the service's to refuse
			// Rewrite starts without the first three; the last one a caller could have dropped by naming it in Connection.
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", textproto.CanonicalMIMEHeaderKey(tenancy.Header)} {
				if values, ok := r.In.Header[name]; ok {
					r.Out.Header[name] = values
				}
			}
		},
		ErrorLog: stdlog.New(io.Discard, "", 0), // an answer that broke off in the middle; its event line is the service's
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler) // the caller has left; nobody would read an answer
			}
			id := httpkit.Identify(w.Header())
			log.WarnContext(r.Context(), "service not reached", slog.String(telemetry.KeyRequest, id), slog.String(telemetry.KeyAddr, target.Host), slog.String(telemetry.KeyCause, err.Error()))
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"statusCode":503,"error":"Service Unavailable","message":"This service is away","errorCode":"temporarily_unavailable"}`))
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), headerKey{}, w.Header())))
	})
}

// headerKey is where the edge's header of the answer is in the context.
type headerKey struct{}

// limitHeaders say how full a limit is.
var limitHeaders = []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"}
