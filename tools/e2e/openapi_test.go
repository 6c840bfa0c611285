//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"
)

// description is what the tests read of the document.
type description struct {
	OpenAPI string              `json:"openapi"`
	Servers []map[string]string `json:"servers"`
	Paths   map[string]map[string]struct {
		ID        string                `json:"operationId"`
		Security  []map[string][]string `json:"security"`
		Responses map[string]any        `json:"responses"`
	} `json:"paths"`
}

// describedAt reads and decodes the document of a tenant's host.
func describedAt(t *testing.T, client *http.Client, base string) (raw string, d description) {
	t.Helper()
	status, raw := get(t, client, base+"api/v2/openapi.json")
	require.Equal(t, http.StatusOK, status, "%s", raw)
	require.NoError(t, json.Unmarshal([]byte(raw), &d))
	return raw, d
}

// TestOpenAPI: the cloud describes its Management API as a standard tool reads it, all of it, and as what it is.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	acme := newCompany(t)
	us := acme.signup(t, "us")
	client := stranger(t, acme.cloud)
	raw, doc := describedAt(t, client, us.Issuer)

	t.Run("it_is_valid_openapi_3_1", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, "3.1.0", doc.OpenAPI)
		parsed, err := libopenapi.NewDocument([]byte(raw))
		require.NoError(t, err)
		_, err = parsed.BuildV3Model()
		require.NoError(t, err, "every reference leads somewhere")
		v, errs := validator.NewValidator(parsed)
		require.Empty(t, errs)
		_, problems := v.ValidateDocument()
		for _, p := range problems {
			t.Errorf("%s: %s: %v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	})
	t.Run("it_holds_every_operation_that_the_services_register", func(t *testing.T) {
		t.Parallel()
		registered := registeredOperations(t)
		require.Greater(t, len(registered), 40)
		var described []string
		for _, methods := range doc.Paths {
			for _, op := range methods {
				described = append(described, op.ID)
			}
		}
		slices.Sort(described)
		require.Equal(t, registered, described)
	})
	t.Run("every_operation_stands_where_it_says_and_asks_for_a_token", func(t *testing.T) {
		t.Parallel()
		for path, methods := range doc.Paths {
			for method, op := range methods {
				target := strings.TrimSuffix(us.Issuer, "/") + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x")
				req, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), target, nil)
				require.NoError(t, err)
				res, err := client.Do(req)
				require.NoError(t, err)
				_ = res.Body.Close()
				require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s %s", method, path)
				require.NotEmpty(t, res.Header.Get("X-Ratelimit-Remaining"), "%s %s", method, path)
				require.NotEmpty(t, res.Header.Get("X-Request-Id"), "%s %s", method, path)
				for _, requirement := range op.Security {
					require.LessOrEqual(t, len(requirement["bearer"]), 1, "%s: any one scope is enough", op.ID)
				}
				for _, status := range []string{"400", "401", "403", "404", "429"} {
					require.Contains(t, op.Responses, status, op.ID)
				}
			}
		}
	})
	t.Run("the_server_is_the_host_that_was_asked_and_nothing_else_is_anybodys", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []map[string]string{{"url": strings.TrimSuffix(us.Issuer, "/")}}, doc.Servers)
		other := newCompany(t).signup(t, "us")
		same, _ := describedAt(t, client, other.Issuer)
		require.JSONEq(t, raw, strings.ReplaceAll(same, strings.TrimSuffix(other.Issuer, "/"), strings.TrimSuffix(us.Issuer, "/")))
		require.NotContains(t, raw, us.ID)
	})
	t.Run("the_page_has_a_place_for_each_of_them", func(t *testing.T) {
		t.Parallel()
		status, page := get(t, client, us.Issuer+"api/v2/docs")
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, page, "<script")
		for path, methods := range doc.Paths {
			for _, op := range methods {
				require.Contains(t, page, fmt.Sprintf(`id="%s"`, op.ID))
				require.Contains(t, page, "<code>"+path+"</code>")
			}
		}
	})
	t.Run("the_services_parts_are_nobodys_to_ask_for", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{
			"api/v2/openapi.part.json", "api/v2//openapi.part.json", "/api/v2/openapi.part.json", "api/v2/clients/../openapi.part.json",
			"api/v2/%6Fpenapi.part.json", "api%2Fv2%2Fopenapi.part.json",
		} {
			status, body := get(t, client, us.Issuer+path)
			require.NotEqual(t, http.StatusOK, status, "%s: %.100s", path, body)
		}
	})
}

// registeredOperations are the ids in the services' sources: what mgmtkit.Register is called with.
func registeredOperations(t *testing.T) []string {
	t.Helper()
	var ids []string
	id := regexp.MustCompile(`mgmtkit\.Op\{\s*ID: "([a-z_]+)"`)
	err := filepath.WalkDir(filepath.Join(root(t), "services"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) //nolint:gosec // the project's own files
		if err != nil {
			return err
		}
		for _, found := range id.FindAllStringSubmatch(string(source), -1) {
			ids = append(ids, found[1])
		}
		return nil
	})
	require.NoError(t, err)
	slices.Sort(ids)
	return ids
}
