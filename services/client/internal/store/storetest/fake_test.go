package storetest_test

import (
	"testing"

	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Subject {
		f := storetest.NewFake()
		return storetest.Subject{Store: f, Facts: f.Facts}
	})
}
