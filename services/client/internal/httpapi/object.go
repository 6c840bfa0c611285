package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

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
	if why := unstorable(map[string]any(s), 1); why != "" {
		return nil, fault.Invalid("invalid_body", "Payload validation error: '"+why+"'.")
	}
	return s, nil
}

// maxDepth bounds how deep objects and arrays nest. PostgreSQL's own bound depends on its stack, and is no refusal but a failure.
const maxDepth = 32

// unstorable says why a value cannot be kept; "" when it can.
func unstorable(value any, depth int) string {
	if depth > maxDepth {
		return fmt.Sprintf("Nested too deep, maximum %d", maxDepth)
	}
	switch v := value.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return "The character U+0000 is not allowed" // no text in PostgreSQL has it
		}
	case []any:
		for _, item := range v {
			if why := unstorable(item, depth+1); why != "" {
				return why
			}
		}
	case map[string]any:
		for name, item := range v {
			if why := cmp.Or(unstorable(name, depth), unstorable(item, depth+1)); why != "" {
				return why
			}
		}
	}
	return ""
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
