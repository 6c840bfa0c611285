//go:build integration

package control_test

import (
	"testing"

	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/tenant/internal/store/control"
	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, "control", control.Migrations())
	storetest.Run(t, func(*testing.T) storetest.Store { return control.New(db.Pool) })
}
