package httpapi_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
)

// What the service owns is read in its README by whoever has to know, an operator or a neighbour: its lists are held to the code.
func TestREADME(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	readme := string(raw)
	section := func(name string) string {
		_, rest, found := strings.Cut(readme, "\n## "+name+"\n")
		require.True(t, found, name)
		section, _, _ := strings.Cut(rest, "\n## ")
		return section
	}
	parameter := regexp.MustCompile(`:\w+|\{\w+\}`) // by any name

	t.Run("names_each_route", func(t *testing.T) {
		t.Parallel()
		engine, ok := newWorld(t).handler.(*gin.Engine)
		require.True(t, ok)
		routes := map[string]bool{}
		for _, words := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(section("Routes"), -1) {
			for word := range strings.FieldsSeq(words[1]) {
				routes[parameter.ReplaceAllString(word, "{}")] = true
			}
		}
		for _, route := range engine.Routes() {
			if route.Path != httpkit.PartPath {
				require.True(t, routes[parameter.ReplaceAllString(route.Path, "{}")], "%s %s", route.Method, route.Path)
			}
		}
	})
	t.Run("names_each_table", func(t *testing.T) {
		t.Parallel()
		migrations := os.DirFS("../store/migrations")
		files, err := fs.Glob(migrations, "*.sql")
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			sql, err := fs.ReadFile(migrations, file)
			require.NoError(t, err)
			up, _, _ := strings.Cut(string(sql), "-- +goose Down")
			for _, table := range regexp.MustCompile(`(?m)^create table (\w+)`).FindAllStringSubmatch(up, -1) {
				require.Contains(t, section("Tables"), "| `"+table[1]+"` |")
			}
		}
	})
	t.Run("names_each_fact", func(t *testing.T) {
		t.Parallel()
		source, err := os.ReadFile("../token/fact.go")
		require.NoError(t, err)
		facts := regexp.MustCompile(`(?m)^\t\w+ +FactName = "([^"]+)"$`).FindAllStringSubmatch(string(source), -1)
		require.NotEmpty(t, facts)
		for _, fact := range facts {
			require.Contains(t, section("Events"), "`"+fact[1]+"`")
		}
	})
}
