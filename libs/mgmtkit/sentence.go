package mgmtkit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

const (
	invalidBody  = "invalid_body"
	invalidQuery = "invalid_query_string"
	invalidURI   = "invalid_uri"
)

// maxEcho bounds how much of a refused value an answer repeats, in bytes.
const maxEcho = 100

// first gives the detail that the answer names: the first in the order of declaration, and of the properties that are not declared
// at all (huma finds those in no order) the first by name.
func first(details []*huma.ErrorDetail) *huma.ErrorDetail {
	best := details[0]
	for _, d := range details[1:] {
		switch strange, bestStrange := isStranger(d), isStranger(best); {
		case bestStrange && !strange, bestStrange && d.Location < best.Location:
			best = d
		}
	}
	return best
}

func isStranger(d *huma.ErrorDetail) bool {
	return d.Message == "unexpected property" || d.Message == "unknown query parameter"
}

// sentence gives the wire's message and code for what huma found: the place, what is wrong, the property's path and its
// description. What is wrong with an object as a whole (a property missing, one too many) is said of the object; of the outermost
// one, without a path.
func sentence(d *huma.ErrorDetail, s schemas) (msg, code string) {
	place, path, _ := strings.Cut(d.Location, ".")
	what := d.Message
	switch {
	case strings.HasPrefix(what, "expected required property "):
		what = "Missing required property: " + strings.TrimSuffix(strings.TrimPrefix(what, "expected required property "), " to be present")
	case isStranger(d):
		parent, name := "", path
		if i := strings.LastIndexByte(path, '.'); i >= 0 && place == "body" {
			parent, name = path[:i], path[i+1:]
		}
		path, what = parent, "Additional properties not allowed: "+clip(name)
	case strings.HasPrefix(what, "json: "): // Go's words, and its type names
		what = "Invalid value"
	default:
		what = plain(d, path)
	}
	on := ""
	if path != "" {
		on = " on property " + clip(path)
		if doc := s.describe(place, path); doc != "" {
			on += " (" + doc + ")"
		}
	}
	switch place {
	case "query":
		return fmt.Sprintf("Query validation error: '%s'%s.", what, on), invalidQuery
	case "path":
		return fmt.Sprintf("Path validation error: '%s'%s.", what, on), invalidURI
	case "header", "cookie":
		return fmt.Sprintf("Headers validation error: '%s'%s.", what, on), "invalid_headers"
	}
	return fmt.Sprintf("Payload validation error: '%s'%s.", what, on), invalidBody
}

// types are huma's words for a value of another type, with the type that was due.
var types = map[string]string{
	"expected boolean": "boolean", "expected number": "number", "expected integer": "integer", "expected string": "string",
	"expected array": "array", "expected object": "object", "invalid integer": "integer", "invalid boolean": "boolean",
	"invalid float": "number", "invalid floating value": "number",
}

// formats are the beginnings of huma's words for a string that is not of a format, with the format's name.
var formats = []struct{ begins, name string }{
	{"expected string to be RFC 5322 email", "email"},
	{"expected string to be RFC 3986 uri", "uri"},
	{"expected string to be RFC 4122 uuid", "uuid"},
	{"expected string to be RFC 3339 date-time", "date-time"},
	{"expected string to be RFC 3339 date", "date"},
	{"expected string to be RFC 3339 time", "time"},
	{"expected string to be RFC 5890 hostname", "hostname"},
	{"expected string to be RFC 2673 ipv4", "ipv4"},
	{"expected string to be RFC 2373 ipv6", "ipv6"},
	{"expected string to be either RFC 2673 ipv4", "ip-address"},
	{"expected string to be regex", "regex"},
	{"expected string to be base64 encoded", "base64"},
	{"expected duration", "duration"},
	{"expected string to be ", ""}, // the declaration's own name: patternDescription
}

// plain says of one value what is wrong with it.
func plain(d *huma.ErrorDetail, path string) string {
	what := d.Message
	if due, ok := types[what]; ok {
		return "Expected type " + due + " but found type " + typeOf(d.Value)
	}
	for _, f := range formats {
		if rest, ok := strings.CutPrefix(what, f.begins); ok {
			if f.name == "" {
				return "Object didn't pass validation for format " + rest + echo(d.Value, path)
			}
			return "Object didn't pass validation for format " + f.name + echo(d.Value, path)
		}
	}
	for _, m := range []struct{ begins, form string }{
		{"expected string to match pattern ", "String does not match pattern %s" + echo(d.Value, path)},
		{"expected length >= ", fmt.Sprintf("String is too short (%d chars), minimum ", length(d.Value)) + "%s"},
		{"expected length <= ", fmt.Sprintf("String is too long (%d chars), maximum ", length(d.Value)) + "%s"},
		{"expected array length >= ", fmt.Sprintf("Array is too short (%d), minimum ", length(d.Value)) + "%s"},
		{"expected array length <= ", fmt.Sprintf("Array is too long (%d), maximum ", length(d.Value)) + "%s"},
		{"expected number >= ", "Value " + text(d.Value) + " is less than minimum %s"},
		{"expected number > ", "Value " + text(d.Value) + " is equal or less than exclusive minimum %s"},
		{"expected number <= ", "Value " + text(d.Value) + " is greater than maximum %s"},
		{"expected number < ", "Value " + text(d.Value) + " is equal or greater than exclusive maximum %s"},
		{"expected number to be a multiple of ", "Value " + text(d.Value) + " is not a multiple of %s"},
	} {
		if bound, ok := strings.CutPrefix(what, m.begins); ok {
			if n, err := strconv.ParseFloat(bound, 64); err == nil {
				bound = strconv.FormatFloat(n, 'f', -1, 64) // huma writes large ones with an exponent
			}
			return strings.Replace(m.form, "%s", bound, 1)
		}
	}
	switch {
	case strings.HasPrefix(what, "expected value to be one of "):
		if e := echo(d.Value, path); e != "" {
			return "No enum match for" + e
		}
		return "No enum match"
	case strings.HasPrefix(what, "expected array items to be unique"):
		i, j := twins(d.Value)
		return fmt.Sprintf("Array items are not unique (indexes %d and %d)", i, j)
	case strings.HasPrefix(what, "expected object with at least "):
		return fmt.Sprintf("Too few properties defined (%d), minimum %s", length(d.Value), number(what))
	case strings.HasPrefix(what, "expected object with at most "):
		return fmt.Sprintf("Too many properties defined (%d), maximum %s", length(d.Value), number(what))
	case strings.Contains(what, "schema"):
		return "No valid schema matches the value"
	}
	what = strings.TrimSuffix(what, ".")
	if what == "" {
		return "Invalid value"
	}
	return strings.ToUpper(what[:1]) + what[1:]
}

// echo repeats a refused value, unless the property is one whose values are nobody's to see.
func echo(v any, path string) string {
	name := path
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	name, _, _ = strings.Cut(name, "[")
	if isSecret(name) {
		return ""
	}
	return ": " + text(v)
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return clip(s)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return clip(string(raw))
}

func clip(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	cut := maxEcho
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func length(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 0
}

// twins gives the indexes of the first two items that are the same.
func twins(v any) (i, j int) {
	items, _ := v.([]any)
	for j = range items {
		for i = range j {
			if reflect.DeepEqual(items[i], items[j]) {
				return i, j
			}
		}
	}
	return 0, 0
}

// number gives the number in a sentence.
func number(s string) string {
	for word := range strings.FieldsSeq(s) {
		if _, err := strconv.Atoi(word); err == nil {
			return word
		}
	}
	return ""
}

// schemas finds descriptions in an operation's declaration.
type schemas struct {
	op       *huma.Operation
	registry huma.Registry
}

type registryKey struct{}

// schemasOf gives what the request in ctx was held against; ctx may be nil.
func schemasOf(ctx huma.Context) schemas {
	if ctx == nil {
		return schemas{}
	}
	registry, _ := ctx.Context().Value(registryKey{}).(huma.Registry)
	return schemas{op: ctx.Operation(), registry: registry}
}

// describe gives the description of a property or parameter; empty when it has none.
func (s schemas) describe(place, path string) string {
	if s.op == nil || s.registry == nil {
		return ""
	}
	if place != "body" {
		for _, p := range s.op.Parameters {
			if p.In == place && p.Name == path {
				return p.Description
			}
		}
		return ""
	}
	if s.op.RequestBody == nil || s.op.RequestBody.Content["application/json"] == nil {
		return ""
	}
	at := s.op.RequestBody.Content["application/json"].Schema
	for name := range strings.SplitSeq(path, ".") {
		name, _, isItem := strings.Cut(name, "[")
		at = s.resolve(at)
		if at == nil {
			return ""
		}
		at = at.Properties[name]
		if target := s.resolve(at); isItem && target != nil {
			at = target.Items
		}
	}
	if at == nil {
		return ""
	}
	return strings.TrimSuffix(at.Description, ".")
}

func (s schemas) resolve(at *huma.Schema) *huma.Schema {
	for at != nil && at.Ref != "" {
		at = s.registry.SchemaFromRef(at.Ref)
	}
	return at
}
