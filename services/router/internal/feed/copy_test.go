package feed_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/feed"
	"github.com/postern-id/postern/services/router/internal/route"
)

const (
	acme  = "acme.eu.example.test"
	other = "other.eu.example.test"
)

func put(t *testing.T, host string, revision uint64) feed.Change {
	t.Helper()
	raw, err := json.Marshal(tenantapi.HostEntry{Tenant: tenancy.ID("tnt_" + host), Region: "eu", Cell: "eu", State: "active", Canonical: host})
	require.NoError(t, err)
	return feed.Change{Host: host, Value: raw, Revision: revision}
}

// saved is the file of a router that knew acme and other at revision 500.
func saved(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "directory.json")
	c := feed.NewCopy(route.NewTable(), file)
	require.NoError(t, c.Apply(put(t, acme, 499)))
	require.NoError(t, c.Apply(put(t, other, 500)))
	require.NoError(t, c.Synced())
	require.NoError(t, c.Save())
	return file
}

func loaded(t *testing.T, file string) (*feed.Copy, *route.Table) {
	t.Helper()
	table := route.NewTable()
	c := feed.NewCopy(table, file)
	require.NoError(t, c.Load())
	return c, table
}

func TestCopy_Start(t *testing.T) {
	t.Parallel()
	t.Run("known_hosts_are_served_from_the_file", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, saved(t))
		require.True(t, c.Served())
		e, err := table.Find(acme)
		require.NoError(t, err)
		require.Equal(t, tenancy.ID("tnt_"+acme), e.Tenant)
	})
	t.Run("nothing_is_acknowledged_before_the_published_directory_was_read", func(t *testing.T) {
		t.Parallel()
		c, _ := loaded(t, saved(t))
		_, ok := c.Applied()
		require.False(t, ok)
		require.NoError(t, c.Apply(put(t, acme, 499)))
		_, ok = c.Applied()
		require.False(t, ok, "in the middle of the reading")
		require.NoError(t, c.Apply(put(t, other, 501)))
		require.NoError(t, c.Synced())
		revision, ok := c.Applied()
		require.True(t, ok)
		require.EqualValues(t, 501, revision)
	})
	t.Run("no_file_is_no_directory", func(t *testing.T) {
		t.Parallel()
		for _, file := range []string{"", filepath.Join(t.TempDir(), "none.json")} {
			c, table := loaded(t, file)
			require.False(t, c.Served())
			require.Zero(t, table.Len())
			require.NoError(t, c.Synced(), "an empty directory is one when there was none before")
			require.True(t, c.Served())
		}
	})
	t.Run("half_a_file_is_an_error_and_no_directory", func(t *testing.T) {
		t.Parallel()
		file := saved(t)
		require.NoError(t, os.Truncate(file, 20))
		c := feed.NewCopy(route.NewTable(), file)
		require.Error(t, c.Load())
		require.False(t, c.Served())
	})
	t.Run("the_file_is_its_owners_and_no_other_is_left_beside_it", func(t *testing.T) {
		t.Parallel()
		file := saved(t)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		beside, err := os.ReadDir(filepath.Dir(file))
		require.NoError(t, err)
		require.Len(t, beside, 1)
	})
}

func TestCopy_Read(t *testing.T) {
	t.Parallel()
	t.Run("what_was_removed_while_the_router_was_away_is_forgotten", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, saved(t))
		require.NoError(t, c.Apply(put(t, acme, 499)))
		require.True(t, table.Has(other), "until the reading is over")
		require.NoError(t, c.Synced())
		require.True(t, table.Has(acme))
		require.False(t, table.Has(other))
	})
	t.Run("a_directory_made_anew_counts_from_the_start", func(t *testing.T) {
		t.Parallel()
		c, _ := loaded(t, saved(t))
		require.NoError(t, c.Apply(put(t, acme, 600)))
		require.NoError(t, c.Synced())
		c.Restart()
		_, ok := c.Applied()
		require.False(t, ok, "600 was said of another directory")
		require.NoError(t, c.Apply(put(t, acme, 1)))
		require.NoError(t, c.Synced())
		revision, ok := c.Applied()
		require.True(t, ok)
		require.EqualValues(t, 1, revision)
	})
	t.Run("a_directory_that_was_lost_takes_no_host_along_and_no_old_revision", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, saved(t))
		require.ErrorIs(t, c.Synced(), feed.ErrEmpty)
		require.True(t, table.Has(acme))
		revision, ok := c.Applied()
		require.True(t, ok)
		require.Zero(t, revision, "500 would tell a sign-up that its revision 1 is served")
	})
	t.Run("one_that_says_all_are_gone_empties_it", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, saved(t))
		require.NoError(t, c.Apply(feed.Change{Host: acme, Revision: 501, Gone: true}))
		require.NoError(t, c.Apply(feed.Change{Host: other, Revision: 502, Gone: true}))
		require.NoError(t, c.Synced())
		require.Zero(t, table.Len())
	})
	t.Run("changes_after_it_are_applied_before_they_are_told", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, "")
		require.NoError(t, c.Synced())
		require.NoError(t, c.Apply(put(t, acme, 7)))
		require.True(t, table.Has(acme))
		revision, ok := c.Applied()
		require.True(t, ok)
		require.EqualValues(t, 7, revision)
		require.NoError(t, c.Apply(feed.Change{Host: acme, Revision: 8, Gone: true}))
		require.False(t, table.Has(acme))
		require.NoError(t, c.Synced(), "a gap that was closed forgets nothing")
	})
	t.Run("an_entry_that_makes_no_sense_leaves_the_last_good_one", func(t *testing.T) {
		t.Parallel()
		c, table := loaded(t, "")
		require.NoError(t, c.Apply(put(t, acme, 1)))
		for i, bad := range []string{`{`, `{}`, `[]`, `{"tenant_id":""}`, ``} {
			require.Error(t, c.Apply(feed.Change{Host: acme, Value: []byte(bad), Revision: uint64(2 + i)}))
		}
		for _, host := range []string{"ACME.eu.example.test", "a b", "", "acme.eu.example.test."} {
			require.Error(t, c.Apply(put(t, host, 9)))
		}
		require.NoError(t, c.Synced())
		require.True(t, table.Has(acme))
		require.Equal(t, 1, table.Len())
		revision, _ := c.Applied()
		require.EqualValues(t, 9, revision, "a bad entry of one tenant must not hold up the sign-up of another")
	})
}
