package httpkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Problem is the body of an error of the Management and Platform APIs.
type Problem struct {
	StatusCode int    `json:"statusCode"`
	Error      string `json:"error"` // the HTTP reason phrase
	Message    string `json:"message"`
	ErrorCode  string `json:"errorCode,omitempty"`
}

// OAuthProblem is the body of an error of the OAuth endpoints (RFC 6749 §5.2).
type OAuthProblem struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// Status gives the HTTP status of a kind of fault.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.KindInvalid:
		return http.StatusBadRequest
	case fault.KindUnauthenticated:
		return http.StatusUnauthorized
	case fault.KindDenied:
		return http.StatusForbidden
	case fault.KindNotFound:
		return http.StatusNotFound
	case fault.KindConflict:
		return http.StatusConflict
	case fault.KindTooMany:
		return http.StatusTooManyRequests
	case fault.KindUnavailable:
		return http.StatusServiceUnavailable
	case fault.KindInternal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// ProblemOf gives the body for f.
func ProblemOf(f *fault.Error) Problem {
	status := Status(f.Kind)
	return Problem{StatusCode: status, Error: http.StatusText(status), Message: f.Message, ErrorCode: f.Code}
}

// Write ends the request with err as a Problem and notes its cause in the event.
func Write(c *gin.Context, err error) {
	f := note(c, err)
	if c.Writer.Written() {
		c.Abort() // an answer is on its way already; a second one behind it would be neither
		return
	}
	c.AbortWithStatusJSON(Status(f.Kind), ProblemOf(f))
}

// WriteOAuth ends the request with err as an OAuthProblem. A client that failed by its Authorization header is challenged for that scheme
// (RFC 6749 §5.2), and no other: strict clients take a challenge for the whole answer and look for no error code beside it.
func WriteOAuth(c *gin.Context, err error) {
	f := note(c, err)
	if c.Writer.Written() {
		c.Abort()
		return
	}
	code := f.Code
	switch {
	case code != "":
	case f.Kind == fault.KindUnavailable:
		code = oauth.TemporarilyUnavailable
	case f.Kind == fault.KindInvalid:
		code = oauth.InvalidRequest
	case f.Kind == fault.KindTooMany:
		code = "too_many_requests"
	case f.Kind == fault.KindUnauthenticated, f.Kind == fault.KindDenied:
		code = oauth.AccessDenied
	case f.Kind == fault.KindNotFound:
		code = "not_found"
	default:
		code = oauth.ServerError
	}
	if f.Kind == fault.KindUnauthenticated && code == oauth.InvalidClient && c.GetHeader("Authorization") != "" {
		c.Header("WWW-Authenticate", `Basic realm="token"`)
	}
	c.Header("Cache-Control", "no-store")
	c.Header("Pragma", "no-cache")
	c.AbortWithStatusJSON(Status(f.Kind), OAuthProblem{Error: code, Description: f.Message})
}

// Note puts a failure's code and cause into the request's event, and Retry-After into the answer, for handlers that render it
// themselves (as a page).
func Note(c *gin.Context, err error) { _ = note(c, err) }

func note(c *gin.Context, err error) *fault.Error {
	f := NoteIn(c.Request.Context(), err)
	if f.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(max(1, int(f.RetryAfter/time.Second))))
	}
	return f
}

// NoteIn is Note for who has no gin.Context, and gives the fault. The cause is logged with what every room on the way wrapped
// around it; a plain refusal has none.
func NoteIn(ctx context.Context, err error) *fault.Error {
	if err == nil {
		err = errors.New("a failure without an error") // programmer error; an answer is due all the same
	}
	f := fault.Of(err)
	event := EventOf(ctx)
	event.Code = f.Code
	event.Cause = f.Cause
	if f.Cause != nil {
		event.Cause = err
	}
	return f
}

// Data answers with body, whose length it says: a longer answer without it leaves in chunks, with a system call each.
func Data(c *gin.Context, status int, contentType string, body []byte) {
	c.Header("Content-Length", strconv.Itoa(len(body)))
	c.Data(status, contentType, body)
}

// JSON answers with v, as Data does.
func JSON(c *gin.Context, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	Data(c, status, "application/json; charset=utf-8", body)
	return nil
}

// TenantHandler is a handler that knows whose request it is and leaves its failure to its caller.
type TenantHandler func(c *gin.Context, t tenancy.Tenant) error

// Handle adapts a TenantHandler; write renders its failure (Write or WriteOAuth).
func Handle(h TenantHandler, write func(*gin.Context, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		t, ok := tenancy.From(c.Request.Context())
		if !ok {
			write(c, fault.Denied("", "This service answers through the router only"))
			return
		}
		if err := h(c, t); err != nil {
			write(c, err)
		}
	}
}

// UserAgent is the header of that name as text: a header may hold any bytes (RFC 9110 §5.5), what is kept and logged may not.
func UserAgent(r *http.Request) string { return strings.ToValidUTF8(r.UserAgent(), "\uFFFD") }

// ClientIP is the caller's address as the router saw it: the one value of X-Forwarded-For, which the router always sets anew.
func ClientIP(r *http.Request) string {
	if forwarded := strings.TrimSpace(r.Header.Get("X-Forwarded-For")); forwarded != "" {
		return forwarded
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
