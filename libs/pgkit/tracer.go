package pgkit

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracer makes a span per query under a recording span, and nothing at all otherwise. Spans hold the query's name and never its
// text or arguments.
type tracer struct{ schema string }

var (
	_ pgx.QueryTracer = tracer{}
	_ pgx.BatchTracer = tracer{}
)

func (t tracer) start(ctx context.Context, name string) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	ctx, _ = otel.Tracer("github.com/postern-id/postern/libs/pgkit").Start(ctx, "postgres."+name, //nolint:spancheck // ended by end
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("db.system.name", "postgresql"), attribute.String("db.namespace", t.schema)))
	return context.WithValue(ctx, spanKey{}, true)
}

// spanKey marks a context whose span is this package's own, so that end never ends the caller's.
type spanKey struct{}

func (t tracer) end(ctx context.Context, err error) {
	if ctx.Value(spanKey{}) == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		span.SetStatus(codes.Error, sqlState(err)) // the state only: messages quote values
	}
	span.End()
}

// TraceQueryStart implements pgx.QueryTracer.
func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	return t.start(ctx, queryName(data.SQL))
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	t.end(ctx, data.Err)
}

// TraceBatchStart implements pgx.BatchTracer.
func (t tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	for _, q := range data.Batch.QueuedQueries {
		switch q.SQL {
		case sqlBegin, sqlCommit, sqlTenant, sqlReads, sqlRead: // what others ride with has no name of its own
		default:
			return t.start(ctx, queryName(q.SQL))
		}
	}
	return t.start(ctx, "batch")
}

// TraceBatchQuery implements pgx.BatchTracer.
func (t tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (t tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	t.end(ctx, data.Err)
}

// queryName gives X of a query that starts with "-- name: X" (as generated ones do), else its first word.
func queryName(sql string) string {
	if rest, ok := strings.CutPrefix(sql, "-- name: "); ok {
		if end := strings.IndexAny(rest, " \n"); end > 0 {
			return rest[:end]
		}
	}
	sql = strings.TrimLeft(sql, " \t\r\n")
	if end := strings.IndexAny(sql, " \t\r\n;("); end > 0 {
		sql = sql[:end]
	}
	return strings.ToLower(sql[:min(len(sql), 16)])
}
