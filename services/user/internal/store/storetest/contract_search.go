package storetest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/services/user/internal/user"
)

func search(t *testing.T, s user.Store) {
	t.Helper()
	for n := range 5 {
		u := Person(n)
		u.Name = []string{"Ada Lovelace", "Bob", "ada minor", "Carol%", "dora_"}[n]
		u.EmailVerified = n%2 == 0
		u.Blocked = n == 4
		u.UserMetadata = user.Metadata{"color": []string{"red", "blue"}[n%2], "n": float64(n)}
		u.AppMetadata = user.Metadata{"plan": map[string]any{"tier": "gold"}, "roles": []any{"r" + strconv.Itoa(n)}}
		if n == 3 {
			u.Identities[0].Connection = "another"
		}
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
	}
	for query, want := range map[string][]int{
		``:                           {0, 1, 2, 3, 4},
		`email:"USER1@example.test"`: {1},
		`user_id:"auth0|000000000000000000001002"`: {2},
		`name:"bob"`:                                {1},
		`name:ada*`:                                 {0, 2},
		`ada*`:                                      {0, 2},
		`name:carol%`:                               {3},
		`name:dora_`:                                {4},
		`email_verified:true AND name:ada*`:         {0, 2},
		`NOT email_verified:true`:                   {1, 3},
		`blocked:true OR name:bob`:                  {1, 4},
		`identities.connection:"another"`:           {3},
		`user_metadata.color:"blue"`:                {1, 3},
		`user_metadata.n:2`:                         {2},
		`app_metadata.plan.tier:"gold" -name:bob`:   {0, 2, 3, 4},
		`app_metadata.roles:"r3"`:                   {3},
		`_exists_:user_metadata.color`:              {0, 1, 2, 3, 4},
		`_exists_:user_metadata.none`:               {},
		`nonsense:"x"`:                              {},
		`NOT nonsense:"x"`:                          {0, 1, 2, 3, 4},
		`email_verified:maybe`:                      {},
		`name:"x' or true --"`:                      {},
		`logins_count:[0 TO 99999999999999999999]`:  {},
		`created_at:[2020 TO tomorrow] OR name:bob`: {1},
		`(name:bob OR name:dora_) AND blocked:true`: {4},
	} {
		t.Run(query, func(t *testing.T) {
			where, err := lucene.Parse(query)
			require.NoError(t, err)
			got, total, err := s.Search(t.Context(), TenantA, user.Query{Where: where, Limit: 50, Total: true})
			require.NoError(t, err)
			assert.Equal(t, idsOf(want), ids(got))
			assert.Equal(t, len(want), total)
		})
	}
	for name, tt := range map[string]struct {
		q    user.Query
		want []int
	}{
		"pages":             {user.Query{Offset: 1, Limit: 2}, []int{1, 2}},
		"past_the_end":      {user.Query{Offset: 9, Limit: 2}, nil},
		"newest_first":      {user.Query{Sort: "created_at", Descending: true, Limit: 2}, []int{4, 3}},
		"by_name":           {user.Query{Sort: "name", Limit: 50}, []int{0, 2, 1, 3, 4}},
		"of_one_connection": {user.Query{Connection: "another", Limit: 50}, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := s.Search(t.Context(), TenantA, tt.q)
			require.NoError(t, err)
			assert.Equal(t, idsOf(tt.want), ids(got))
		})
	}
	t.Run("an_unknown_field_to_sort_by_is_invalid", func(t *testing.T) {
		_, _, err := s.Search(t.Context(), TenantA, user.Query{Sort: "name; drop table users", Limit: 1})
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
	})
}

func ids(users []user.User) []user.ID {
	out := make([]user.ID, len(users))
	for i, u := range users {
		out[i] = u.ID
	}
	return out
}

func idsOf(ns []int) []user.ID {
	out := make([]user.ID, len(ns))
	for i, n := range ns {
		out[i] = Person(n).ID
	}
	return out
}
