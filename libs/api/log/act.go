package logapi

import "github.com/postern-id/postern/libs/audit"

// EntryOf turns an administrative act into its audit entry: type sapi with the redacted request (reference: details).
// The platform's own acts (a zero Act) leave none.
func EntryOf(a audit.Act) *Entry {
	if a.Operation == "" {
		return nil
	}
	return &Entry{
		Type: "sapi", Description: a.Operation, ClientID: a.ClientID, UserID: a.UserID,
		IP: a.IP, UserAgent: a.UserAgent, Hostname: a.Hostname,
		Details: map[string]any{
			"request": map[string]any{
				"method": a.Method, "path": a.Path, "query": a.Query, "body": a.Body,
				"channel": "api", "ip": a.IP, "userAgent": a.UserAgent,
				"auth": map[string]any{"strategy": "jwt", "credentials": map[string]any{"jti": a.TokenID, "scopes": a.Scopes}},
			},
			"response": map[string]any{"statusCode": a.Status},
		},
	}
}
