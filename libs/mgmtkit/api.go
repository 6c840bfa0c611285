// Package mgmtkit is how a service declares operations of the Management API: who may call, what is checked, how it fails and
// what the audit log keeps, once for every resource (huma on gin). It never knows a resource.
package mgmtkit

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// Base is the path of the Management API.
const Base = "/api/v2"

// Verifier checks an access token against the tenant and the audience; its refusals are faults (jwtkit.Verifier).
type Verifier interface {
	VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (jwtkit.Claims, error)
}

// API is one service's part of the Management API.
type API struct {
	huma     huma.API
	verifier Verifier
}

// New hangs a part of the Management API on engine, whose requests have a proved tenant (httpkit.NewEngine with a Seal).
func New(engine *gin.Engine, verifier Verifier) *API {
	UseProblems()
	return &API{huma: humagin.New(engine, Settings("Management API", "2")), verifier: verifier}
}

// Settings of huma for an API of this house: no link headers, no schema properties in answers, unknown query parameters refused.
func Settings(title, version string) huma.Config {
	cfg := huma.DefaultConfig(title, version)
	cfg.CreateHooks = nil
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
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
	// Reveals marks a read that answers with secrets, which is audited too (mgmt_api_read).
	Reveals bool
}

// Caller is who holds the token.
type Caller struct{ jwtkit.Claims }

// Has reports whether the caller's token holds the scope.
func (c Caller) Has(scope string) bool {
	for _, s := range c.Scope {
		if s == scope {
			return true
		}
	}
	return false
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
	huma.Register(a.huma, huma.Operation{
		OperationID: op.ID, Summary: op.Summary, Method: op.Method, Path: Base + op.Path, DefaultStatus: op.Status,
		Tags: []string{op.Tag}, Middlewares: huma.Middlewares{a.authorize(op.Scopes)}, SkipValidateParams: false,
		Security: []map[string][]string{{"bearer": op.Scopes}}, MaxBodyBytes: 1 << 20,
	}, func(ctx context.Context, in *I) (*O, error) {
		t, ok := tenancy.From(ctx)
		if !ok {
			return nil, rendered(ctx, fault.Denied("", "This service answers through the router only"))
		}
		if op.Method != http.MethodGet || op.Reveals {
			ctx = withAct(ctx, op, t, in)
		}
		out, err := handle(ctx, t, in)
		if err != nil {
			return nil, rendered(ctx, err)
		}
		return out, nil
	})
}

type requestKey struct{}

func (a *API) authorize(scopes []string) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(hc)
		ctx := c.Request.Context()
		t, ok := tenancy.From(ctx)
		if !ok {
			httpkit.Write(c, fault.Denied("", "This service answers through the router only"))
			return
		}
		scheme, raw, _ := strings.Cut(c.GetHeader("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || raw == "" {
			httpkit.Write(c, fault.Unauthenticated("Missing authentication"))
			return
		}
		claims, err := a.verifier.VerifyAccess(ctx, t, strings.TrimSpace(raw), t.ManagementAudience())
		if err != nil {
			httpkit.Write(c, err)
			return
		}
		caller := Caller{claims}
		httpkit.EventOf(ctx).Client = claims.AuthorizedParty
		if !hasAny(caller, scopes) {
			httpkit.Write(c, fault.Denied("insufficient_scope", "Insufficient scope, expected any of: "+strings.Join(scopes, ",")))
			return
		}
		hc = huma.WithValue(hc, callerKey{}, caller)
		next(huma.WithValue(hc, requestKey{}, c.Request))
	}
}

func hasAny(c Caller, scopes []string) bool {
	for _, s := range scopes {
		if c.Has(s) {
			return true
		}
	}
	return len(scopes) == 0
}

func withAct(ctx context.Context, op Op, t tenancy.Tenant, in any) context.Context {
	caller := CallerOf(ctx)
	act := audit.Act{
		Operation: op.Summary, ClientID: caller.AuthorizedParty, Hostname: t.Hostname(), Method: strings.ToLower(op.Method),
		Status: op.Status, Scopes: caller.Scope, Body: redactedBody(in),
	}
	if !strings.HasSuffix(caller.Subject, "@clients") {
		act.UserID = caller.Subject
	}
	if r, ok := ctx.Value(requestKey{}).(*http.Request); ok {
		act.IP, act.UserAgent, act.Path = httpkit.ClientIP(r), r.UserAgent(), r.URL.Path
		act.Query = map[string]string{}
		for name, values := range r.URL.Query() {
			act.Query[name] = strings.Join(values, ",")
		}
	}
	return audit.With(ctx, act)
}

// secretNames are the properties whose values never reach the audit log, at any depth.
var secretNames = map[string]bool{
	"client_secret": true, "password": true, "signing_secret": true, "secret": true, "pem": true, "private_key": true,
	"access_token": true, "refresh_token_value": true, "api_key": true, "token": true, "otp": true, "custom_password_hash": true,
	"password_hash": true, "servicePassword": true, "storageAccessKey": true, "sasKey": true, "masterkey": true, "privateKey": true,
	"httpAuthorization": true, "splunkToken": true, "datadogApiKey": true, "segmentWriteKey": true, "mixpanelServiceAccountPassword": true,
	"configuration": true, "bind_password": true, "twilio_token": true,
}

func redactedBody(in any) any {
	body := reflect.Indirect(reflect.ValueOf(in)).FieldByName("Body")
	if !body.IsValid() {
		return nil
	}
	raw, err := json.Marshal(body.Interface())
	if err != nil {
		return nil
	}
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	return redact(tree)
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if secretNames[name] {
				v[name] = audit.Redacted
				continue
			}
			v[name] = redact(value)
		}
		return v
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
		return v
	}
	return v
}
