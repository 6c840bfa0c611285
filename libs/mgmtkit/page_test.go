package mgmtkit_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/mgmtkit"
)

func TestPaging_Bounded(t *testing.T) {
	t.Parallel()
	for _, p := range []mgmtkit.Paging{{Page: 0, PerPage: 100}, {Page: 9, PerPage: 100}, {Page: 19, PerPage: 50}, {Page: math.MaxInt, PerPage: 50, From: "x"}} {
		require.NoError(t, p.Bounded(), "%+v", p)
	}
	for _, p := range []mgmtkit.Paging{{Page: 10, PerPage: 100}, {Page: 1001, PerPage: 1}, {Page: math.MaxInt, PerPage: 50}, {Page: math.MaxInt / 2, PerPage: 100}} {
		require.Error(t, p.Bounded(), "%+v", p)
	}
}
