package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/lucene"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// The tenants of the contract: every method that works for one is tried by the other, a stranger.
const (
	TenantA = tenancy.ID("tnt_A")
	TenantB = tenancy.ID("tnt_B")
)

// Today is the midnight before which, and noon of which, the contract's entries happen. The database takes part in dropping days
// and knows only the machine's date.
func Today() time.Time {
	return time.Now().UTC().Truncate(24 * time.Hour) //nolint:forbidigo // see above
}

func noon() time.Time { return Today().Add(12 * time.Hour) }

// Entry makes one of tenant A that differs from others by n; it happened n minutes after noon.
func Entry(n int) auditlog.Entry {
	return auditlog.Entry{
		EventID: fmt.Sprintf("evt_%06d", n), Tenant: TenantA, Date: noon().Add(time.Duration(n) * time.Minute), Type: "s",
		UserID: fmt.Sprintf("auth0|%d", n), IP: "192.0.2.1",
	}
}

func entryOf(tenant tenancy.ID, n int) auditlog.Entry {
	e := Entry(n)
	e.Tenant = tenant
	return e
}

// Run tries a store against the contract of auditlog.Store. open gives an empty one with no room for any day.
func Run(t *testing.T, open func(t *testing.T) auditlog.Store) {
	t.Helper()
	ready := func(t *testing.T) auditlog.Store {
		t.Helper()
		s := open(t)
		require.NoError(t, s.Maintain(t.Context(), Today().AddDate(0, 0, -3), Today().AddDate(0, 0, 1)))
		return s
	}
	t.Run("an_entry_comes_back_whole", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		e := auditlog.Entry{
			EventID: "evt_1", Tenant: TenantA, TenantName: "acme", Date: noon().Add(123456 * time.Microsecond), Type: "sapi", Description: "Create a client",
			ClientID: "c", ClientName: "Client", Connection: "db", ConnectionID: "con_1", Strategy: "auth0", StrategyType: "database",
			UserID: "auth0|1", UserName: "ada@example.test", IP: "2001:db8::1", UserAgent: "Chrome 120.0.0 / Mac OS X 10.15.7", Mobile: true,
			Hostname: "acme.eu.example.test", Audience: "https://api", Scope: "openid email", SessionID: "ses_1",
			Certificate: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", Correlation: "corr-1", Details: json.RawMessage(`{"b": 1, "a": "text \u0000 and ünï"}`),
		}
		stored, err := s.Append(t.Context(), []auditlog.Entry{e}, noon().Add(1500*time.Microsecond))
		require.NoError(t, err)
		assert.Equal(t, 1, stored)
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, noon().Add(time.Millisecond), got[0].Ingested)
		found, err := s.Find(t.Context(), TenantA, got[0].ID())
		require.NoError(t, err)
		assert.Equal(t, got[0], found)
		e.Seq, e.Ingested = found.Seq, found.Ingested
		assert.Equal(t, e, found)
	})
	t.Run("a_repeat_is_stored_once", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		for range 2 {
			_, err := s.Append(t.Context(), []auditlog.Entry{Entry(1), Entry(1), Entry(2)}, noon())
			require.NoError(t, err)
		}
		stored, err := s.Append(t.Context(), []auditlog.Entry{Entry(2), Entry(3), entryOf(TenantB, 2)}, noon())
		require.NoError(t, err)
		assert.Equal(t, 2, stored, "another tenant's event is another event")
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Equal(t, []string{"evt_000001", "evt_000002", "evt_000003"}, events(got))
	})
	t.Run("places_rise_in_the_order_of_intake_even_when_clocks_fall", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		for n, at := range []time.Time{noon(), noon().Add(-time.Hour), noon().Add(time.Hour)} {
			_, err := s.Append(t.Context(), []auditlog.Entry{Entry(20 - 2*n), Entry(20 - 2*n - 1)}, at)
			require.NoError(t, err)
		}
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Equal(t, []string{"evt_000020", "evt_000019", "evt_000018", "evt_000017", "evt_000016", "evt_000015"}, events(got))
		for n := 1; n < len(got); n++ {
			assert.Less(t, got[n-1].ID(), got[n].ID())
		}
		for _, e := range got {
			assert.Len(t, e.ID(), 56)
		}
		rest, err := s.After(t.Context(), TenantA, got[3].Seq, 1, false)
		require.NoError(t, err)
		assert.Equal(t, []string{"evt_000016"}, events(rest))
		none, err := s.After(t.Context(), TenantA, got[5].Seq, 10, false)
		require.NoError(t, err)
		assert.Empty(t, none)
	})
	t.Run("a_reader_who_goes_on_misses_nothing_of_writers_at_once", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		const writers, each = 4, 25
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					_, err := s.Append(t.Context(), []auditlog.Entry{Entry(w*each + n)}, noon())
					assert.NoError(t, err)
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		seen, last := 0, int64(0)
		for finished := false; ; {
			got, err := s.After(t.Context(), TenantA, last, 7, false)
			require.NoError(t, err)
			seen += len(got)
			if len(got) > 0 {
				last = got[len(got)-1].Seq
			} else if finished {
				break
			}
			select {
			case <-done:
				finished = true
			default:
			}
		}
		assert.Equal(t, writers*each, seen)
	})
	t.Run("a_day_without_room_is_invalid_and_stores_nothing", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		far := Entry(1)
		far.Date = Today().AddDate(0, 0, 20)
		_, err := s.Append(t.Context(), []auditlog.Entry{Entry(2), far}, noon())
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Empty(t, got)
	})
	t.Run("days_before_the_first_are_given_up", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		old := Entry(1)
		old.Date = Today().AddDate(0, 0, -2)
		_, err := s.Append(t.Context(), []auditlog.Entry{old, Entry(2)}, noon())
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.Maintain(t.Context(), Today().AddDate(0, 0, -1), Today().AddDate(0, 0, 3)))
		}
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Equal(t, []string{"evt_000002"}, events(got))
		_, err = s.Append(t.Context(), []auditlog.Entry{old}, noon())
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
	})
	t.Run("a_stranger_reads_and_removes_nothing", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		_, err := s.Append(t.Context(), []auditlog.Entry{Entry(1), Entry(2)}, noon())
		require.NoError(t, err)
		mine, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		require.Len(t, mine, 2)
		theirs, err := s.After(t.Context(), TenantB, 0, 10, false)
		require.NoError(t, err)
		assert.Empty(t, theirs)
		theirs, err = s.Search(t.Context(), TenantB, auditlog.Query{Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, theirs)
		_, err = s.Find(t.Context(), TenantB, mine[0].ID())
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
		days, err := s.Daily(t.Context(), TenantB, Today(), Today().AddDate(0, 0, 1))
		require.NoError(t, err)
		assert.Empty(t, days)
		n, err := s.ActiveUsers(t.Context(), TenantB, Today())
		require.NoError(t, err)
		assert.Zero(t, n)
		require.NoError(t, s.RemoveTenant(t.Context(), TenantB))
		mine, err = s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Len(t, mine, 2)
	})
	t.Run("a_removed_tenant_has_nothing", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		_, err := s.Append(t.Context(), []auditlog.Entry{Entry(1), entryOf(TenantB, 1)}, noon())
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.RemoveTenant(t.Context(), TenantA))
		}
		got, err := s.After(t.Context(), TenantA, 0, 10, false)
		require.NoError(t, err)
		assert.Empty(t, got)
		got, err = s.After(t.Context(), TenantB, 0, 10, false)
		require.NoError(t, err)
		assert.Len(t, got, 1)
	})
	t.Run("an_id_that_is_not_quite_an_entrys_finds_nothing", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		_, err := s.Append(t.Context(), []auditlog.Entry{Entry(1)}, noon())
		require.NoError(t, err)
		got, err := s.After(t.Context(), TenantA, 0, 1, false)
		require.NoError(t, err)
		id := got[0].ID()
		for _, wrong := range []auditlog.ID{"", "x", id[:55], "900" + "20010101000000000" + id[20:], id[:55] + "9"} {
			_, err := s.Find(t.Context(), TenantA, wrong)
			require.True(t, fault.Is(err, fault.KindNotFound), "%s: %v", wrong, err)
		}
	})
	t.Run("days_and_active_users_are_counted", func(t *testing.T) {
		t.Parallel()
		s := ready(t)
		var entries []auditlog.Entry
		for n, typ := range []string{"s", "s", "ss", "pwd_leak", "f", "seccft"} {
			e := Entry(n)
			e.Type = typ
			if typ == "seccft" {
				e.UserID = ""
			}
			entries = append(entries, e)
		}
		entries[1].UserID = entries[0].UserID
		yesterday := Entry(9)
		yesterday.Date = yesterday.Date.AddDate(0, 0, -1)
		_, err := s.Append(t.Context(), append(entries, yesterday), noon())
		require.NoError(t, err)
		days, err := s.Daily(t.Context(), TenantA, Today().AddDate(0, 0, -1), Today().AddDate(0, 0, 1))
		require.NoError(t, err)
		assert.Equal(t, []auditlog.Day{
			{Date: Today().AddDate(0, 0, -1), Logins: 1, First: noon(), Last: noon()},
			{Date: Today(), Logins: 2, Signups: 1, LeakedPasswords: 1, First: noon(), Last: noon()},
		}, days)
		n, err := s.ActiveUsers(t.Context(), TenantA, Today())
		require.NoError(t, err)
		assert.Equal(t, 2, n)
	})
	t.Run("search", func(t *testing.T) {
		t.Parallel()
		search(t, ready(t))
	})
}

func search(t *testing.T, s auditlog.Store) {
	t.Helper()
	var entries []auditlog.Entry
	for n := range 6 {
		e := Entry(n)
		e.Type = []string{"s", "fp", "sapi", "seccft", "s", "fu"}[n]
		e.UserName = fmt.Sprintf("user%d@example.test", n)
		e.ClientName = "My App"
		if e.Type == "sapi" || e.Type == "seccft" {
			e.UserID, e.UserName = "", ""
			e.ClientID = "m2m"
			e.Description = "50%_of"
		}
		entries = append(entries, e)
	}
	_, err := s.Append(t.Context(), entries, noon())
	require.NoError(t, err)
	first, err := s.After(t.Context(), TenantA, 0, 1, false)
	require.NoError(t, err)
	minute := func(n int) string { return noon().Add(time.Duration(n) * time.Minute).Format(time.RFC3339) }
	for query, want := range map[string][]int{
		``:                                    {5, 4, 3, 2, 1, 0},
		`type:s`:                              {4, 0},
		`type:"s"`:                            {4, 0},
		`type:s*`:                             {4, 3, 2, 0},
		`type:(fp OR fu)`:                     {5, 1},
		`user_id:"auth0|4"`:                   {4},
		`NOT _exists_:user_id`:                {3, 2},
		`_exists_:user_id AND type:f*`:        {5, 1},
		`client_id:m2m AND -type:sapi`:        {3},
		`user_name:*@example.test AND type:s`: {4, 0},
		`user5*`:                              {5},
		`"My App"`:                            {5, 4, 3, 2, 1, 0},
		`my`:                                  {},
		`description:50%_*`:                   {3, 2},
		`type:S`:                              {},
		`nonsense:x`:                          {},
		`log_id:` + string(first[0].ID()):     {0},
		`log_id:1`:                            {},
		`date:[` + minute(2) + ` TO ` + minute(3) + `]`: {3, 2},
		`date:[` + minute(4) + ` TO *]`:                 {5, 4},
		`date:[2020 TO tomorrow]`:                       {},
	} {
		t.Run(query, func(t *testing.T) {
			where, err := lucene.Parse(query)
			require.NoError(t, err)
			got, err := s.Search(t.Context(), TenantA, auditlog.Query{Where: where, Limit: 50})
			require.NoError(t, err)
			assert.Equal(t, eventsOf(want), events(got))
		})
	}
	for name, tt := range map[string]struct {
		q    auditlog.Query
		want []int
	}{
		"oldest_first":   {auditlog.Query{Sort: "date", Ascending: true, Limit: 2}, []int{0, 1}},
		"pages":          {auditlog.Query{Offset: 2, Limit: 2}, []int{3, 2}},
		"by_type":        {auditlog.Query{Sort: "type", Ascending: true, Limit: 3}, []int{1, 5, 0}},
		"of_a_user":      {auditlog.Query{UserID: "auth0|1", Limit: 5}, []int{1}},
		"about_users":    {auditlog.Query{UsersOnly: true, Limit: 50}, []int{5, 4, 1, 0}},
		"past_the_end":   {auditlog.Query{Offset: 100, Limit: 5}, nil},
		"by_log_id_desc": {auditlog.Query{Sort: "log_id", Limit: 2}, []int{5, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Search(t.Context(), TenantA, tt.q)
			require.NoError(t, err)
			assert.Equal(t, eventsOf(tt.want), events(got))
		})
	}
	t.Run("users_only_by_checkpoint", func(t *testing.T) {
		got, err := s.After(t.Context(), TenantA, 0, 50, true)
		require.NoError(t, err)
		assert.Equal(t, eventsOf([]int{0, 1, 4, 5}), events(got))
	})
	t.Run("an_unknown_field_to_sort_by_is_invalid", func(t *testing.T) {
		_, err := s.Search(t.Context(), TenantA, auditlog.Query{Sort: "details", Limit: 1})
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
	})
}

func events(entries []auditlog.Entry) []string {
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.EventID
	}
	return out
}

func eventsOf(ns []int) []string {
	out := make([]string, len(ns))
	for i, n := range ns {
		out[i] = Entry(n).EventID
	}
	return out
}
