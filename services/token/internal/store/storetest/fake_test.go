package storetest_test

import (
	"cmp"
	"testing"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/storetest"
)

func TestFake(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Opened {
		f := storetest.NewFake()
		return storetest.Opened{Store: f, Facts: func(tenant tenancy.ID) []string {
			var kinds []string
			for _, fact := range f.Facts() {
				if fact.Tenant == tenant {
					kinds = append(kinds, cmp.Or(fact.Type, string(fact.Name)))
				}
			}
			return kinds
		}}
	})
}
