package mgmtkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/libs/fault"
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

// UseProblems makes huma render its own refusals (validation, media types) as Problems. huma keeps that choice in a package
// variable, so all APIs of a process share it.
func UseProblems() {
	useProblems.Do(func() { huma.NewError = newProblem }) //nolint:reassign // huma's documented way to choose the error model
}

// Rendered turns a failure into what huma writes, and notes its cause in the request's event.
func Rendered(ctx context.Context, err error) error { return rendered(ctx, err) }

func rendered(ctx context.Context, err error) error {
	f := fault.Of(err)
	event := httpkit.EventOf(ctx)
	event.Code, event.Cause = f.Code, f.Cause
	return &problem{Problem: httpkit.ProblemOf(f), retryAfter: int(f.RetryAfter.Seconds())}
}

// newProblem is huma's NewError: validation failures become 400 in the wire's words, the first one named.
func newProblem(status int, msg string, errs ...error) huma.StatusError {
	code := ""
	for _, err := range errs {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			status = http.StatusBadRequest
			msg, code = sentence(detail)
			break
		}
		if err != nil && status == http.StatusBadRequest {
			msg, code = err.Error(), "invalid_body"
		}
	}
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	return &problem{Problem: httpkit.Problem{StatusCode: status, Error: http.StatusText(status), Message: msg, ErrorCode: code}}
}

func sentence(d *huma.ErrorDetail) (msg, code string) {
	place, path, _ := strings.Cut(d.Location, ".")
	what := strings.TrimSuffix(d.Message, ".")
	if name, ok := strings.CutPrefix(what, "expected required property "); ok {
		name = strings.TrimSuffix(name, " to be present")
		what = "Missing required property: " + name
		path = join(path, name)
	}
	if what == "unexpected property" {
		name := path[strings.LastIndexByte(path, '.')+1:]
		what = "Additional properties not allowed: " + name
	}
	if kind, ok := strings.CutPrefix(what, "expected "); ok {
		what = "Expected " + kind
	}
	switch place {
	case "query":
		return fmt.Sprintf("Query validation error: '%s' on property %s.", what, path), "invalid_query_string"
	case "path":
		return fmt.Sprintf("Path validation error: '%s' on property %s.", what, path), "invalid_uri"
	}
	if path == "" {
		return fmt.Sprintf("Payload validation error: '%s'.", what), "invalid_body"
	}
	return fmt.Sprintf("Payload validation error: '%s' on property %s.", what, path), "invalid_body"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
