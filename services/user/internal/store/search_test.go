//go:build integration

package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/user/internal/store"
	"github.com/postern-id/postern/services/user/internal/store/migrations"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

// The last login is looked for by its day first, which must take nothing away.
func TestStore_search_by_last_login(t *testing.T) {
	t.Parallel()
	s := store.New(testkit.Postgres(t, "user", migrations.FS).Pool, func() {})
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	logins := []time.Time{midnight.Add(12 * time.Hour), midnight, midnight.Add(-time.Second), {}}
	for n, at := range logins {
		require.NoError(t, s.Create(t.Context(), storetest.TenantA, storetest.Person(n), nil))
		if !at.IsZero() {
			_, err := s.RecordLogin(t.Context(), storetest.TenantA, storetest.Person(n).ID, "192.0.2.1", at)
			require.NoError(t, err)
		}
	}
	search := func(t *testing.T, q user.Query) []int {
		t.Helper()
		users, _, err := s.Search(t.Context(), storetest.TenantA, q)
		require.NoError(t, err)
		found := []int{}
		for _, u := range users {
			for n := range logins {
				if storetest.Person(n).ID == u.ID {
					found = append(found, n)
				}
			}
		}
		return found
	}
	assert.Equal(t, []int{0, 1, 2, 3}, search(t, user.Query{Sort: "last_login", Descending: true, Limit: 50}))
	assert.Equal(t, []int{2, 1, 0, 3}, search(t, user.Query{Sort: "last_login", Limit: 50}))
	for query, want := range map[string][]int{
		`last_login:2026-03-02`:                    {0, 1},
		`last_login:2026-03-01`:                    {2},
		`last_login:2026-03`:                       {0, 1, 2},
		`last_login:2025`:                          {},
		`last_login:0000`:                          {},
		`last_login:[2026-03-02 TO *]`:             {0, 1},
		`last_login:{"2026-03-02T00:00:00Z" TO *]`: {0},
		`last_login:["2026-03-02T01:00:00+02:00" TO "2026-03-02T02:00:00+02:00"]`: {1, 2},
		`last_login:[* TO "2026-03-02T00:00:00Z"]`:                                {1, 2},
		`last_login:[* TO "2026-03-02T00:00:00Z"}`:                                {2},
		`last_login:[0000 TO 9999]`:                                               {0, 1, 2},
		`NOT last_login:2026-03-02`:                                               {2, 3},
		`_exists_:last_login`:                                                     {0, 1, 2},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			where, err := lucene.Parse(query)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, search(t, user.Query{Where: where, Limit: 50}))
		})
	}
}
