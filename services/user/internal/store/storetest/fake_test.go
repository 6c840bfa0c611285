package storetest_test

import (
	"testing"

	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

func TestFake_keeps_the_contract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) user.Store { return storetest.NewFake() })
}
