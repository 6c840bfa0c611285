package httpapi_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
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

// TestSettingsAreShownByTests holds the tests that docs/settings.md names to be there.
func TestSettingsAreShownByTests(t *testing.T) {
	t.Parallel()
	const root = "../../../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/settings.md"))
	require.NoError(t, err)
	known := map[string]bool{}
	for _, folder := range []string{"services", "tools/e2e"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && entry.Name() == "node_modules" {
				return filepath.SkipDir
			}
			known[entry.Name()] = true
			if !strings.HasSuffix(path, "_test.go") {
				return nil
			}
			source, err := os.ReadFile(path) //nolint:gosec // of this repository
			for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
				known[string(found[1])] = true
			}
			return err
		}))
	}
	named := regexp.MustCompile("`(Test\\w+|\\w+\\.mjs)`").FindAllSubmatch(page, -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		require.True(t, known[string(name[1])], "docs/settings.md names %s, which is not there", name[1])
	}
}
