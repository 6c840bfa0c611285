// Package facts turns what the domain says has happened into the event that travels. Both doors out use it: the outbox, and the
// queue in memory.
package facts

import (
	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/services/token/internal/token"
)

const subjects = "postern.token."

// Event gives the event of f, with a fresh ID.
func Event(f token.Fact) logapi.Event {
	e := logapi.New(f.Time, f.Tenant, subjects+string(f.Name))
	e.TenantName = f.TenantName
	if len(f.KeyIDs) > 0 {
		e.Object = &logapi.Object{Kind: "key", ID: f.KeyIDs[0]}
	}
	if f.Type == "" {
		return e
	}
	e.Entry = &logapi.Entry{
		Type: f.Type, Description: f.Description, ClientID: f.ClientID, ClientName: f.ClientName,
		Connection: f.Connection.Name, ConnectionID: f.Connection.ID, Strategy: f.Connection.Strategy,
		StrategyType: strategyType(f.Connection.Strategy), UserID: f.UserID, UserName: f.UserName,
		IP: f.Origin.IP, UserAgent: f.Origin.UserAgent, Hostname: f.Hostname, Audience: f.Audience, Scope: f.Scope.String(),
		SessionID: f.SessionID, Details: f.Details,
	}
	return e
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
