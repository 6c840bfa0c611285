// Package httpkit is how every service speaks HTTP: one gin engine with the tenant proved, one event line a request, faults
// turned into bytes in one place, servers that stop cleanly.
package httpkit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
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
	// Seal opens Postern-Tenant. Nil: the engine answers for the platform itself (console, Platform API), not for tenants.
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
	// Tenant is empty until proved: by the seal, or at the edge by the host.
	Tenant tenancy.ID
	// RequestID is what X-Request-Id of the answer says.
	RequestID string
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
	engine.UseRawPath = true          // ids hold percent-encoded slashes
	engine.UnescapePathValues = false // gin decodes them as it does queries, which makes a plus a space: see unescape
	engine.ContextWithFallback = true
	engine.NoRoute(func(c *gin.Context) { Write(c, fault.NotFound("Not Found")) })
	engine.NoMethod(NoMethod())
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 20
	}
	engine.Use(observe(cfg), rescue(cfg.Log), bound(cfg.MaxBody), unescape)
	if cfg.Seal != nil {
		engine.Use(prove)
	}
	return engine
}

func observe(cfg Config) gin.HandlerFunc {
	tracer := otel.Tracer("postern/" + cfg.Service)
	took, err := otel.Meter("postern/"+cfg.Service).Float64Histogram("http.server.request.duration", metric.WithUnit("s"))
	if err != nil {
		panic(err) // a wrong instrument name: programmer error at start-up
	}
	attributes := newMeasures()
	var known *proofs
	if cfg.Seal != nil {
		known = newProofs(cfg.Seal)
	}
	return func(c *gin.Context) {
		start := time.Now() //nolint:forbidigo // how long a request took is the machine's time, not the domain's
		event := &Event{RequestID: Identify(c.Writer.Header())}
		ctx := context.WithValue(c.Request.Context(), eventKey{}, event)
		route, method := c.FullPath(), Method(c.Request)
		if route == "" {
			route = "none"
		}
		span := trace.SpanFromContext(ctx)
		if telemetry.Tracing() {
			ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(c.Request.Header))
			ctx, span = tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer))
			defer span.End()
		}
		if known != nil {
			if t, ok := known.open(c.Request.Header[tenantHeader]); ok {
				event.Tenant = t.ID
				ctx = tenancy.With(ctx, t)
			}
		}
		c.Request = c.Request.WithContext(ctx)
		defer func() {
			elapsed := time.Since(start)
			status := statusOf(c)
			if span.IsRecording() {
				span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
					attribute.Int("http.response.status_code", status))
				if status >= http.StatusInternalServerError {
					span.SetStatus(codes.Error, "")
				}
			}
			took.Record(ctx, elapsed.Seconds(), attributes.of(measure{route, method, status}))
			logEvent(ctx, c, cfg.Log, line{route, status, elapsed})
		}()
		c.Next()
	}
}

// Method gives the method, and OTHER for an invented one: names and labels never hold what a caller chose.
func Method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return r.Method
	}
	return "OTHER"
}

// statusGone is what the event says of a caller who did not wait; nobody is told.
const statusGone = 499

func statusOf(c *gin.Context) int {
	status := c.Writer.Status()
	if status >= http.StatusInternalServerError && errors.Is(c.Request.Context().Err(), context.Canceled) {
		return statusGone
	}
	return status
}

// rescue turns a panic into a 500. Once the answer has begun it breaks the connection off instead: half an answer must not look whole.
func rescue(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // the value itself is net/http's convention
				panic(v)
			}
			begun := c.Writer.Written()
			log.ErrorContext(c.Request.Context(), "panic", slog.Any(telemetry.KeyCause, v), slog.String("stack", string(debug.Stack())))
			Write(c, fault.Internal(errors.New("panic")))
			if begun {
				panic(http.ErrAbortHandler)
			}
		}()
		c.Next()
	}
}

// line is what observe knows of a request at its end.
type line struct {
	route  string
	status int
	took   time.Duration
}

func logEvent(ctx context.Context, c *gin.Context, log *slog.Logger, l line) {
	level := slog.LevelInfo
	if l.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	event := EventOf(ctx)
	attrs := make([]slog.Attr, 0, 11)
	attrs = append(attrs, slog.String(telemetry.KeyMethod, Method(c.Request)), slog.String(telemetry.KeyRoute, l.route),
		slog.Int(telemetry.KeyStatus, l.status), slog.Float64(telemetry.KeyTook, float64(l.took.Microseconds())/1000),
		slog.Int(telemetry.KeyBytes, max(0, c.Writer.Size())))
	for _, field := range [...]struct{ key, value string }{
		{telemetry.KeyRequest, event.RequestID},
		{telemetry.KeyTenant, string(event.Tenant)},
		{telemetry.KeyCode, event.Code},
		{telemetry.KeyClient, event.Client},
		{telemetry.KeyGrant, event.Grant},
	} {
		if field.value != "" {
			attrs = append(attrs, slog.String(field.key, field.value))
		}
	}
	if event.Cause != nil {
		attrs = append(attrs, slog.String(telemetry.KeyCause, event.Cause.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

// unescape decodes the path's parameters when gin matched the path as it was sent, each once.
func unescape(c *gin.Context) {
	if c.Request.URL.RawPath == "" {
		return // matched decoded
	}
	for i, p := range c.Params {
		if v, err := url.PathUnescape(p.Value); err == nil {
			c.Params[i].Value = v
		}
	}
}

func bound(maxBody int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Body != http.NoBody {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxBody)
		}
		c.Next()
	}
}

// prove refuses what the router did not prove to be a tenant's.
func prove(c *gin.Context) {
	if _, ok := tenancy.From(c.Request.Context()); !ok {
		Write(c, fault.Denied("", "This service answers through the router only"))
	}
}
