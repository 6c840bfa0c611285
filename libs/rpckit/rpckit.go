// Package rpckit joins the services of a cell: Connect clients and handlers that speak fault on both sides, over mTLS or, in
// one process, without a socket.
package rpckit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// InProcessURL is the base URL to give a client whose transport is InProcess.
const InProcessURL = "http://in-process"

const (
	headerCode       = "Fault-Code"
	headerRetryAfter = "Fault-Retry-After-Ms"
)

var kinds = map[fault.Kind]connect.Code{
	fault.KindInternal:        connect.CodeInternal,
	fault.KindInvalid:         connect.CodeInvalidArgument,
	fault.KindUnauthenticated: connect.CodeUnauthenticated,
	fault.KindDenied:          connect.CodePermissionDenied,
	fault.KindNotFound:        connect.CodeNotFound,
	fault.KindConflict:        connect.CodeAlreadyExists,
	fault.KindTooMany:         connect.CodeResourceExhausted,
	fault.KindUnavailable:     connect.CodeUnavailable,
}

// ServerOption makes a handler answer faults as Connect errors, log their causes and take part in the caller's trace.
func ServerOption(log *slog.Logger) connect.Option {
	return connect.WithInterceptors(interceptor{log: log})
}

// ClientOption makes a client's errors faults again and carries the trace on.
func ClientOption() connect.Option { return connect.WithInterceptors(interceptor{}) }

// Client gives the arguments for a generated client constructor: where base is served by handler in this process.
func Client(handler http.Handler) *http.Client {
	return &http.Client{Transport: InProcess(handler)}
}

// InProcess is a transport that calls handler without a socket. The answer is buffered; for unary calls only.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, in)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// interceptor translates faults and carries traces; one type serves both sides (Spec.IsClient tells which).
type interceptor struct{ log *slog.Logger }

// WrapUnary implements connect.Interceptor.
func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		spec := req.Spec()
		name := strings.TrimPrefix(spec.Procedure, "/postern.")
		kind := trace.SpanKindServer
		if spec.IsClient {
			kind = trace.SpanKindClient
		} else {
			ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(req.Header()))
		}
		ctx, span := otel.Tracer("postern/rpc").Start(ctx, name, trace.WithSpanKind(kind))
		defer span.End()
		if spec.IsClient {
			otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header()))
		}
		res, err := next(ctx, req)
		if err == nil {
			return res, nil
		}
		span.SetStatus(codes.Error, "")
		if spec.IsClient {
			return nil, toFault(err)
		}
		if f := fault.Of(err); f.Cause != nil {
			i.log.WarnContext(ctx, "call from a neighbour failed", slog.String(telemetry.KeyRoute, name), slog.String(telemetry.KeyCause, f.Error()))
		}
		return nil, fromFault(err)
	}
}

// WrapStreamingClient implements connect.Interceptor; no service streams.
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor; no service streams.
func (interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func fromFault(err error) error {
	f := fault.Of(err)
	ce := connect.NewError(kinds[f.Kind], errors.New(f.Message))
	if f.Code != "" {
		ce.Meta().Set(headerCode, f.Code)
	}
	if f.RetryAfter > 0 {
		ce.Meta().Set(headerRetryAfter, strconv.FormatInt(f.RetryAfter.Milliseconds(), 10))
	}
	return ce
}

func toFault(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var ce *connect.Error
	if !errors.As(err, &ce) {
		return fault.Unavailable("a neighbouring service is away").Because(err)
	}
	for kind, code := range kinds {
		if code != ce.Code() || kind == fault.KindInternal {
			continue
		}
		f := fault.New(kind, ce.Meta().Get(headerCode), ce.Message()).Because(err)
		if ms, convErr := strconv.ParseInt(ce.Meta().Get(headerRetryAfter), 10, 64); convErr == nil {
			f.RetryAfter = time.Duration(ms) * time.Millisecond
		}
		return f
	}
	if ce.Code() == connect.CodeDeadlineExceeded {
		return fault.Unavailable("a neighbouring service did not answer in time").Because(err)
	}
	return fault.Internal(err)
}
