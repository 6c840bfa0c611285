package logapi

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/libs/audit"
)

// EntryOf turns an administrative act into its audit entry: type sapi, or mgmt_api_read, with the redacted request.
// The platform's own acts (a zero Act) leave none.
func EntryOf(a audit.Act) *Entry {
	if a.Operation == "" {
		return nil
	}
	kind := "sapi"
	if strings.EqualFold(a.Method, http.MethodGet) {
		kind = "mgmt_api_read" // a read that answers with secrets
	}
	return &Entry{
		Type: kind, Description: a.Operation, ClientID: a.ClientID, UserID: a.UserID,
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
