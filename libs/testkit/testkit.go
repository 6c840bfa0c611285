package testkit

import (
	"errors"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Eventually calls check until it returns nil, and fails the test with its last error when within is over.
func Eventually(tb testing.TB, within time.Duration, check func() error) {
	tb.Helper()
	end := time.Now().Add(within)
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if !time.Now().Before(end) {
			tb.Fatalf("not within %s: %v", within, err)
		}
		time.Sleep(wait)
	}
}

// RequireFault fails the test unless err is, or wraps, a fault of the kind. An error that is no fault at all does not pass as
// internal.
func RequireFault(tb testing.TB, err error, kind fault.Kind) {
	tb.Helper()
	var f *fault.Error
	switch {
	case err == nil:
		tb.Fatalf("got no error, want a fault of kind %d", kind)
	case !errors.As(err, &f):
		tb.Fatalf("got %v, which is no fault, want one of kind %d", err, kind)
	case f.Kind != kind:
		tb.Fatalf("got a fault of kind %d (%v), want kind %d", f.Kind, err, kind)
	}
}

// Tenants gives n tenant ids that no other test has.
func Tenants(n int) []tenancy.ID {
	ids := make([]tenancy.ID, n)
	for i := range ids {
		ids[i] = tenancy.ID("tnt_" + ulid.Make().String())
	}
	return ids
}
