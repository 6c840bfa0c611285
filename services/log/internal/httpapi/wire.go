package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/services/log/internal/auditlog"
)

// wireEntry is an entry on the wire. What the event did not say is null; what only some types have is left out.
type wireEntry struct {
	Date             string    `json:"date"`
	Type             string    `json:"type"`
	Description      *string   `json:"description"`
	Connection       *string   `json:"connection"`
	ConnectionID     *string   `json:"connection_id"`
	ClientID         *string   `json:"client_id"`
	ClientName       *string   `json:"client_name"`
	IP               *string   `json:"ip"`
	UserAgent        *string   `json:"user_agent"`
	Hostname         *string   `json:"hostname"`
	UserID           *string   `json:"user_id"`
	UserName         *string   `json:"user_name"`
	Audience         *string   `json:"audience"`
	Scope            *string   `json:"scope"`
	Strategy         *string   `json:"strategy"`
	StrategyType     *string   `json:"strategy_type"`
	OrganizationID   *string   `json:"organization_id"`
	OrganizationName *string   `json:"organization_name"`
	SessionID        *string   `json:"session_id,omitempty"`
	Certificate      *string   `json:"mtls_thumbprint_sha256,omitempty"`
	References       *links    `json:"references,omitempty"`
	Details          any       `json:"details"` // the object as it was, or null
	LocationInfo     *struct{} `json:"location_info"`
	IsMobile         bool      `json:"isMobile"`
	LogID            string    `json:"log_id"`
	ID               string    `json:"_id"`
}

// links tie entries together.
type links struct {
	CorrelationID string `json:"correlation_id"`
}

func toWire(e auditlog.Entry) wireEntry {
	w := wireEntry{
		Date: stamp(e.Date), Type: e.Type, Description: null(e.Description), Connection: null(e.Connection), ConnectionID: null(e.ConnectionID),
		ClientID: null(e.ClientID), ClientName: null(e.ClientName), IP: null(e.IP), UserAgent: null(e.UserAgent), Hostname: null(e.Hostname),
		UserID: null(e.UserID), UserName: null(e.UserName), Audience: null(e.Audience), Scope: null(e.Scope), Strategy: null(e.Strategy),
		StrategyType: null(e.StrategyType), SessionID: null(e.SessionID), Certificate: null(e.Certificate), IsMobile: e.Mobile, LogID: string(e.ID()), ID: string(e.ID()),
	}
	if e.Details != nil {
		w.Details = e.Details
	}
	if e.Correlation != "" {
		w.References = &links{CorrelationID: e.Correlation}
	}
	return w
}

func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Fields is embedded where the caller may choose which properties come back.
type Fields struct {
	Names   string `query:"fields" doc:"Comma-separated properties"`
	Include string `query:"include_fields" enum:"true,false" doc:"true: only those properties; false: all but those"`
}

// shown is an entry with the properties that the caller asked for.
type shown struct {
	entry  wireEntry
	fields Fields
}

func (f Fields) all(entries []auditlog.Entry) []shown {
	out := make([]shown, len(entries))
	for i, e := range entries {
		out[i] = shown{toWire(e), f}
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (s shown) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(s.entry)
	if err != nil || s.fields.Names == "" {
		return b, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	chosen := map[string]json.RawMessage{}
	for name := range strings.SplitSeq(s.fields.Names, ",") {
		name, _, _ = strings.Cut(strings.TrimSpace(name), ".")
		if value, ok := all[name]; ok {
			chosen[name] = value
			delete(all, name)
		}
	}
	if s.fields.Include == "false" {
		return json.Marshal(all)
	}
	return json.Marshal(chosen)
}

// Schema implements huma.SchemaProvider.
func (shown) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[wireEntry](), true, "LogEvent")
}
