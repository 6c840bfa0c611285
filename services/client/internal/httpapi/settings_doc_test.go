package httpapi_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/httpapi"
)

// TestSettingsAreDocumented holds docs/settings.md to the declaration: a property without a row is one that nobody knows to act.
func TestSettingsAreDocumented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../../docs/settings.md")
	require.NoError(t, err)
	page := string(raw)
	for _, fields := range []reflect.Type{reflect.TypeFor[httpapi.ClientFields](), reflect.TypeFor[httpapi.ResourceServerFields]()} {
		for field := range fields.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			switch name {
			case "cross_origin_auth", "oidc_backchannel_logout": // older names of rows that are there
				continue
			case "custom_login_page_on", "custom_login_page", "custom_login_page_preview":
				name = "custom_login_page*"
			}
			require.True(t, strings.Contains(page, "`"+name) || strings.Contains(page, name+"`"), "docs/settings.md has no row for %s", name)
		}
	}
}
