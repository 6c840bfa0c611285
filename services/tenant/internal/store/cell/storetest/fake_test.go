package storetest_test

import (
	"testing"

	"github.com/postern-id/postern/services/tenant/internal/store/cell/storetest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.NewFake())
}
