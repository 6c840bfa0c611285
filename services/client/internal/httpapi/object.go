package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

// object is an answer in the shape of T of which only some properties are there.
type object[T any] map[string]any

// Schema implements huma.SchemaProvider: T's.
func (object[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// sent gives the properties of a body that was validated already, exactly as they came.
func sent(raw []byte) (client.Settings, error) {
	var s client.Settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fault.Invalid("invalid_body", "The body is not a JSON object")
	}
	return s, unstorable(map[string]any(s), "", 1)
}

// maxDepth bounds how deep objects and arrays nest. PostgreSQL's own bound depends on its stack, and is no refusal but a failure.
const maxDepth = 32

// unstorable refuses a value that cannot be kept. No text in PostgreSQL holds U+0000.
func unstorable(value any, path string, depth int) error {
	if depth > maxDepth {
		return fault.Invalid("invalid_body", fmt.Sprintf("Payload validation error: 'Nested too deep, maximum %d'.", maxDepth))
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return fault.Invalid("invalid_body", "Payload validation error: 'The character U+0000 is not allowed' on property "+clipped(path)+".")
		}
	case []any:
		for i, item := range v {
			if err := unstorable(item, path+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			in := strings.TrimPrefix(path+"."+strings.ReplaceAll(name, "\x00", string(unicode.ReplacementChar)), ".")
			if err := unstorable(name, in, depth); err != nil {
				return err
			}
			if err := unstorable(v[name], in, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// clipped bounds how much of a caller's own words an answer repeats.
func clipped(path string) string {
	const most = 200 // bytes
	if len(path) <= most {
		return path
	}
	return strings.ToValidUTF8(path[:most], "") + "…"
}

// Shown is embedded where a caller picks properties; these are the parameters by which a caller picks properties.
type Shown struct {
	Fields        string `query:"fields" maxLength:"2000" doc:"Properties, separated by commas"`
	IncludeFields bool   `query:"include_fields" default:"true" doc:"Whether fields are those to show, or those to leave out"`
}

// of cuts a wire object down to the properties asked for, and those that are always there.
func (s Shown) of(wire map[string]any, always ...string) map[string]any {
	if s.Fields == "" {
		return wire
	}
	named := map[string]bool{}
	for name := range strings.SplitSeq(s.Fields, ",") {
		named[strings.TrimSpace(name)] = true
	}
	out := map[string]any{}
	for name, value := range wire {
		if named[name] == s.IncludeFields || slices.Contains(always, name) {
			out[name] = value
		}
	}
	return out
}

// truth reads an optional boolean parameter.
func truth(value string) *bool {
	switch value {
	case "true":
		yes := true
		return &yes
	case "false":
		no := false
		return &no
	}
	return nil
}

// split reads a parameter that may be given several times and may hold commas.
func split(values []string) []string {
	var out []string
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}
