package testkit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/testkit"
)

// failing is a test that records whether it was failed; what it runs must end in Fatalf as in a real one.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(string, ...any) {
	f.failed = true
	panic(f)
}

func fails(t *testing.T, run func(tb *failing)) bool {
	t.Helper()
	f := &failing{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(f) {
				panic(r)
			}
		}()
		run(f)
	}()
	return f.failed
}

func TestRequireFault(t *testing.T) {
	t.Parallel()
	require.False(t, fails(t, func(tb *failing) { testkit.RequireFault(tb, fault.NotFound("x"), fault.KindNotFound) }))
	for name, err := range map[string]error{
		"nil": nil, "another_kind": fault.Denied("", "x"), "no_fault": errors.New("x"),
	} {
		require.True(t, fails(t, func(tb *failing) { testkit.RequireFault(tb, err, fault.KindNotFound) }), name)
	}
	require.True(t, fails(t, func(tb *failing) { testkit.RequireFault(tb, errors.New("x"), fault.KindInternal) }),
		"an untranslated error does not pass as internal")
}

func TestEventually(t *testing.T) {
	t.Parallel()
	tries := 0
	check := func() error {
		if tries++; tries < 3 {
			return errors.New("not yet")
		}
		return nil
	}
	require.False(t, fails(t, func(tb *failing) { testkit.Eventually(tb, time.Minute, check) }))
	require.True(t, fails(t, func(tb *failing) {
		testkit.Eventually(tb, time.Millisecond, func() error { return errors.New("never") })
	}))
}

func TestTenants(t *testing.T) {
	t.Parallel()
	ids := testkit.Tenants(2)
	require.NotEqual(t, ids[0], ids[1])
	require.Regexp(t, `^tnt_[0-9A-HJKMNP-TV-Z]{26}$`, string(ids[0]))
}
