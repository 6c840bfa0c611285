// Package rpckit joins the services of a cell: Connect clients and handlers that speak fault on both sides, over mTLS or, in
// one process, without a socket.
package rpckit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/telemetry"
)

// InProcessURL is the base URL to give a client whose transport is InProcess.
const InProcessURL = "http://in-process"

const (
	headerCode       = "Fault-Code"
	headerRetryAfter = "Fault-Retry-After-Ms"
)

// ServerOption makes a handler answer faults as Connect errors, log their causes and take part in the caller's trace.
func ServerOption(log *slog.Logger) connect.Option {
	return connect.WithInterceptors(interceptor{log: log})
}

// ClientOption makes a client's errors faults again and carries the trace on. Answers come as they are: to squeeze a kilobyte costs
// more than to carry it to the next room.
func ClientOption() connect.ClientOption {
	return connect.WithClientOptions(connect.WithInterceptors(interceptor{}), connect.WithAcceptCompression("gzip", nil, nil))
}

// Client gives the arguments for a generated client constructor: where base is served by handler in this process.
func Client(handler http.Handler) *http.Client {
	return &http.Client{Transport: InProcess(handler)}
}

// InProcess is a transport that calls handler without a socket. The answer is buffered; for unary calls only.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}}
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close() // http.RoundTripper: always, also when the handler did not read it
	t.handler.ServeHTTP(w, in)
	w.WriteHeader(http.StatusOK) // when the handler said nothing
	return &http.Response{
		StatusCode: w.status, Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

type recorder struct {
	header http.Header
	status int // 0: not said yet
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter: the first final status counts.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// interceptor translates faults and carries traces; one type serves both sides (Spec.IsClient tells which).
type interceptor struct{ log *slog.Logger }

// WrapUnary implements connect.Interceptor.
func (i interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	var known shortcut // of a client's procedure
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		spec := req.Spec()
		if spec.IsClient {
			if direct := known.of(req); direct != nil {
				return direct(ctx, req)
			}
		}
		name := strings.TrimPrefix(spec.Procedure, "/postern.")
		span := trace.Span(noop.Span{})
		if telemetry.Tracing() {
			ctx, span = startSpan(ctx, spec.IsClient, name, propagation.HeaderCarrier(req.Header()))
			defer span.End()
		}
		if spec.IsClient {
			res, err := next(known.with(ctx), req)
			if err != nil {
				span.SetStatus(codes.Error, "")
				return nil, toFault(ctx, err)
			}
			return res, nil
		}
		known.show(ctx, i, name, next)
		res, err := i.answer(ctx, name, req, next)
		if err != nil {
			span.SetStatus(codes.Error, "")
			return nil, fromFault(err)
		}
		return res, nil
	}
}

// answer calls the handler and logs why it failed.
func (i interceptor) answer(ctx context.Context, name string, req connect.AnyRequest, next connect.UnaryFunc) (connect.AnyResponse, error) {
	res, err := i.serve(ctx, req, next)
	if err != nil {
		if f := fault.Of(err); f.Cause != nil && ctx.Err() == nil {
			i.log.WarnContext(ctx, "call from a neighbour failed", slog.String(telemetry.KeyRoute, name), slog.String(telemetry.KeyCause, err.Error()))
		}
		return nil, err
	}
	return res, nil
}

// startSpan begins a call's span, and takes the caller's trace out of the call's header, or puts it there.
func startSpan(ctx context.Context, isClient bool, name string, header propagation.HeaderCarrier) (context.Context, trace.Span) {
	kind := trace.SpanKindClient
	if !isClient {
		kind = trace.SpanKindServer
		ctx = otel.GetTextMapPropagator().Extract(ctx, header)
	}
	ctx, span := otel.Tracer("postern/rpc").Start(ctx, name, trace.WithSpanKind(kind))
	if isClient {
		otel.GetTextMapPropagator().Inject(ctx, header)
	}
	return ctx, span
}

// serve calls the handler. Its panic is the failure of this one call: between machines net/http would see to that, but in one
// process the caller may be a task that takes the whole process along.
func (i interceptor) serve(ctx context.Context, req connect.AnyRequest, next connect.UnaryFunc) (res connect.AnyResponse, err error) {
	defer func() {
		if v := recover(); v != nil {
			i.log.ErrorContext(ctx, "panic", slog.Any(telemetry.KeyCause, v), slog.String("stack", string(debug.Stack())))
			res, err = nil, fault.Internal(errors.New("panic"))
		}
	}()
	return next(ctx, req)
}

// WrapStreamingClient implements connect.Interceptor; no service streams.
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor; no service streams.
func (interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// fromFault gives what travels of a failure: kind, code, sentence. Causes stay here.
func fromFault(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		switch {
		case errors.Is(err, context.Canceled):
			return connect.NewError(connect.CodeCanceled, errors.New("canceled"))
		case errors.Is(err, context.DeadlineExceeded):
			return connect.NewError(connect.CodeDeadlineExceeded, errors.New("out of time"))
		}
		f = fault.Internal(err)
	}
	ce := connect.NewError(codeOf(f.Kind), errors.New(f.Message))
	if f.Code != "" {
		ce.Meta().Set(headerCode, f.Code)
	}
	if f.RetryAfter > 0 {
		ce.Meta().Set(headerRetryAfter, strconv.FormatInt(f.RetryAfter.Milliseconds(), 10))
	}
	return ce
}

// toFault gives the failure of a call. Only a sentence that the neighbour itself sent may be shown further; what the transport or a
// machine in between says is a cause.
func toFault(ctx context.Context, err error) error {
	if cause := ctx.Err(); errors.Is(cause, context.Canceled) {
		return fmt.Errorf("calling a neighbouring service: %w", cause)
	}
	var ce *connect.Error
	if !errors.As(err, &ce) {
		return away(err)
	}
	var text interface{ InvalidUTF8() bool } // protobuf's name for it
	if errors.As(err, &text) && !connect.IsWireError(err) {
		return notAcceptable(err)
	}
	code := ce.Code()
	if code == connect.CodeDeadlineExceeded {
		return fault.Unavailable("a neighbouring service did not answer in time").Because(err)
	}
	if code == connect.CodeCanceled || code == connect.CodeUnavailable && !connect.IsWireError(err) {
		return away(err) // the other side is stopping, or is not there
	}
	kind, ok := kindOf(code)
	if !ok || !connect.IsWireError(err) {
		return fault.Internal(err)
	}
	f := fault.New(kind, ce.Meta().Get(headerCode), ce.Message()) // its cause, if it has one, is in the neighbour's log
	if ms, convErr := strconv.ParseInt(ce.Meta().Get(headerRetryAfter), 10, 64); convErr == nil {
		f.RetryAfter = time.Duration(ms) * time.Millisecond
	}
	return f
}

// notAcceptable is of a caller's bytes, which no message can carry.
func notAcceptable(cause error) error {
	return fault.Invalid("", "A value is not acceptable").Because(cause)
}

func away(cause error) error {
	return fault.Unavailable("a neighbouring service is away").Because(cause)
}

func codeOf(kind fault.Kind) connect.Code {
	switch kind {
	case fault.KindInvalid:
		return connect.CodeInvalidArgument
	case fault.KindUnauthenticated:
		return connect.CodeUnauthenticated
	case fault.KindDenied:
		return connect.CodePermissionDenied
	case fault.KindNotFound:
		return connect.CodeNotFound
	case fault.KindConflict:
		return connect.CodeAlreadyExists
	case fault.KindTooMany:
		return connect.CodeResourceExhausted
	case fault.KindUnavailable:
		return connect.CodeUnavailable
	case fault.KindInternal:
	}
	return connect.CodeInternal
}

// kindOf is the way back; ok is false for what no fault becomes, and for KindInternal, whose sentence is the same everywhere.
func kindOf(code connect.Code) (kind fault.Kind, ok bool) {
	for _, kind := range []fault.Kind{
		fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict, fault.KindTooMany, fault.KindUnavailable,
	} {
		if codeOf(kind) == code {
			return kind, true
		}
	}
	return fault.KindInternal, false
}
