package auditlog_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/store/storetest"
)

func newService(t *testing.T) (*auditlog.Service, *storetest.Fake, *bytes.Buffer) {
	t.Helper()
	fake := storetest.NewFake()
	var lines bytes.Buffer
	s := auditlog.NewService(auditlog.Deps{
		Store: fake, Log: slog.New(slog.NewTextHandler(&lines, nil)), Now: clock.At(storetest.Today().Add(15 * time.Hour).Format(time.RFC3339)).Now,
	})
	require.NoError(t, s.Upkeep(t.Context()))
	return s, fake, &lines
}

func all(t *testing.T, s *auditlog.Service) []string {
	t.Helper()
	entries, err := s.After(t.Context(), storetest.TenantA, "", 1000, false)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.EventID)
	}
	return out
}

func TestService_Ingest(t *testing.T) {
	t.Parallel()
	t.Run("one_that_can_never_be_stored_is_parked_and_the_others_are_stored_in_order", func(t *testing.T) {
		t.Parallel()
		s, fake, lines := newService(t)
		var batch []auditlog.Entry
		for n := range 7 {
			batch = append(batch, storetest.Entry(n))
		}
		fake.Refuse(batch[4].EventID)
		require.NoError(t, s.Ingest(t.Context(), batch))
		assert.Equal(t, []string{"evt_000000", "evt_000001", "evt_000002", "evt_000003", "evt_000005", "evt_000006"}, all(t, s))
		assert.Contains(t, lines.String(), "event parked")
		assert.Contains(t, lines.String(), "evt_000004")
	})
	t.Run("an_engine_that_is_away_parks_nothing", func(t *testing.T) {
		t.Parallel()
		s, fake, lines := newService(t)
		fake.FailNext(fault.Unavailable("postgres is away"))
		err := s.Ingest(t.Context(), []auditlog.Entry{storetest.Entry(1)})
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
		fake.FailNext(fault.Internal(nil))
		require.Error(t, s.Ingest(t.Context(), []auditlog.Entry{storetest.Entry(1)}))
		assert.Empty(t, lines.String())
		require.NoError(t, s.Ingest(t.Context(), []auditlog.Entry{storetest.Entry(1)}))
		assert.Len(t, all(t, s), 1)
	})
	t.Run("days_that_upkeep_forgot_are_made_and_nothing_is_lost", func(t *testing.T) {
		t.Parallel()
		s, fake, lines := newService(t)
		require.NoError(t, fake.Maintain(t.Context(), storetest.Today().AddDate(0, 0, -9), storetest.Today().AddDate(0, 0, -5)))
		require.NoError(t, s.Ingest(t.Context(), []auditlog.Entry{storetest.Entry(1)}))
		assert.Len(t, all(t, s), 1)
		assert.Empty(t, lines.String())
	})
	t.Run("what_is_older_than_the_retention_or_of_the_future_is_left_out", func(t *testing.T) {
		t.Parallel()
		s, _, lines := newService(t)
		old, future := storetest.Entry(1), storetest.Entry(2)
		old.Date, future.Date = old.Date.AddDate(0, 0, -31), future.Date.AddDate(5, 0, 0)
		require.NoError(t, s.Ingest(t.Context(), []auditlog.Entry{old, future, storetest.Entry(3)}))
		assert.Equal(t, []string{"evt_000003"}, all(t, s))
		assert.Contains(t, lines.String(), "dated in the future")
	})
	t.Run("texts_that_no_database_holds_are_made_storable", func(t *testing.T) {
		t.Parallel()
		s, _, _ := newService(t)
		e := storetest.Entry(1)
		e.UserName, e.Description = "a\x00b\xff", strings.Repeat("é", 10_000)
		e.UserID = strings.Repeat("u", 5000)
		e.Details = json.RawMessage(strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500))
		require.NoError(t, s.Ingest(t.Context(), []auditlog.Entry{e}))
		got, err := s.After(t.Context(), storetest.TenantA, "", 1, false)
		require.NoError(t, err)
		assert.Equal(t, "ab�", got[0].UserName)
		assert.Len(t, got[0].Description, 8<<10)
		assert.Len(t, got[0].UserID, 512)
		assert.Contains(t, string(got[0].Details), "omitted")
	})
}

func TestService_After_refuses_what_is_no_log_id(t *testing.T) {
	t.Parallel()
	s, _, _ := newService(t)
	_, err := s.After(t.Context(), storetest.TenantA, "1; drop table", 1, false)
	require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
}

func TestEntry_ID(t *testing.T) {
	t.Parallel()
	e := auditlog.Entry{Seq: 42, Ingested: time.Date(2026, 3, 1, 12, 34, 56, 789_000_000, time.UTC)}
	assert.Equal(t, auditlog.ID("90020260301123456789000000000000000000000000000000000042"), e.ID())
	assert.Len(t, e.ID(), 56)
	seq, ok := e.ID().Seq()
	assert.True(t, ok)
	assert.EqualValues(t, 42, seq)
	for _, wrong := range []auditlog.ID{"", "900", e.ID() + "0", "800" + e.ID()[3:], "900" + auditlog.ID(strings.Repeat("9", 53)), e.ID()[:55] + "x"} {
		_, ok := wrong.Seq()
		assert.False(t, ok, wrong)
	}
}
