package storetest_test

import (
	"testing"

	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Store { return storetest.NewFake() })
}
