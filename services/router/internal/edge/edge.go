// Package edge is the router's HTTP side: it proves the tenant from the host, strips what only the edge may say, and hands the
// request to the service that answers the path. It keeps no state of its own.
package edge

import (
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/limit"
	"github.com/postern-id/postern/services/router/internal/route"
)

// Backends gives the handler of a service in a cell; nil when there is none.
type Backends func(cell string, s route.Service) http.Handler

// Deps of an Edge.
type Deps struct {
	Log     *slog.Logger
	Table   *route.Table
	Limiter *limit.Limiter // of all requests
	// Management bounds calls of the Management API, which count in Limiter, too. Nil: nothing more does.
	Management *limit.Limiter
	// Registrations bounds the registration of clients, which is open to strangers, besides Limiter. Nil: no bound of its own.
	Registrations *limit.Limiter
	Seals         map[string]*tenancy.Seal // by cell
	Backends      Backends
	System        map[string]http.Handler // hosts that are the platform's own, without port
	// Described describes the Management API at every tenant's host. Nil: nothing is answered there.
	Described Describer
	// Regions this router answers for; none: all.
	Regions map[string]bool
	// PublicPort is the HTTPS port as the world sees it; it is part of issuers unless 443.
	PublicPort int
	// Readyz answers on hosts that are no tenant's.
	Readyz http.Handler
	// Served reports whether there is a directory yet; until then an unknown host is 503, not 404. Nil: always.
	Served func() bool
}

// Edge serves one listener.
type Edge struct {
	Deps

	refuse *gin.Engine // renders the edge's own answers, with their event line
	own    *gin.Engine // what it answers instead of a service
	scheme string
	proofs *proofs
	tracer trace.Tracer
}

// New makes the handler of a listener: scheme is "https" or "http", port the one the world sees.
func New(d Deps, scheme string, port int) *Edge {
	e := &Edge{
		Deps: d, scheme: scheme, tracer: otel.Tracer("postern/router"),
		proofs: newProofs(scheme, portSuffix(scheme, port), portSuffix("https", d.PublicPort)),
	}
	e.refuse = httpkit.NewEngine(httpkit.Config{Service: "router", Log: d.Log})
	e.refuse.NoRoute(func(c *gin.Context) {
		refused, _ := c.Request.Context().Value(refusalKey{}).(refusal)
		httpkit.EventOf(c.Request.Context()).Tenant = refused.tenant
		if c.Request.URL.EscapedPath() == route.Registration {
			httpkit.WriteOAuth(c, refused.err)
			return
		}
		httpkit.Write(c, refused.err)
	})
	e.own = describing(d)
	return e
}

func portSuffix(scheme string, port int) string {
	if port == 0 || scheme == "https" && port == 443 || scheme == "http" && port == 80 {
		return ""
	}
	return ":" + strconv.Itoa(port)
}

// ServeHTTP implements http.Handler.
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.clean(r)
	ctx := r.Context()
	if telemetry.Tracing() {
		var span trace.Span
		ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(r.Header))
		ctx, span = e.tracer.Start(ctx, "router "+httpkit.Method(r), trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(r.Header))
	}
	if ctx != r.Context() || r.Method == http.MethodHead {
		r = r.WithContext(ctx) // a copy: what follows is not the server's
	}
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet // the same answer (RFC 9110 §9.3.2); the server, who knows better, sends no body
	}

	host, ok := route.NormalHost(r.Host)
	if !ok {
		e.fail(w, r, "", fault.Invalid("", "The Host header is not a host name"))
		return
	}
	if h, isSystem := e.System[host]; isSystem {
		h.ServeHTTP(w, r)
		return
	}
	entry, err := e.Table.Find(host)
	certified := err != nil && e.scheme == "https" && strings.HasPrefix(host, tenancy.MTLSLabel)
	if certified {
		host, entry, err = e.Table.FindMTLS(host)
	}
	if err == nil && len(e.Regions) > 0 && !e.Regions[entry.Region] {
		err = fault.NotFound("No tenant answers at this host")
	}
	if err != nil {
		if r.URL.Path == "/readyz" && e.Readyz != nil && !e.Table.Has(host) && isLoopbackName(host) {
			e.Readyz.ServeHTTP(w, r)
			return
		}
		if e.Served != nil && !e.Served() {
			err = fault.Unavailable("The directory has not been read yet")
		}
		e.fail(w, r, "", err)
		return
	}
	if err := e.admit(w, r, entry); err != nil {
		e.fail(w, r, entry.Tenant, err)
		return
	}
	seal := e.Seals[entry.Cell]
	if seal == nil {
		e.fail(w, r, entry.Tenant, errNoCell())
		return
	}
	proof, err := e.proofs.of(seal, host, entry)
	if err == nil && certified {
		proof, err = certify(seal, proof.Tenant, r)
	}
	if err != nil {
		e.fail(w, r, entry.Tenant, err)
		return
	}
	e.forward(w, r, proof)
}

func errNoCell() error { return fault.Unavailable("This tenant's cell cannot be reached from here") }

// isLoopbackName keeps the readiness answer to those who ask the machine, not a tenant's host.
func isLoopbackName(host string) bool {
	return host == "localhost" || net.ParseIP(host) != nil && net.ParseIP(host).IsLoopback()
}

// clean drops what a caller must not say, and says who the caller is: the address of the connection, nothing they claim.
func (e *Edge) clean(r *http.Request) {
	for name := range r.Header {
		if strings.HasPrefix(name, "Postern-") || strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" {
			delete(r.Header, name)
		}
	}
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		r.Header["X-Forwarded-For"] = []string{ip}
	}
	r.Header["X-Forwarded-Proto"] = []string{e.scheme}
	r.Header["X-Forwarded-Host"] = []string{r.Host}
}

func (e *Edge) forward(w http.ResponseWriter, r *http.Request, proof tenancy.Proof) {
	t := proof.Tenant
	if e.Described != nil && isDescription(r) {
		e.own.ServeHTTP(w, r.WithContext(tenancy.With(r.Context(), t)))
		return
	}
	service, ok := route.ServiceFor(r.URL.EscapedPath())
	if !ok {
		e.fail(w, r, t.ID, fault.NotFound("Not Found"))
		return
	}
	backend := e.Backends(t.Cell, service)
	if backend == nil {
		e.fail(w, r, t.ID, errNoCell())
		return
	}
	r.Header[canonicalHeader] = []string{proof.Header}
	backend.ServeHTTP(w, r)
}

// fail answers for the edge itself; the engine it goes through leaves the event line. tenant is empty when the host is nobody's.
func (e *Edge) fail(w http.ResponseWriter, r *http.Request, tenant tenancy.ID, err error) {
	e.Log.DebugContext(r.Context(), "request refused at the edge", slog.String(telemetry.KeyHost, r.Host), slog.String(telemetry.KeyCause, err.Error()))
	e.refuse.ServeHTTP(w, r.WithContext(withRefusal(r.Context(), refusal{tenant, err})))
}
