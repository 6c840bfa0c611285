package mgmtkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/libs/httpkit"
)

// problem is a huma error in this wire's shape.
type problem struct {
	httpkit.Problem

	retryAfter int
}

// Error implements error.
func (p *problem) Error() string { return p.Message }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.StatusCode }

// ContentType implements huma.ContentTypeFilter: plain JSON, as the SDKs expect.
func (p *problem) ContentType(string) string { return "application/json; charset=utf-8" }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

var useProblems sync.Once

// UseProblems makes huma render its own refusals (validation, media types) as Problems, and take property names as they are
// spelled. huma keeps these choices in package variables, so all APIs of a process share them.
func UseProblems() {
	useProblems.Do(func() {
		huma.NewErrorWithContext = newProblem                                          // huma's documented way to choose the error model
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { // where huma has no context
			return newProblem(nil, status, msg, errs...)
		}
		// Otherwise {"name":"fine","Name":"…"} would have one checked and the other used: encoding/json folds case, the last one wins.
		huma.ValidateStrictCasing = true
	})
}

// Rendered turns a failure into what huma writes, and notes its cause in the request's event.
func Rendered(ctx context.Context, err error) error { return rendered(ctx, err) }

func rendered(ctx context.Context, err error) error {
	f := httpkit.NoteIn(ctx, err)
	p := &problem{Problem: httpkit.ProblemOf(f)}
	recordOf(ctx).problem = &p.Problem
	if f.RetryAfter > 0 {
		p.retryAfter = max(1, int(f.RetryAfter/time.Second))
	}
	return p
}

// newProblem is huma's NewErrorWithContext: what huma refuses by itself, in the wire's words. ctx may be nil.
func newProblem(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	code := ""
	details := detailsOf(errs)
	switch status {
	case http.StatusUnprocessableEntity: // a value that is not as declared
		status = http.StatusBadRequest
		if len(details) > 0 {
			msg, code = sentence(first(details), schemasOf(ctx))
		}
	case http.StatusBadRequest:
		code = invalidBody
		switch {
		case len(details) > 0 && details[0].Location == "body" && strings.HasPrefix(details[0].Message, twice):
			msg = "Payload validation error: 'Property sent twice: " + clip(strings.TrimPrefix(details[0].Message, twice)) + "'."
		case len(details) > 0 && details[0].Location == "body":
			msg = "Invalid request payload JSON format"
		case len(details) > 0:
			msg, code = sentence(first(details), schemasOf(ctx))
		default: // the only one left: a body was due
			msg = "Payload validation error: 'Expected type object but found type null'."
		}
	case http.StatusRequestEntityTooLarge:
		msg = fmt.Sprintf("Payload content length greater than maximum allowed: %d", maxBody)
	case http.StatusUnsupportedMediaType:
		msg = "Unsupported Media Type"
	case http.StatusRequestTimeout:
		msg = "The request body took too long"
	case http.StatusInternalServerError:
		if msg == "cannot read request body" { // the caller broke off
			status, msg, code = http.StatusBadRequest, "The request body could not be read", invalidBody
		}
	}
	p := &problem{Problem: httpkit.Problem{StatusCode: status, Error: http.StatusText(status), Message: msg, ErrorCode: code}}
	if ctx != nil {
		recordOf(ctx.Context()).problem = &p.Problem
	}
	return p
}

func detailsOf(errs []error) []*huma.ErrorDetail {
	var out []*huma.ErrorDetail
	for _, err := range errs {
		if detail, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			out = append(out, detail)
		}
	}
	return out
}
