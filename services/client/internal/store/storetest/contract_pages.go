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
