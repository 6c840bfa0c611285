// Package events takes the cell's events into the audit log.
package events

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/log/internal/agent"
	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// Log is what is done about events.
type Log interface {
	Ingest(ctx context.Context, entries []auditlog.Entry) error
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
}

// Consumer reads the stream. An event is acknowledged once its entry is committed; until then it comes again.
type Consumer struct {
	Conn *natskit.Conn
	Into Log
	Log  *slog.Logger
	// Stream and Subjects are set by tests alone; empty means EVENTS and all of the platform's.
	Stream   string
	Subjects []string
}

const (
	durable  = "log"
	maxBatch = 1000
	// maxWait is how long the first event of a batch waits for company; it bounds what batching adds to "readable within 2 s".
	maxWait = 50 * time.Millisecond
)

// Run consumes until ctx ends.
func (c *Consumer) Run(ctx context.Context) error {
	subjects := c.Subjects
	if len(subjects) == 0 {
		subjects = []string{"postern.>"}
	}
	return natskit.Consume(ctx, c.Conn, natskit.ConsumerConfig{
		Stream: c.Stream, Durable: durable, Subjects: subjects, MaxBatch: maxBatch, MaxWait: maxWait,
	}, c.Handle)
}

// Handle stores a batch. What is no event is parked (logged, and acknowledged with the rest): it would be none the next time either.
func (c *Consumer) Handle(ctx context.Context, batch []natskit.Message) error {
	ctx, end := traced(ctx, batch)
	err := c.handle(ctx, batch)
	end(err)
	return err
}

func (c *Consumer) handle(ctx context.Context, batch []natskit.Message) error {
	entries := make([]auditlog.Entry, 0, len(batch))
	for _, m := range batch {
		e, err := logapi.Decode(m.Payload)
		if err != nil || e.ID == "" || e.Tenant == "" || e.Subject == "" || e.Time.IsZero() {
			c.park(ctx, m, err)
			continue
		}
		if e.Subject == logapi.TenantRemoved {
			if err := c.Into.Ingest(ctx, entries); err != nil {
				return err
			}
			entries = entries[:0]
			if err := c.Into.RemoveTenant(ctx, e.Tenant); err != nil {
				return err
			}
			continue
		}
		if e.Entry == nil {
			continue
		}
		entry, err := toEntry(e)
		if err != nil {
			c.park(ctx, m, err)
			continue
		}
		entries = append(entries, entry)
	}
	return c.Into.Ingest(ctx, entries)
}

func (c *Consumer) park(ctx context.Context, m natskit.Message, err error) {
	cause := "it lacks its id, subject, tenant or time"
	if err != nil {
		cause = err.Error()
	}
	c.Log.ErrorContext(ctx, "event parked", slog.String(telemetry.KeySubject, m.Subject), slog.String(telemetry.KeyEvent, m.EventID),
		slog.Uint64("sequence", m.Sequence), slog.Int(telemetry.KeyBytes, len(m.Payload)), slog.String(telemetry.KeyCause, cause))
}

func toEntry(e logapi.Event) (auditlog.Entry, error) {
	in := e.Entry
	out := auditlog.Entry{
		EventID: e.ID, Tenant: e.Tenant, TenantName: e.TenantName, Date: e.Time.UTC(), Type: in.Type, Description: in.Description,
		ClientID: in.ClientID, ClientName: in.ClientName, Connection: in.Connection, ConnectionID: in.ConnectionID, Strategy: in.Strategy,
		StrategyType: in.StrategyType, UserID: in.UserID, UserName: in.UserName, IP: in.IP, Hostname: in.Hostname, Audience: in.Audience,
		Scope: in.Scope, SessionID: in.SessionID, Certificate: in.Certificate, Correlation: in.CorrelationID,
	}
	out.UserAgent, out.Mobile = agent.Normalize(in.UserAgent)
	if len(in.Details) > 0 {
		details, err := json.Marshal(in.Details)
		if err != nil {
			return auditlog.Entry{}, err
		}
		out.Details = details
	}
	return out, nil
}
