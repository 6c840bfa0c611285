// Package fault is the one error type that crosses rooms and services: a kind, a code of the wire, a sentence that is
// safe to show, and a cause that is only logged. It never speaks a transport; httpkit and rpckit do the rendering.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure it is; every wall that renders faults switches over all kinds.
type Kind int

// The kinds, each with the HTTP status it becomes by default.
const (
	KindInternal        Kind = iota // 500; also what an error that is no fault counts as
	KindInvalid                     // 400: the caller's input
	KindUnauthenticated             // 401: who are you
	KindDenied                      // 403: not for you
	KindNotFound                    // 404: nothing there, or another tenant's
	KindConflict                    // 409: exists already, or changed meanwhile
	KindTooMany                     // 429: a limit
	KindUnavailable                 // 503: an engine is away; try again
)

// Error is a fault. Build it with New or one of the kind's constructors.
type Error struct {
	Kind    Kind
	Code    string // the wire's own code, "invalid_grant" or "inexistent_client"; may be empty
	Message string // a sentence safe to show to the caller
	Cause   error  // logged, never sent
	// RetryAfter, when positive, tells the caller when to come back (Retry-After, RFC 9110 §10.2.3).
	RetryAfter time.Duration
}

// Error gives the message and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Cause)
	}
	return e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// New makes a fault of any kind with a wire code.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Because adds a cause to a copy of e.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Invalid is bad input (400).
func Invalid(code, message string) *Error { return New(KindInvalid, code, message) }

// Unauthenticated is a caller who did not prove who they are (401).
func Unauthenticated(message string) *Error { return New(KindUnauthenticated, "", message) }

// Denied is a caller who is known and may not (403).
func Denied(code, message string) *Error { return New(KindDenied, code, message) }

// NotFound is a thing that is not there, or that is another tenant's (404).
func NotFound(message string) *Error { return New(KindNotFound, "", message) }

// Conflict is a thing that exists already or changed meanwhile (409).
func Conflict(code, message string) *Error { return New(KindConflict, code, message) }

// Unavailable is an engine that is away (503 with Retry-After: 1 s unless set otherwise).
func Unavailable(message string) *Error {
	return &Error{Kind: KindUnavailable, Code: "temporarily_unavailable", Message: message, RetryAfter: time.Second}
}

// Internal hides cause behind a neutral sentence (500).
func Internal(cause error) *Error {
	return &Error{Kind: KindInternal, Message: "An internal error occurred", Cause: cause}
}

// Of gives the fault inside err, or an internal fault around it. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	return Internal(err)
}

// Is reports whether err is, or wraps, a fault of the kind. An error that is no fault counts as KindInternal.
func Is(err error, kind Kind) bool { return err != nil && Of(err).Kind == kind }
