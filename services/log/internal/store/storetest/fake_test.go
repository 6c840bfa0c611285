package storetest_test

import (
	"testing"

	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store/storetest"
)

func TestFake_keeps_the_contract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) auditlog.Store { return storetest.NewFake() })
}
