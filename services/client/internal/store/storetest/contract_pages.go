package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

func runPages(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("seven", func(t *testing.T) { t.Parallel(); runSeven(t, open) })
	t.Run("a_thousand", func(t *testing.T) { t.Parallel(); runThousand(t, open) })
}

func runSeven(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	s := open(t)
	var all []client.ID
	for i := range 7 {
		c := NewClient(t, client.Settings{"name": fmt.Sprintf("app %d", i)})
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		all = append(all, c.ID)
	}
	list := func(p client.Page) client.Part[client.Client] {
		part, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, p, false)
		require.NoError(t, err)
		return part
	}
	ids := func(part client.Part[client.Client]) (out []client.ID) {
		for _, c := range part.Items {
			out = append(out, c.ID)
		}
		return out
	}
	assert.Equal(t, all[3:6], ids(list(client.Page{Offset: 3, Limit: 3})))
	assert.Equal(t, 7, list(client.Page{Offset: 50, Limit: 3, Total: true}).Total)
	assert.Empty(t, ids(list(client.Page{Offset: 50, Limit: 3})))

	// A walk by marks sees each client that stays exactly once, whatever happens to those before it.
	var seen []client.ID
	page := client.Page{Limit: 3}
	for {
		part := list(page)
		seen = append(seen, ids(part)...)
		if len(seen) == 3 {
			require.NoError(t, s.Store.DeleteClient(t.Context(), Owner, all[2]))
		}
		if part.Next == "" {
			break
		}
		page.After = part.Next
	}
	assert.Equal(t, all, seen)

	_, err := s.Store.ListClients(t.Context(), Owner, client.Filter{}, client.Page{Limit: 3, After: "nonsense"}, false)
	assert.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
}

// runThousand lists many clients, page by page either way, and by each filter: each once, in the order of creation.
func runThousand(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	const count, size = 1000, 90
	s := open(t)
	ctx := t.Context()
	require.NoError(t, s.Store.CreateClient(ctx, Stranger, NewClient(t, client.Settings{"app_type": "spa"}), false))
	kinds := []string{"spa", "native", "regular_web", "non_interactive"}
	var all []client.Client
	for i := range count {
		c := NewClient(t, client.Settings{
			"name": fmt.Sprintf("app %d", i), "app_type": kinds[i%len(kinds)], "is_first_party": i%10 != 0, "third_party_security_mode": modeOf(i),
		})
		if i%100 == 0 {
			c.Settings["external_client_id"] = fmt.Sprintf("https://a.example/%d", i)
		}
		all = append(all, c)
		require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
	}
	yes, no := true, false
	for name, row := range map[string]struct {
		filter client.Filter
		want   func(i int) bool
	}{
		"all":             {client.Filter{}, func(int) bool { return true }},
		"one_type":        {client.Filter{AppTypes: kinds[:1]}, func(i int) bool { return i%4 == 0 }},
		"two_types":       {client.Filter{AppTypes: kinds[1:3]}, func(i int) bool { return i%4 == 1 || i%4 == 2 }},
		"third_parties":   {client.Filter{FirstParty: &no}, func(i int) bool { return i%10 == 0 }},
		"first_party_spa": {client.Filter{FirstParty: &yes, AppTypes: kinds[:1]}, func(i int) bool { return i%10 != 0 && i%4 == 0 }},
		"by_url":          {client.Filter{ExternalID: "https://a.example/300"}, func(i int) bool { return i == 300 }},
		"global":          {client.Filter{Global: &yes}, func(int) bool { return false }},
		"not_global":      {client.Filter{Global: &no}, func(int) bool { return true }},
		"any_org":         {client.Filter{AnyOrganization: true}, func(int) bool { return false }},
	} {
		var want []client.ID
		for i, c := range all {
			if row.want(i) {
				want = append(want, c.ID)
			}
		}
		list := func(p client.Page) []client.ID {
			var got []client.ID
			for {
				p.Limit, p.Total = size, p.After == ""
				part, err := s.Store.ListClients(ctx, Owner, row.filter, p, false)
				require.NoError(t, err, name)
				if p.Total {
					require.Equal(t, len(want), part.Total, name)
				}
				for _, c := range part.Items {
					got = append(got, c.ID)
				}
				switch {
				case part.Next == "":
					return got
				case p.Offset >= 0:
					p.Offset += size
				default:
					p.After = part.Next
				}
			}
		}
		assert.Equal(t, want, list(client.Page{}), "%s by offset", name)
		assert.Equal(t, want, list(client.Page{Offset: -1}), "%s by checkpoint", name)
	}
}

// modeOf gives third parties a mode by turns, and the tenant's own none.
func modeOf(i int) any {
	switch {
	case i%10 != 0:
		return nil
	case i%20 == 0:
		return "permissive"
	}
	return "strict"
}
