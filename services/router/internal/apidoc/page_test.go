package apidoc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/apidoc"
	"github.com/postern-id/postern/services/router/internal/route"
)

func page(t *testing.T, tenant tenancy.Tenant, thing m) string {
	t.Helper()
	doc, err := apidoc.Join([]apidoc.Part{{Service: "user", Raw: part("user", thing)}})
	require.NoError(t, err)
	raw, err := doc.Page(tenant)
	require.NoError(t, err)
	return string(raw)
}

func TestDocument_Page(t *testing.T) {
	t.Parallel()
	t.Run("every_operation_has_its_place_with_all_that_is_declared", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		doc, err := w.library.Find(t.Context(), acme)
		require.NoError(t, err)
		raw, err := doc.Page(acme)
		require.NoError(t, err)
		for _, s := range route.Services() {
			for _, want := range []string{
				`id="tag-` + string(s) + `"`, `href="#tag-` + string(s) + `"`, `id="create_` + string(s) + `"`, `href="#create_` + string(s) + `"`,
				`<code>/api/v2/` + string(s) + `</code>`, `create:` + string(s), `any:` + string(s), "Any one of the scopes",
			} {
				require.Contains(t, string(raw), want)
			}
		}
		for _, want := range []string{"How many", "≥ 1", "≤ 100", "default 50", "length at most 10", "201", "Created", `href="#error-400"`, "Bad input.", acme.Base, acme.ManagementAudience()} {
			require.Contains(t, string(raw), want)
		}
	})
	t.Run("nested_properties_lists_and_references_in_circles", func(t *testing.T) {
		t.Parallel()
		got := page(t, acme, m{"type": "object", "required": []any{"list"}, "properties": m{
			"list": m{"type": "array", "maxItems": 3, "uniqueItems": true, "items": m{"type": "object", "properties": m{"kind": m{"type": []any{"string", "null"}, "enum": []any{"a", "b"}}}}},
			"map":  m{"type": "object", "additionalProperties": m{"type": "string", "format": "uri"}},
			"self": m{"$ref": "#/components/schemas/Thing"},
			"gone": m{"$ref": "#/components/schemas/Nowhere"},
			"open": m{"type": "object", "additionalProperties": true},
		}})
		for _, want := range []string{
			"<code>list</code>", "array of object", "items at most 3", "no item twice", "<code>list[].kind</code>", "string or null", "one of a, b",
			"map of string (uri)", "required", "<code>self.self</code>", "<code>open</code>",
		} {
			require.Contains(t, got, want)
		}
	})
	t.Run("no_script_and_nothing_from_elsewhere_and_nothing_unescaped", func(t *testing.T) {
		t.Parallel()
		evil := tenancy.Tenant{Base: `https://x"><script>alert(1)</script>`, Canonical: "<img>"}
		got := page(t, evil, m{"type": "object", "properties": m{"<script>": m{"type": "string", "description": "<script>", "pattern": "<b>"}}})
		require.NotContains(t, got, "<script")
		require.NotContains(t, got, "<img")
		require.NotContains(t, got, "<user>")
		for _, elsewhere := range []string{"src=", "<link", "url(", "@import", "href=\"http"} {
			require.NotContains(t, got, elsewhere)
		}
	})
	t.Run("the_policy_allows_the_pages_own_style_alone", func(t *testing.T) {
		t.Parallel()
		got := page(t, acme, text(1))
		_, after, ok := strings.Cut(got, "<style>")
		require.True(t, ok)
		style, after, ok := strings.Cut(after, "</style>")
		require.True(t, ok)
		require.NotContains(t, after, "<style")
		require.NotContains(t, got, "style=")
		sum := sha256.Sum256([]byte(style))
		require.Contains(t, apidoc.Policy(), "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		require.Contains(t, apidoc.Policy(), "default-src 'none'")
		require.NotContains(t, apidoc.Policy(), "script-src")
	})
}
