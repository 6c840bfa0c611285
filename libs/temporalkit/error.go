package temporalkit

import (
	"context"
	"errors"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/postern-id/postern/libs/fault"
)

const awayMessage = "The workflow engine is away"

// The types that faults have inside workflow histories. They are stored: a name that was used once stays.
var faultTypes = map[fault.Kind]string{
	fault.KindInternal:        "fault.internal",
	fault.KindInvalid:         "fault.invalid",
	fault.KindUnauthenticated: "fault.unauthenticated",
	fault.KindDenied:          "fault.denied",
	fault.KindNotFound:        "fault.not_found",
	fault.KindConflict:        "fault.conflict",
	fault.KindTooMany:         "fault.too_many",
	fault.KindUnavailable:     "fault.unavailable",
}

// faultKinds is faultTypes read the other way: workflows look a kind up by its name, and may not walk a map to find it.
var faultKinds = reversed(faultTypes)

func reversed(types map[fault.Kind]string) map[string]fault.Kind {
	kinds := make(map[string]fault.Kind, len(types))
	for kind, name := range types {
		kinds[name] = kind
	}
	return kinds
}

// ActivityError makes err fit to leave an activity. A fault that trying again cannot cure (bad input, not found, denied, conflict)
// is not retried; an engine that is away, a limit and anything unknown are. Kind, code and sentence arrive at the workflow and at
// whoever reads its result with Error. nil stays nil.
func ActivityError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := fault.Of(err)
	final := false
	switch f.Kind {
	case fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
		final = true
	case fault.KindInternal, fault.KindTooMany, fault.KindUnavailable:
	}
	return temporal.NewApplicationErrorWithOptions(f.Message, faultTypes[f.Kind], temporal.ApplicationErrorOptions{
		NonRetryable: final, Cause: err, Details: []any{f.Code},
	})
}

// Error translates what the client says, or what a workflow ended with, into a fault, keeping it as the cause: a fault that an
// activity returned through ActivityError comes out again; no such workflow is notFound (internal when that is nil); one that
// runs already is Conflict; an engine that is away or too busy is Unavailable. The end of the caller's context stays as it is.
func Error(err error, notFound *fault.Error) error {
	var (
		f        *fault.Error
		app      *temporal.ApplicationError
		missing  *serviceerror.NotFound
		started  *serviceerror.WorkflowExecutionAlreadyStarted
		away     *serviceerror.Unavailable
		late     *serviceerror.DeadlineExceeded
		busy     *serviceerror.ResourceExhausted
		noSpace  *serviceerror.NamespaceNotFound
		canceled *serviceerror.Canceled
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return err
	case errors.As(err, &app):
		return fromActivity(app, err)
	case errors.As(err, &missing):
		if notFound == nil {
			return fault.Internal(err)
		}
		return notFound.Because(err)
	case errors.As(err, &started):
		return fault.Conflict("", "This is being done already").Because(err)
	case errors.Is(err, context.Canceled), errors.As(err, &canceled):
		return err
	case errors.As(err, &away), errors.As(err, &late), errors.As(err, &busy), errors.As(err, &noSpace), isAway(err):
		return fault.Unavailable(awayMessage).Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return err
	default:
		return fault.Internal(err)
	}
}

func fromActivity(app *temporal.ApplicationError, err error) error {
	kind, ok := faultKinds[app.Type()]
	if !ok {
		return fault.Internal(err)
	}
	var code string
	if app.HasDetails() {
		_ = app.Details(&code) // a history of another release may have none
	}
	if kind == fault.KindUnavailable {
		return fault.Unavailable(app.Message()).Because(err)
	}
	return fault.New(kind, code, app.Message()).Because(err)
}

// isAway tells the transport's own errors, which the client hands on as they are while it has not connected yet.
func isAway(err error) bool {
	if strings.HasPrefix(err.Error(), "failed reaching server") { // the first connecting has a deadline of its own
		return true
	}
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.ResourceExhausted
}
