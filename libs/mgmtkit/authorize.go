package mgmtkit

import (
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// maxQuery bounds a search in bytes; the wire answers 414 to more.
const maxQuery = 4 << 10

// authorize lets through who may call op, and leaves the audit line of a write that is refused after its caller is known.
func (a *API) authorize(op Op) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		c := humagin.Unwrap(hc)
		t, caller, err := a.authenticate(c)
		if err != nil {
			httpkit.Write(c, err)
			return
		}
		rec := &record{op: op, described: hc.Operation(), registry: a.huma.OpenAPI().Components.Schemas, revealed: op.Reveals}
		if op.writes() {
			rec.body = &keptBody{ReadCloser: c.Request.Body}
			c.Request.Body = rec.body
			defer a.recordRefusal(c, rec, t, caller)
		}
		if !hasAny(caller, op.Scopes) {
			c.Header("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+strings.Join(op.Scopes, " ")+`"`)
			rec.refuse(c, fault.Denied("insufficient_scope", "Insufficient scope, expected any of: "+strings.Join(op.Scopes, ",")))
			return
		}
		if len(c.Query("q")) > maxQuery || len(c.Query("search")) > maxQuery {
			const status = http.StatusRequestURITooLong
			c.AbortWithStatusJSON(status, httpkit.Problem{StatusCode: status, Error: http.StatusText(status), Message: "The query is too long"})
			return
		}
		hc = huma.WithValue(hc, callerKey{}, caller)
		hc = huma.WithValue(hc, registryKey{}, rec.registry)
		hc = huma.WithValue(hc, recordKey{}, rec)
		checked := new(bool)
		defer rec.refuseUnhashable(c, checked)
		hc = huma.WithValue(hc, checkedKey{}, checked)
		next(huma.WithValue(hc, requestKey{}, c))
	}
}

// authenticate says whose request it is and who calls.
func (a *API) authenticate(c *gin.Context) (tenancy.Tenant, Caller, error) {
	ctx := c.Request.Context()
	t, ok := tenancy.From(ctx)
	if !ok {
		return t, Caller{}, fault.Denied("", "This service answers through the router only")
	}
	raw, ok := bearerToken(c.Request)
	if !ok {
		c.Header("WWW-Authenticate", "Bearer") // RFC 6750 §3
		return t, Caller{}, fault.Unauthenticated("Missing authentication")
	}
	claims, err := a.verifier.VerifyAccess(ctx, t, raw, t.ManagementAudience())
	if err != nil {
		if fault.Is(err, fault.KindUnauthenticated) {
			c.Header("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		return t, Caller{}, err
	}
	httpkit.EventOf(ctx).Client = claims.AuthorizedParty
	return t, Caller{claims}, nil
}

// refuse answers with err, which the audit log is to show.
func (r *record) refuse(c *gin.Context, err error) {
	p := httpkit.ProblemOf(fault.Of(err))
	r.problem = &p
	httpkit.Write(c, err)
}

type checkedKey struct{}

// refuseUnhashable answers for huma, which looks for repeats in a list by putting its items into a map, and panics over an item that
// is a list or an object. Every other panic, and any after the input was checked, goes on.
func (r *record) refuseUnhashable(c *gin.Context, checked *bool) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(runtime.Error); ok && !*checked && strings.Contains(err.Error(), "unhashable") {
		r.refuse(c, fault.Invalid(invalidBody, "Payload validation error: 'Invalid value'."))
		return
	}
	panic(v)
}

// bearerToken gives the one bearer token of a request (RFC 6750 §2.1). Two Authorization headers are none: what stands between
// could have looked at the other one.
func bearerToken(r *http.Request) (raw string, ok bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	raw = strings.TrimSpace(raw)
	return raw, strings.EqualFold(scheme, "Bearer") && raw != ""
}

func hasAny(c Caller, scopes []string) bool {
	return len(scopes) == 0 || slices.ContainsFunc(scopes, c.Has)
}
