// Package httpkit is how every service speaks HTTP: one gin engine with the tenant proved, one event line a request, faults
// turned into bytes in one place, servers that stop cleanly.
package httpkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
)

// Config of an Engine.
type Config struct {
	Service string
	Log     *slog.Logger
	// Seal opens Postern-Tenant. Nil: the engine answers for the platform itself (console, Platform API), not for tenants, and
	// the router's word about the caller is taken from Postern-Edge only if Edge is set.
	Seal *tenancy.Seal
	// MaxBody bounds request bodies in bytes. Zero means 1 MiB, the wire's own limit.
	MaxBody int64
}

// Event is the one line that a request leaves. Handlers add to it through EventOf.
type Event struct {
	Cause  error // logged, never sent
	Code   string
	Client string
	Grant  string
}

type eventKey struct{}

// EventOf gives the event of the request, to add fields; never nil.
func EventOf(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return &Event{}
}

// NewEngine makes the engine every public route of a service hangs on: it recovers, traces, logs one event, bounds the body and,
// with a Seal, refuses whoever did not come through the router (403).
func NewEngine(cfg Config) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	engine.HandleMethodNotAllowed = true
	engine.UseRawPath = true // ids hold percent-encoded bars and slashes
	engine.UnescapePathValues = true
	engine.ContextWithFallback = true
	engine.NoRoute(func(c *gin.Context) { Write(c, fault.NotFound("Not Found")) })
	engine.NoMethod(func(c *gin.Context) { Write(c, fault.NotFound("Not Found")) })
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	engine.Use(observe(cfg), bound(cfg.MaxBody))
	if cfg.Seal != nil {
		engine.Use(prove(cfg.Seal))
	}
	return engine
}

func observe(cfg Config) gin.HandlerFunc {
	tracer := otel.Tracer("postern/" + cfg.Service)
	took, err := otel.Meter("postern/"+cfg.Service).Float64Histogram("http.server.request.duration", metric.WithUnit("s"))
	if err != nil {
		panic(err) // a wrong instrument name: programmer error at start-up
	}
	return func(c *gin.Context) {
		start := time.Now() //nolint:forbidigo // how long a request took is the machine's time, not the domain's
		event := &Event{}
		ctx := otel.GetTextMapPropagator().Extract(c.Request.Context(), propagation.HeaderCarrier(c.Request.Header))
		ctx = context.WithValue(ctx, eventKey{}, event)
		route := c.FullPath()
		if route == "" {
			route = "none"
		}
		ctx, span := tracer.Start(ctx, c.Request.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
		c.Request = c.Request.WithContext(ctx)
		defer func() {
			if v := recover(); v != nil {
				event.Cause = errors.New("panic")
				cfg.Log.ErrorContext(ctx, "panic", slog.Any(telemetry.KeyCause, v), slog.String("stack", string(debug.Stack())))
				if !c.Writer.Written() {
					Write(c, fault.Internal(event.Cause))
				}
			}
			elapsed := time.Since(start)
			status := c.Writer.Status()
			span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("http.route", route))
			span.End()
			took.Record(ctx, elapsed.Seconds(), metric.WithAttributes(attribute.String("http.route", route),
				attribute.String("http.request.method", c.Request.Method), attribute.Int("http.response.status_code", status)))
			logEvent(c, cfg.Log, event, route, elapsed)
		}()
		c.Next()
	}
}

func logEvent(c *gin.Context, log *slog.Logger, event *Event, route string, elapsed time.Duration) {
	ctx := c.Request.Context()
	level := slog.LevelInfo
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String(telemetry.KeyMethod, c.Request.Method), slog.String(telemetry.KeyRoute, route),
		slog.Int(telemetry.KeyStatus, c.Writer.Status()), slog.Float64(telemetry.KeyTook, float64(elapsed.Microseconds())/1000),
		slog.Int(telemetry.KeyBytes, c.Writer.Size()))
	if t, ok := tenancy.From(ctx); ok {
		attrs = append(attrs, slog.String(telemetry.KeyTenant, string(t.ID)))
	}
	for key, value := range map[string]string{telemetry.KeyCode: event.Code, telemetry.KeyClient: event.Client, telemetry.KeyGrant: event.Grant} {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if event.Cause != nil {
		attrs = append(attrs, slog.String(telemetry.KeyCause, event.Cause.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

func bound(maxBody int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
		c.Next()
	}
}

func prove(seal *tenancy.Seal) gin.HandlerFunc {
	return func(c *gin.Context) {
		headers := c.Request.Header.Values(tenancy.Header)
		if len(headers) == 1 {
			if t, ok := seal.Open(headers[0]); ok {
				c.Request = c.Request.WithContext(tenancy.With(c.Request.Context(), t))
				c.Next()
				return
			}
		}
		Write(c, fault.Denied("", "This service answers through the router only"))
	}
}
