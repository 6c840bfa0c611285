//go:build integration

package store_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store"
	"github.com/postern-id/postern/services/log/internal/store/migrations"
	"github.com/postern-id/postern/services/log/internal/store/storetest"
)

// BenchmarkStore_Append prints how many events a second go into searchable storage in batches of the consumer's size.
func BenchmarkStore_Append(b *testing.B) {
	s := store.New(testkit.Postgres(b, "log", migrations.FS).Pool)
	require.NoError(b, s.Maintain(b.Context(), storetest.Today(), storetest.Today().AddDate(0, 0, 1)))
	const size = 1000
	batch := make([]auditlog.Entry, size)
	n := 0
	for b.Loop() {
		for i := range batch {
			n++
			batch[i] = auditlog.Entry{
				EventID: fmt.Sprintf("evt_%012d", n), Tenant: tenancy.ID(fmt.Sprintf("tnt_%d", n%50)), Date: storetest.Today().Add(time.Duration(n) * time.Millisecond),
				Type: "seccft", ClientID: fmt.Sprintf("client%d", n%500), ClientName: "Application", IP: "192.0.2.1", UserAgent: "curl 8.5.0 / Other 0.0.0",
				Hostname: "acme.eu.example.test", Audience: "https://api.example.test", Scope: "read:things write:things",
				Details: json.RawMessage(`{"request":{"method":"post","path":"/oauth/token"}}`),
			}
		}
		_, err := s.Append(b.Context(), batch, storetest.Today())
		require.NoError(b, err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
