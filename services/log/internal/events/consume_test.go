package events_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/auditlog"
	"github.com/postern-id/postern/services/log/internal/events"
)

// book notes what was done about events.
type book struct {
	done []string
	err  error
}

func (b *book) Ingest(_ context.Context, entries []auditlog.Entry) error {
	for _, e := range entries {
		b.done = append(b.done, e.EventID+" "+e.Type+" "+e.UserAgent)
	}
	return b.err
}

func (b *book) RemoveTenant(_ context.Context, tenant tenancy.ID) error {
	b.done = append(b.done, "remove "+string(tenant))
	return nil
}

func message(t *testing.T, id, subject string, entry *logapi.Entry) natskit.Message {
	t.Helper()
	payload, err := logapi.Event{ID: id, Subject: subject, Tenant: "tnt_A", Time: time.Now(), Entry: entry}.Encode()
	require.NoError(t, err)
	return natskit.Message{Subject: subject, EventID: id, Payload: payload}
}

func TestConsumer_Handle(t *testing.T) {
	t.Parallel()
	login := &logapi.Entry{Type: "s", UserAgent: "curl/8.5.0"}
	t.Run("what_is_no_event_is_parked_and_the_rest_goes_on_in_order", func(t *testing.T) {
		t.Parallel()
		b, lines := &book{}, &bytes.Buffer{}
		c := events.Consumer{Into: b, Log: slog.New(slog.NewTextHandler(lines, nil))}
		require.NoError(t, c.Handle(t.Context(), []natskit.Message{
			message(t, "1", logapi.LoginSucceeded, login),
			{Subject: "postern.x", EventID: "2", Payload: []byte("{not json")},
			{Subject: "postern.x", EventID: "3", Payload: []byte(`{"id":"3"}`)},
			{Subject: "postern.x", EventID: "4", Payload: []byte(`[]`)},
			{Subject: "postern.x", EventID: "5"},
			message(t, "6", logapi.ClientUpdated, nil),
			message(t, "7", logapi.LoginSucceeded, login),
		}))
		assert.Equal(t, []string{"1 s curl 8.5.0 / Other 0.0.0", "7 s curl 8.5.0 / Other 0.0.0"}, b.done)
		assert.Equal(t, 4, bytes.Count(lines.Bytes(), []byte("event parked")))
		assert.NotContains(t, lines.String(), "not json", "what is in it may be personal")
	})
	t.Run("a_removed_tenant_goes_after_what_came_before", func(t *testing.T) {
		t.Parallel()
		b := &book{}
		c := events.Consumer{Into: b, Log: slog.New(slog.DiscardHandler)}
		require.NoError(t, c.Handle(t.Context(), []natskit.Message{
			message(t, "1", logapi.LoginSucceeded, &logapi.Entry{Type: "s"}), message(t, "2", logapi.TenantRemoved, nil),
			message(t, "3", logapi.LoginSucceeded, &logapi.Entry{Type: "s"}),
		}))
		assert.Equal(t, []string{"1 s ", "remove tnt_A", "3 s "}, b.done)
	})
	t.Run("a_store_that_is_away_leaves_the_batch_for_later", func(t *testing.T) {
		t.Parallel()
		c := events.Consumer{Into: &book{err: errors.New("away")}, Log: slog.New(slog.DiscardHandler)}
		require.Error(t, c.Handle(t.Context(), []natskit.Message{message(t, "1", logapi.LoginSucceeded, login)}))
	})
}
