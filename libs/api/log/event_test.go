package logapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
)

func TestEvent(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00+01:00").Now()

	t.Run("what_is_encoded_is_decoded", func(t *testing.T) {
		t.Parallel()
		e := logapi.New(now, "tnt_1", logapi.ClientCreated)
		e.TenantName, e.Object = "acme", &logapi.Object{Kind: "client", ID: "c1"}
		e.Entry = &logapi.Entry{Type: "sapi", Details: map[string]any{"a": "b"}}
		raw, err := e.Encode()
		require.NoError(t, err)
		got, err := logapi.Decode(raw)
		require.NoError(t, err)
		require.Equal(t, e, got)
		require.Equal(t, "2026-03-01T11:00:00Z", got.Time.Format("2006-01-02T15:04:05Z07:00"))
	})
	t.Run("a_large_body_is_left_out_and_the_rest_stays", func(t *testing.T) {
		t.Parallel()
		large := strings.Repeat("x", 1<<20)
		e := logapi.New(now, "tnt_1", logapi.UserCreated)
		e.Entry = logapi.EntryOf(audit.Act{Operation: "Create a User", Method: "post", Path: "/api/v2/users", Body: map[string]any{"a": large}})
		raw, err := e.Encode()
		require.NoError(t, err)
		got, err := logapi.Decode(raw)
		require.NoError(t, err)
		request, _ := got.Entry.Details["request"].(map[string]any)
		require.Equal(t, "(too large for the log)", request["body"])
		require.Equal(t, "/api/v2/users", request["path"])
		before, _ := e.Entry.Details["request"].(map[string]any)
		require.NotEqual(t, request["body"], before["body"], "the event itself is not changed")

		e.Entry = logapi.EntryOf(audit.Act{
			Operation: "Create a User", Method: "post", Body: map[string]any{"a": large}, Status: 201, Answer: map[string]any{"a": large},
		})
		raw, err = e.Encode()
		require.NoError(t, err)
		got, err = logapi.Decode(raw)
		require.NoError(t, err)
		response, _ := got.Entry.Details["response"].(map[string]any)
		require.Equal(t, map[string]any{"statusCode": 201.0, "body": "(too large for the log)"}, response)

		e.Entry = &logapi.Entry{Type: "f", Details: map[string]any{"odd": large}}
		raw, err = e.Encode()
		require.NoError(t, err)
		require.Less(t, len(raw), 1<<10)
	})
	t.Run("ids_of_one_moment_differ", func(t *testing.T) {
		t.Parallel()
		seen := map[string]bool{}
		for range 1000 {
			e := logapi.New(now, "tnt_1", logapi.ClientCreated)
			require.Regexp(t, `^evt_[0-9A-HJKMNP-TV-Z]{26}$`, e.ID)
			require.False(t, seen[e.ID])
			seen[e.ID] = true
		}
	})
	t.Run("what_is_no_event_is_refused", func(t *testing.T) {
		t.Parallel()
		_, err := logapi.Decode([]byte("{"))
		require.Error(t, err)
	})
}

func TestEntryOf(t *testing.T) {
	t.Parallel()
	act := audit.Act{
		Operation: "Create a client", ClientID: "c1", UserID: "", IP: "192.0.2.7", Hostname: "acme.eu.example.test", Method: "post",
		Path: "/api/v2/clients", Query: map[string]string{}, Body: map[string]any{"name": "x"}, Status: 201, TokenID: "jti_1", Scopes: []string{"create:clients"},
	}
	t.Run("a_write_is_sapi_with_request_and_response", func(t *testing.T) {
		t.Parallel()
		e := logapi.EntryOf(act)
		require.Equal(t, "sapi", e.Type)
		require.Equal(t, "Create a client", e.Description)
		request := e.Details["request"].(map[string]any)
		require.Equal(t, map[string]any{"name": "x"}, request["body"])
		require.Equal(t, "jti_1", request["auth"].(map[string]any)["credentials"].(map[string]any)["jti"])
		require.Empty(t, request["auth"].(map[string]any)["user"], "a machine is no user")
		require.Equal(t, map[string]any{"statusCode": 201, "body": map[string]any{}}, e.Details["response"])
		require.NotContains(t, e.Details, "accessedSecrets")
	})
	t.Run("the_answer_is_made_of_what_is_stored", func(t *testing.T) {
		t.Parallel()
		answering := act
		answering.Render = func(stored any) any { return map[string]any{"name": stored} }
		e := logapi.EntryOf(answering.Answered("x"))
		require.Equal(t, map[string]any{"statusCode": 201, "body": map[string]any{"name": "x"}}, e.Details["response"])
		require.Nil(t, act.Answered("x").Answer, "an act that renders nothing has no answer")
	})
	t.Run("a_refusal_is_fapi", func(t *testing.T) {
		t.Parallel()
		refused := act
		refused.Status, refused.UserID, refused.Correlation = 409, "auth0|1", "corr"
		e := logapi.EntryOf(refused)
		require.Equal(t, "fapi", e.Type)
		require.Equal(t, "corr", e.CorrelationID)
		require.Equal(t, map[string]any{"user_id": "auth0|1"}, e.Details["request"].(map[string]any)["auth"].(map[string]any)["user"])
	})
	t.Run("a_read_of_secrets_is_mgmt_api_read", func(t *testing.T) {
		t.Parallel()
		read := act
		read.Method, read.Revealed = "get", []string{"client_secret"}
		e := logapi.EntryOf(read)
		require.Equal(t, "mgmt_api_read", e.Type)
		require.Equal(t, []string{"client_secret"}, e.Details["accessedSecrets"])
	})
	t.Run("the_platforms_own_acts_leave_none", func(t *testing.T) {
		t.Parallel()
		require.Nil(t, logapi.EntryOf(audit.From(t.Context())))
		require.Equal(t, act, audit.From(audit.With(t.Context(), act)))
	})
}

// Consumers subscribe by prefix, so the shape is the contract.
func TestSubjects(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "subject.go", nil, 0)
	require.NoError(t, err)
	shape := regexp.MustCompile(`^postern\.(router|tenant|client|user|token|log|console)\.[a-z_]+\.[a-z_]+$`)
	seen := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			subject := strings.Trim(literal.Value, `"`)
			require.False(t, seen[subject], "%s twice", subject)
			seen[subject] = true
			if !strings.HasSuffix(subject, ".>") {
				require.Regexp(t, shape, subject)
			}
		}
		return true
	})
	require.NotEmpty(t, seen)
}
