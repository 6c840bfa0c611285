// Package mgmtkit is how a service declares operations of the Management API: who may call, what is checked, how it fails and
// what the audit log keeps, once for every resource (huma on gin). It never knows a resource.
package mgmtkit

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// Base is the path of the Management API.
const Base = "/api/v2"

// bearer names the one way to authenticate in the description.
const bearer = "bearer"

const (
	maxBody  = 1 << 20 // bytes, the wire's own limit
	bodyTime = 30 * time.Second
)

// Verifier checks an access token against the tenant and the audience; its refusals are faults (jwtkit.Verifier).
type Verifier interface {
	VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (jwtkit.Claims, error)
}

// API is one service's part of the Management API.
type API struct {
	huma     huma.API
	verifier Verifier
	recorder Recorder // nil: refused writes leave no line, and reads that show secrets fail
}

// Option of an API.
type Option func(*API)

// WithRecorder gives the place for audit lines that belong to no change. Without one refused writes leave
// no line, and reads that show secrets fail.
func WithRecorder(r Recorder) Option { return func(a *API) { a.recorder = r } }

// New hangs a part of the Management API on engine, whose requests have a proved tenant (httpkit.NewEngine with a Seal), and its
// description at httpkit.PartPath. An engine has one part at most.
func New(engine *gin.Engine, verifier Verifier, options ...Option) *API {
	UseProblems()
	cfg := Settings("Management API", "2")
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{bearer: {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	cfg.Components.Responses = refusals(cfg.Components.Schemas)
	a := &API{huma: humagin.New(engine, cfg), verifier: verifier}
	for _, option := range options {
		option(a)
	}
	a.describe(engine)
	return a
}

// Settings of huma for an API of this house: no link headers, no schema properties in answers, unknown query parameters and
// properties sent twice refused.
func Settings(title, version string) huma.Config {
	cfg := huma.DefaultConfig(title, version)
	cfg.CreateHooks = nil
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.RejectUnknownQueryParameters = true
	cfg.Formats = strictJSON(cfg.Formats)
	return cfg
}

// OpenAPI is the description of what was registered.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Op declares one operation.
type Op struct {
	ID      string // "create_client"
	Summary string // "Create a client": also the audit log's description
	Method  string
	Path    string   // below Base: "/clients/{id}"
	Scopes  []string // any one of them is enough; none: any valid token
	Status  int      // of success; zero means 200
	Tag     string
	// Reveals marks a read that always answers with secrets, which is audited too (mgmt_api_read). One that does so for some callers
	// says it at run time: Revealed.
	Reveals bool
	// Secrets are properties of the body that the audit log must not keep, besides those that tell by their name ("password").
	Secrets []string
}

// Caller is who holds the token.
type Caller struct{ jwtkit.Claims }

// Has reports whether the caller's token holds the scope.
func (c Caller) Has(scope string) bool {
	return slices.Contains(c.Scope, scope)
}

type callerKey struct{}

// CallerOf gives who calls; inside an operation it is always set.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// Register adds an operation. handle gets the proved tenant; its failure is rendered as a Problem. A write carries its audit.Act in ctx.
func Register[I, O any](a *API, op Op, handle func(ctx context.Context, t tenancy.Tenant, in *I) (*O, error)) {
	if op.Status == 0 {
		op.Status = http.StatusOK
	}
	var tags []string
	if op.Tag != "" {
		tags = []string{op.Tag}
	}
	huma.Register(a.huma, huma.Operation{
		OperationID: op.ID, Summary: op.Summary, Method: op.Method, Path: Base + op.Path, DefaultStatus: op.Status,
		Tags: tags, Middlewares: huma.Middlewares{a.authorize(op)},
		Security: anyOf(op.Scopes), Responses: refusalRefs(), MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
	}, func(ctx context.Context, in *I) (*O, error) {
		t, ok := tenancy.From(ctx)
		if !ok {
			return nil, rendered(ctx, fault.Denied("", "This service answers through the router only"))
		}
		if checked, ok := ctx.Value(checkedKey{}).(*bool); ok {
			*checked = true
		}
		bodyRead(ctx)
		c, _ := ctx.Value(requestKey{}).(*gin.Context)
		rec := recordOf(ctx)
		act := actOf(c, op, t, CallerOf(ctx))
		if op.writes() {
			act.Body = redactedJSON(rec.body.read.Bytes(), op.Secrets)
			ctx = audit.With(ctx, act)
		}
		out, err := handle(ctx, t, in)
		if err == nil && !op.writes() && rec.revealed {
			err = a.recordRead(ctx, t, rec, act)
		}
		if err != nil {
			return nil, rendered(ctx, err)
		}
		return out, nil
	})
}

// errNoRecorder is a mistake of the wiring.
var errNoRecorder = errors.New("a secret would be shown, and there is no recorder to tell of it")

// recordRead leaves the line of a read that reveals. Its failure is the operation's: a secret that nobody would know of is not shown.
func (a *API) recordRead(ctx context.Context, t tenancy.Tenant, rec *record, act audit.Act) error {
	if a.recorder == nil {
		return fault.Internal(errNoRecorder)
	}
	act.Revealed = rec.secrets
	return a.recorder.Record(ctx, t.ID, act)
}

// writes reports whether the operation changes something.
func (op Op) writes() bool { return op.Method != http.MethodGet }

type requestKey struct{}

// bodyRead takes back the deadline under which the body was read. It would stay on the connection, and end the context of every
// operation that takes longer.
func bodyRead(ctx context.Context) {
	if c, ok := ctx.Value(requestKey{}).(*gin.Context); ok {
		_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Time{}) // a writer without deadlines has none to take back
	}
}
