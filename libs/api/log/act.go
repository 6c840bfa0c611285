package logapi

import (
	"net/http"
	"strings"

	"github.com/postern-id/postern/libs/audit"
)

// The types of entries of the Management API.
const (
	TypeWrite   = "sapi"          // a write that was carried out
	TypeRefused = "fapi"          // one that was not
	TypeRead    = "mgmt_api_read" // a read that answered with secrets
)

// EntryOf turns an administrative act into its audit entry, with the redacted request and answer. The platform's own acts (a zero
// Act) leave none.
func EntryOf(a audit.Act) *Entry {
	if a.Operation == "" {
		return nil
	}
	kind := TypeWrite
	switch {
	case a.Status >= http.StatusBadRequest:
		kind = TypeRefused
	case strings.EqualFold(a.Method, http.MethodGet):
		kind = TypeRead
	}
	user := map[string]any{}
	if a.UserID != "" {
		user["user_id"] = a.UserID
	}
	answer := a.Answer
	if answer == nil {
		answer = map[string]any{}
	}
	request := map[string]any{
		"method": a.Method, "path": a.Path, "query": a.Query, "body": a.Body, "channel": "api", "ip": a.IP, "userAgent": a.UserAgent,
	}
	if a.ClientID != "" || a.UserID != "" { // nobody in particular calls where no token is asked for
		request["auth"] = map[string]any{
			"user": user, "strategy": "jwt", "credentials": map[string]any{"jti": a.TokenID, "scopes": a.Scopes},
		}
	}
	e := &Entry{
		Type: kind, Description: a.Operation, ClientID: a.ClientID, UserID: a.UserID,
		IP: a.IP, UserAgent: a.UserAgent, Hostname: a.Hostname, CorrelationID: a.Correlation,
		Details: map[string]any{
			"request":  request,
			"response": map[string]any{"statusCode": a.Status, "body": answer},
		},
	}
	if kind == TypeRead {
		e.Details["accessedSecrets"] = append([]string{}, a.Revealed...)
	}
	return e
}
