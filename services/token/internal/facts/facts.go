// Package facts turns what the domain says has happened into the event that travels. Both doors out use it: the outbox, and the
// queue in memory.
package facts

import (
	"unicode/utf8"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/services/token/internal/token"
)

const subjects = "postern.token."

// Subject is where what is called by that name is told of.
func Subject(name token.FactName) string { return subjects + string(name) }

// Event gives the event of f, with a fresh ID.
func Event(f token.Fact) logapi.Event {
	e := logapi.New(f.Time, f.Tenant, Subject(f.Name))
	e.TenantName = f.TenantName
	if len(f.KeyIDs) > 0 {
		e.Object = &logapi.Object{Kind: "key", ID: f.KeyIDs[0]}
	}
	if f.Type == "" {
		return e
	}
	e.Entry = &logapi.Entry{
		Type: f.Type, Description: clip(f.Description), ClientID: clip(f.ClientID), ClientName: f.ClientName,
		Connection: f.Connection.Name, ConnectionID: f.Connection.ID, Strategy: f.Connection.Strategy,
		StrategyType: strategyType(f.Connection.Strategy), UserID: f.UserID, UserName: clip(f.UserName),
		IP: f.Origin.IP, UserAgent: clip(f.Origin.UserAgent), Hostname: f.Hostname, Audience: clip(f.Audience), Scope: clipTo(f.Scope.String(), maxScope),
		SessionID: f.SessionID, Certificate: f.Certificate, Details: clipAll(f.Details),
	}
	return e
}

// What strangers may write into the log by asking for nonsense is bounded, in bytes: anybody can fail at a login page.
const (
	maxText  = 1 << 10
	maxScope = 16 << 10 // a machine may be granted all of an API's
)

func clip(s string) string { return clipTo(s, maxText) }

func clipTo(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// clipAll clips the texts of a tree. Lists are the tenant's own.
func clipAll(details map[string]any) map[string]any {
	for name, value := range details {
		switch value := value.(type) {
		case string:
			details[name] = clip(value)
		case map[string]any:
			clipAll(value)
		}
	}
	return details
}

func strategyType(strategy string) string {
	switch strategy {
	case "":
		return ""
	case token.StrategyDatabase:
		return "database"
	case "sms", "email":
		return "passwordless"
	case "google-oauth2", "facebook", "github", "apple", "windowslive", "linkedin", "twitter":
		return "social"
	}
	return "enterprise"
}
