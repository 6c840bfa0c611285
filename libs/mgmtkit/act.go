package mgmtkit

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// maxCorrelation is how much of X-Correlation-ID is kept, in characters: the wire's own bound.
const maxCorrelation = 64

// recordTime bounds the writing of a line that the caller does not wait for.
const recordTime = 5 * time.Second

// Answering tells how the operation's answer is made of what its verb stores, so that the audit line that is written in the change's
// own transaction holds the answer, too: the store gives what it stores to audit.Act.Answered. Use it around the verb of every write
// that answers with a body:
//
//	c, err := h.clients.Create(mgmtkit.Answering(ctx, toWire), t.ID, settings)
//
// Secrets of the answer are redacted as those of the request are.
func Answering[T, W any](ctx context.Context, wire func(T) W) context.Context {
	act, secrets := audit.From(ctx), recordOf(ctx).op.Secrets
	act.Render = func(stored any) any {
		v, ok := stored.(T)
		if !ok {
			return nil
		}
		return redactedValue(wire(v), secrets)
	}
	return audit.With(ctx, act)
}

// actOf says who calls op on what.
func actOf(c *gin.Context, op Op, t tenancy.Tenant, caller Caller) audit.Act {
	r := c.Request
	act := audit.Act{
		Operation: op.Summary, ClientID: caller.AuthorizedParty, Hostname: t.Hostname(), Method: strings.ToLower(op.Method),
		Status: op.Status, Scopes: caller.Scope, TokenID: caller.ID, IP: httpkit.ClientIP(r), UserAgent: httpkit.UserAgent(r), Path: r.URL.Path,
		Query: map[string]string{},
	}
	if !strings.HasSuffix(caller.Subject, "@clients") {
		act.UserID = caller.Subject
	}
	if op.writes() {
		act.Correlation = firstRunes(strings.ToValidUTF8(r.Header.Get("X-Correlation-ID"), "�"), maxCorrelation)
	}
	for name, values := range r.URL.Query() {
		act.Query[name] = strings.Join(values, ",")
		if isSecret(name) {
			act.Query[name] = audit.Redacted
		}
	}
	return act
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// keptBody remembers what was read of a body, which is bounded by who reads it.
type keptBody struct {
	io.ReadCloser

	read bytes.Buffer
}

// Read implements io.Reader.
func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read.Len() <= maxBody {
		b.read.Write(p[:n])
	}
	return n, err
}

// recordRefusal leaves the line of a write that a caller with a good token was refused (4xx). The answer is on its way already, and
// no change stands beside the line, so a line that cannot be stored is only told of in the request's event.
func (a *API) recordRefusal(c *gin.Context, rec *record, t tenancy.Tenant, caller Caller) {
	status := c.Writer.Status()
	if a.recorder == nil || status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		return
	}
	act := actOf(c, rec.op, t, caller)
	act.Status = status
	if rec.problem != nil {
		act.Answer = redactedValue(rec.problem, nil)
	}
	if rec.body != nil {
		act.Body = rec.declared(redactedJSON(rec.body.read.Bytes(), rec.op.Secrets))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), recordTime)
	defer cancel()
	if err := a.recorder.Record(ctx, t.ID, act); err != nil {
		if event := httpkit.EventOf(ctx); event.Cause == nil {
			event.Cause = err
		}
	}
}

// declared hides the values of properties that the operation does not declare: a misspelled secret is one all the same.
func (r *record) declared(body any) any {
	s := schemas{op: r.described, registry: r.registry}
	if s.op == nil || s.registry == nil || s.op.RequestBody == nil || s.op.RequestBody.Content["application/json"] == nil {
		return body
	}
	return s.declared(s.op.RequestBody.Content["application/json"].Schema, body)
}

func (s schemas) declared(at *huma.Schema, v any) any {
	at = s.resolve(at)
	if at == nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if at.AdditionalProperties != false {
			return v
		}
		for name, value := range v {
			if property, ok := at.Properties[name]; ok {
				v[name] = s.declared(property, value)
			} else {
				v[name] = audit.Redacted
			}
		}
	case []any:
		for i := range v {
			v[i] = s.declared(at.Items, v[i])
		}
	}
	return v
}
