package apidoc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// schema is what the page shows of a JSON schema.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 oneOrMany          `json:"type"`
	Format               string             `json:"format"`
	Description          string             `json:"description"`
	Enum                 []any              `json:"enum"`
	Default              any                `json:"default"`
	Pattern              string             `json:"pattern"`
	Minimum              *float64           `json:"minimum"`
	Maximum              *float64           `json:"maximum"`
	ExclusiveMinimum     *float64           `json:"exclusiveMinimum"`
	ExclusiveMaximum     *float64           `json:"exclusiveMaximum"`
	MultipleOf           *float64           `json:"multipleOf"`
	MinLength            *int               `json:"minLength"`
	MaxLength            *int               `json:"maxLength"`
	MinItems             *int               `json:"minItems"`
	MaxItems             *int               `json:"maxItems"`
	UniqueItems          bool               `json:"uniqueItems"`
	MinProperties        *int               `json:"minProperties"`
	MaxProperties        *int               `json:"maxProperties"`
	Items                *schema            `json:"items"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	AdditionalProperties schemaOrBool       `json:"additionalProperties"`
	OneOf                []*schema          `json:"oneOf"`
	AnyOf                []*schema          `json:"anyOf"`
}

// oneOrMany is a word or a list of words.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// schemaOrBool is a schema, or nil for a plain yes or no.
type schemaOrBool struct{ *schema }

// UnmarshalJSON implements json.Unmarshaler.
func (s *schemaOrBool) UnmarshalJSON(b []byte) error {
	var yes bool
	if json.Unmarshal(b, &yes) == nil {
		return nil
	}
	return json.Unmarshal(b, &s.schema)
}

// Row is one property or parameter on the page.
type Row struct {
	Name     string // with its place: "jwt_configuration.alg", "callbacks[]"
	In       string // of a parameter: path, query or header
	Type     string
	Required bool
	Bounds   []string
	Doc      string
}

// maxDepth is how far the page looks into objects.
const maxDepth = 6

// book gives schemas by name.
type book map[string]*schema

func (b book) resolve(s *schema) *schema {
	for range maxDepth {
		if s == nil || s.Ref == "" {
			return s
		}
		s = b[strings.TrimPrefix(s.Ref, schemaRef)]
	}
	return nil
}

// rows lists the properties of s with those of the objects in it; of what is no object it is one row without a name.
func (b book) rows(s *schema) []Row {
	s = b.resolve(s)
	if s == nil {
		return nil
	}
	if inner, _ := b.inner(s, ""); inner == nil {
		if len(s.Type) == 0 && len(s.OneOf) == 0 && len(s.AnyOf) == 0 {
			return nil // anything: nothing to say
		}
		return []Row{b.row("", s, true)}
	}
	return b.below("", s, 0)
}

func (b book) below(prefix string, s *schema, depth int) []Row {
	s, prefix = b.inner(s, prefix)
	if s == nil || depth == maxDepth {
		return nil
	}
	if prefix != "" {
		prefix += "."
	}
	var out []Row
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		property := b.resolve(s.Properties[name])
		if property == nil {
			continue
		}
		row := b.row(prefix+name, property, slices.Contains(s.Required, name))
		if doc := s.Properties[name].Description; doc != "" {
			row.Doc = doc
		}
		out = append(out, row)
		out = append(out, b.below(prefix+name, property, depth+1)...)
	}
	return out
}

// inner gives the object with properties in s: itself, its items, or its values.
func (b book) inner(s *schema, prefix string) (*schema, string) {
	for range maxDepth {
		s = b.resolve(s)
		switch {
		case s == nil:
			return nil, ""
		case len(s.Properties) > 0:
			return s, prefix
		case s.Items != nil:
			s, prefix = s.Items, prefix+"[]"
		case s.AdditionalProperties.schema != nil:
			s, prefix = s.AdditionalProperties.schema, prefix+".*"
		default:
			return nil, ""
		}
	}
	return nil, ""
}

func (b book) row(name string, s *schema, required bool) Row {
	return Row{Name: name, Type: b.typeName(s), Required: required, Bounds: b.bounds(s), Doc: s.Description}
}

func (b book) typeName(s *schema) string {
	s = b.resolve(s)
	if s == nil {
		return "any"
	}
	var names []string
	for _, t := range s.Type {
		switch {
		case t == "array" && s.Items != nil:
			t = "array of " + b.typeName(s.Items)
		case t == "object" && len(s.Properties) == 0 && s.AdditionalProperties.schema != nil:
			t = "map of " + b.typeName(s.AdditionalProperties.schema)
		case t == "string" && s.Format != "":
			t = "string (" + s.Format + ")"
		}
		names = append(names, t)
	}
	for _, other := range slices.Concat(s.OneOf, s.AnyOf) {
		if t := b.typeName(other); !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	if len(names) == 0 {
		return "any"
	}
	return strings.Join(names, " or ")
}

func (b book) bounds(s *schema) []string {
	var out []string
	out = append(out, between("length", s.MinLength, s.MaxLength)...)
	out = append(out, between("items", s.MinItems, s.MaxItems)...)
	out = append(out, between("properties", s.MinProperties, s.MaxProperties)...)
	for _, bound := range []struct {
		sign  string
		value *float64
	}{{"≥", s.Minimum}, {">", s.ExclusiveMinimum}, {"≤", s.Maximum}, {"<", s.ExclusiveMaximum}, {"multiple of", s.MultipleOf}} {
		if bound.value != nil {
			out = append(out, bound.sign+" "+strconv.FormatFloat(*bound.value, 'f', -1, 64))
		}
	}
	if s.UniqueItems {
		out = append(out, "no item twice")
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = literal(v)
		}
		out = append(out, "one of "+strings.Join(words, ", "))
	}
	if s.Pattern != "" {
		out = append(out, "matches "+s.Pattern)
	}
	if s.Default != nil {
		out = append(out, "default "+literal(s.Default))
	}
	if items := b.resolve(s.Items); items != nil && len(items.Properties) == 0 {
		for _, bound := range b.bounds(items) {
			out = append(out, "each: "+bound)
		}
	}
	return out
}

// between says how much of something there may be.
func between(what string, least, most *int) []string {
	switch {
	case least != nil && most != nil && *least == *most:
		return []string{fmt.Sprintf("%s %d", what, *least)}
	case least != nil && most != nil:
		return []string{fmt.Sprintf("%s %d to %d", what, *least, *most)}
	case least != nil:
		return []string{fmt.Sprintf("%s at least %d", what, *least)}
	case most != nil:
		return []string{fmt.Sprintf("%s at most %d", what, *most)}
	}
	return nil
}

// literal writes a value as in JSON, a word without its quotes.
func literal(v any) string {
	if s, ok := v.(string); ok && s != "" {
		return s
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(raw)
}
