package apidoc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/router/internal/apidoc"
)

func join(t *testing.T, parts ...apidoc.Part) m {
	t.Helper()
	doc, err := apidoc.Join(parts)
	require.NoError(t, err)
	raw, err := doc.JSON(acme)
	require.NoError(t, err)
	var out m
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, name := range path {
		object, ok := v.(m)
		require.True(t, ok, "%v", path)
		v = object[name]
	}
	return v
}

func bodyOf(t *testing.T, doc m, service string) any {
	t.Helper()
	return at(t, doc, "paths", "/api/v2/"+service, "post", "requestBody", "content", "application/json", "schema", "$ref")
}

func TestJoin(t *testing.T) {
	t.Parallel()
	t.Run("the_head_and_the_tags_are_the_whole_apis", func(t *testing.T) {
		t.Parallel()
		doc := join(t, apidoc.Part{Service: "user", Raw: part("user", text(1))}, apidoc.Part{Service: "client", Raw: part("client", text(1))})
		require.Equal(t, "3.1.0", doc["openapi"])
		require.Equal(t, "Management API", at(t, doc, "info", "title"))
		require.Equal(t, []any{m{"name": "client"}, m{"name": "user"}}, doc["tags"])
		require.Equal(t, []any{m{"url": "https://acme.eu.example.test:8443"}}, doc["servers"])
		require.Equal(t, []any{m{"bearer": []any{"create:user"}}, m{"bearer": []any{"any:user"}}}, at(t, doc, "paths", "/api/v2/user", "post", "security"))
		require.Len(t, at(t, doc, "components", "securitySchemes"), 1)
	})
	t.Run("a_schema_that_all_mean_alike_is_there_once", func(t *testing.T) {
		t.Parallel()
		doc := join(t, apidoc.Part{Service: "user", Raw: part("user", text(1))}, apidoc.Part{Service: "client", Raw: part("client", text(1))})
		require.Len(t, at(t, doc, "components", "schemas"), 2)
		require.Equal(t, "#/components/schemas/Thing", bodyOf(t, doc, "client"))
	})
	t.Run("one_that_means_something_else_is_renamed_with_its_references", func(t *testing.T) {
		t.Parallel()
		doc := join(t, apidoc.Part{Service: "user", Raw: part("user", text(1))}, apidoc.Part{Service: "client", Raw: part("client", text(2))},
			apidoc.Part{Service: "log", Raw: part("log", text(1))})
		require.Equal(t, "#/components/schemas/Thing", bodyOf(t, doc, "user"))
		require.Equal(t, "#/components/schemas/ClientThing", bodyOf(t, doc, "client"))
		require.Equal(t, "#/components/schemas/Thing", bodyOf(t, doc, "log"))
		require.InDelta(t, 1, at(t, doc, "components", "schemas", "Thing", "properties", "name", "maxLength"), 0)
		require.InDelta(t, 2, at(t, doc, "components", "schemas", "ClientThing", "properties", "name", "maxLength"), 0)
	})
	t.Run("so_is_one_that_refers_to_it", func(t *testing.T) {
		t.Parallel()
		holder := func(doc m) {
			schemas, _ := at(t, doc, "components", "schemas").(m)
			schemas["Holder"] = m{"type": "array", "items": m{"$ref": "#/components/schemas/Thing"}}
			schemas["Outer"] = m{"type": "object", "properties": m{"x": m{"$ref": "#/components/schemas/Holder"}}}
		}
		doc := join(t, apidoc.Part{Service: "user", Raw: part("user", text(1), holder)}, apidoc.Part{Service: "client", Raw: part("client", text(2), holder)})
		require.Equal(t, "#/components/schemas/Thing", at(t, doc, "components", "schemas", "Holder", "items", "$ref"))
		require.Equal(t, "#/components/schemas/ClientThing", at(t, doc, "components", "schemas", "ClientHolder", "items", "$ref"))
		require.Equal(t, "#/components/schemas/ClientHolder", at(t, doc, "components", "schemas", "ClientOuter", "properties", "x", "$ref"))
	})
	t.Run("a_new_name_takes_nobodys", func(t *testing.T) {
		t.Parallel()
		taken := func(doc m) {
			schemas, _ := at(t, doc, "components", "schemas").(m)
			schemas["ClientThing"] = m{"type": "boolean"}
		}
		doc := join(t, apidoc.Part{Service: "user", Raw: part("user", text(1), taken)}, apidoc.Part{Service: "client", Raw: part("client", text(2))})
		require.Equal(t, m{"type": "boolean"}, at(t, doc, "components", "schemas", "ClientThing"))
		require.Equal(t, "#/components/schemas/ClientThing_", bodyOf(t, doc, "client"))
	})
	for name, second := range map[string][]byte{
		"an_operation_declared_twice": part("user", text(1)),
		"an_operation_id_used_twice":  part("other", text(1), func(doc m) { at(t, doc, "paths", "/api/v2/other", "post").(m)["operationId"] = "create_user" }),
		"a_response_that_differs": part("other", text(1), func(doc m) {
			at(t, doc, "components", "responses").(m)["Refused400"] = m{"description": "other"}
		}),
		"another_openapi": part("other", text(1), func(doc m) { doc["openapi"] = "3.0.3" }),
	} {
		t.Run(name+"_is_an_error", func(t *testing.T) {
			t.Parallel()
			_, err := apidoc.Join([]apidoc.Part{{Service: "user", Raw: part("user", text(1))}, {Service: "other", Raw: second}})
			require.Error(t, err)
		})
	}
}
