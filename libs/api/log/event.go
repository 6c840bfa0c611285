// Package logapi is the log service's front door: the event that every service publishes and the log service stores.
package logapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/postern-id/postern/libs/tenancy"
)

// Event is one fact of one tenant, published on its Subject with the message ID of its ID.
type Event struct {
	ID      string     `json:"id"`      // "evt_" and a ULID; the same on every redelivery
	Subject string     `json:"subject"` // postern.<service>.<noun>.<past>
	Tenant  tenancy.ID `json:"tenant"`
	// TenantName is the account's slug, for readers of log streams.
	TenantName string    `json:"tenant_name,omitempty"`
	Time       time.Time `json:"time"` // UTC, when it happened
	// Object names what changed, so that caches drop it; nil when nothing did.
	Object *Object `json:"object,omitempty"`
	// Entry is the audit line; nil when the fact is not one that the audit log shows.
	Entry *Entry `json:"entry,omitempty"`
}

// Object is a thing of a tenant by kind ("client", "connection", "user", "key") and its public id.
type Object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Entry is an audit log entry in the wire's words (reference: log event object). Secrets never enter it.
type Entry struct {
	Type         string `json:"type"` // "seccft", "s", "sapi", …
	Description  string `json:"description,omitempty"`
	ClientID     string `json:"client_id,omitempty"`
	ClientName   string `json:"client_name,omitempty"`
	Connection   string `json:"connection,omitempty"`
	ConnectionID string `json:"connection_id,omitempty"`
	Strategy     string `json:"strategy,omitempty"`
	StrategyType string `json:"strategy_type,omitempty"` // database, social, enterprise, passwordless
	UserID       string `json:"user_id,omitempty"`
	UserName     string `json:"user_name,omitempty"`
	IP           string `json:"ip,omitempty"`
	UserAgent    string `json:"user_agent,omitempty"` // as sent; the log service normalises it
	Hostname     string `json:"hostname,omitempty"`   // host of the request, without port
	Audience     string `json:"audience,omitempty"`
	Scope        string `json:"scope,omitempty"` // space-separated
	SessionID    string `json:"session_id,omitempty"`
	// Certificate is the thumbprint of the one by which the client authenticated (RFC 8705 §3.1).
	Certificate string `json:"mtls_thumbprint_sha256,omitempty"`
	// CorrelationID is what the caller ties calls together by (references.correlation_id).
	CorrelationID string         `json:"correlation_id,omitempty"`
	Details       map[string]any `json:"details,omitempty"`
}

// New makes an event with a fresh ID.
func New(now time.Time, tenant tenancy.ID, subject string) Event {
	return Event{ID: "evt_" + ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String(), Subject: subject, Tenant: tenant, Time: now.UTC()}
}

// maxBytes is what an event may weigh, below what the outbox and the streams take. A request of 1 MiB is a fine request, and its
// change must not fail for its line in the log.
const maxBytes = 512 << 10

// tooLarge stands in the log for what was left out of it.
const tooLarge = "(too large for the log)"

// Encode gives the JSON that travels. Of an event that is too large the request's body is left out, then the answer's, or else all
// details.
func (e Event) Encode() ([]byte, error) {
	b, err := json.Marshal(e)
	for _, cut := range []func(map[string]any) map[string]any{withoutBody("request"), withoutBody("response"), withoutAll} {
		if err != nil || len(b) <= maxBytes || e.Entry == nil {
			break
		}
		entry := *e.Entry
		entry.Details = cut(entry.Details)
		e.Entry = &entry
		b, err = json.Marshal(e)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding event %s: %w", e.Subject, err)
	}
	return b, nil
}

// withoutBody leaves out the body of the request or the answer. The details given are not changed.
func withoutBody(of string) func(map[string]any) map[string]any {
	return func(details map[string]any) map[string]any {
		part, ok := details[of].(map[string]any)
		if !ok {
			return details
		}
		part, details = maps.Clone(part), maps.Clone(details)
		part["body"], details[of] = tooLarge, part
		return details
	}
}

func withoutAll(map[string]any) map[string]any { return map[string]any{"details": tooLarge} }

// Decode reads what Encode made.
func Decode(payload []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return Event{}, fmt.Errorf("decoding event: %w", err)
	}
	return e, nil
}
