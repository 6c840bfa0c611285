package mgmtkit_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/mgmtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

func TestAPI_DescribesItsPart(t *testing.T) {
	t.Parallel()
	part := strings.TrimPrefix(httpkit.PartPath, mgmtkit.Base)
	t.Run("every_operation_with_its_scopes_and_refusals", func(t *testing.T) {
		t.Parallel()
		rec := newWorld(t).ask(t, http.MethodGet, part, "", "Authorization", "")
		require.Equal(t, http.StatusOK, rec.Code, "the router asks without a token")
		require.Contains(t, rec.Header().Get("Content-Type"), "application/json")
		var doc struct {
			Paths map[string]map[string]struct {
				ID        string                    `json:"operationId"`
				Security  []map[string][]string     `json:"security"`
				Responses map[string]map[string]any `json:"responses"`
			} `json:"paths"`
			Components struct {
				Responses map[string]struct {
					Content map[string]struct {
						Schema map[string]string `json:"schema"`
					} `json:"content"`
				} `json:"responses"`
				Schemas map[string]struct {
					Properties map[string]any `json:"properties"`
					Required   []string       `json:"required"`
				} `json:"schemas"`
			} `json:"components"`
		}
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &doc))
		require.NotContains(t, doc.Paths, httpkit.PartPath)
		list := doc.Paths["/api/v2/things"]["get"]
		require.Equal(t, "list_things", list.ID)
		require.Equal(t, []map[string][]string{{"bearer": {"read:things"}}, {"bearer": {"read:thing_keys"}}}, list.Security, "any one is enough")
		require.Equal(t, []map[string][]string{{"bearer": {}}}, doc.Paths["/api/v2/things/{id}"]["get"].Security, "any valid token")
		var statuses []string
		for path, methods := range doc.Paths {
			for method, op := range methods {
				for _, status := range []string{"400", "401", "403", "404", "429"} {
					require.Equal(t, map[string]any{"$ref": "#/components/responses/Refused" + status}, op.Responses[status], "%s %s", method, path)
				}
				require.NotContains(t, op.Responses, "default")
				require.NotContains(t, op.Responses, "422")
				statuses = append(statuses, op.ID)
			}
		}
		require.ElementsMatch(t, []string{"list_things", "create_thing", "get_thing", "update_thing", "delete_thing", "thing_keys"}, statuses)
		require.Equal(t, "#/components/schemas/Problem", doc.Components.Responses["Refused429"].Content["application/json"].Schema["$ref"])
		problem := doc.Components.Schemas["Problem"]
		require.ElementsMatch(t, []string{"statusCode", "error", "message"}, problem.Required)
		require.Contains(t, problem.Properties, "errorCode")
	})
	t.Run("only_for_who_comes_through_the_router", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusForbidden, newWorld(t).ask(t, http.MethodGet, part, "", tenancy.Header, "forged").Code)
	})
}
