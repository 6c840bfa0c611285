//go:build integration

package pgkit_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/testkit"
)

// BenchmarkInTenantRead is one row read for a tenant: one round trip.
func BenchmarkInTenantRead(b *testing.B) {
	d, tenant := database(b), testkit.Tenants(1)[0]
	b.ReportAllocs()
	for b.Loop() {
		err := pgkit.InTenantRead(b.Context(), d.Pool, tenant, func(tx pgx.Tx) error {
			_, err := countThings(b.Context(), tx)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
