package client

import (
	"maps"
	"slices"
)

// Settings are properties by their wire names, as JSON values: string, bool, float64, []any, map[string]any. A property that is not
// set is not there; null is no value. The values are never changed in place.
type Settings map[string]any

// Has reports whether the property is set.
func (s Settings) Has(name string) bool { _, ok := s[name]; return ok }

// Text gives a string property; "" when it is not set.
func (s Settings) Text(name string) string { v, _ := s[name].(string); return v }

// Flag gives a boolean property; false when it is not set.
func (s Settings) Flag(name string) bool { v, _ := s[name].(bool); return v }

// Number gives an integer property; zero when it is not set.
func (s Settings) Number(name string) int64 {
	switch v := s[name].(type) {
	case float64:
		return int64(v)
	case int64:
		return v
	case int:
		return int64(v)
	}
	return 0
}

// Texts gives a list of strings; nil when it is not set.
func (s Settings) Texts(name string) []string {
	switch v := s[name].(type) {
	case []string:
		return v
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	return nil
}

// Group gives an object property; nil when it is not set.
func (s Settings) Group(name string) Settings {
	switch v := s[name].(type) {
	case map[string]any:
		return v
	case Settings:
		return v
	}
	return nil
}

// Groups gives a list of objects; nil when it is not set.
func (s Settings) Groups(name string) []Settings {
	list, _ := s[name].([]any)
	groups := make([]Settings, 0, len(list))
	for _, item := range list {
		if group, ok := item.(map[string]any); ok {
			groups = append(groups, group)
		}
	}
	return groups
}

// Clone gives a copy whose properties can be replaced.
func (s Settings) Clone() Settings {
	if s == nil {
		return Settings{}
	}
	return maps.Clone(s)
}

// Merged gives s with the properties of patch in their place; null deletes. Values are replaced whole, except those of the
// properties named in deep, which are merged one level themselves.
func (s Settings) Merged(patch Settings, deep ...string) Settings {
	out := s.Clone()
	for name, value := range patch {
		group := patch.Group(name)
		switch {
		case value == nil:
			delete(out, name)
		case group != nil && slices.Contains(deep, name):
			out[name] = map[string]any(out.Group(name).Merged(group))
		default:
			out[name] = value
		}
	}
	return out
}

// withoutNulls gives s without what is null in it, however deep: null is no value.
func (s Settings) withoutNulls() Settings {
	out, _ := withoutNulls(map[string]any(s)).(map[string]any)
	return out
}

func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			if item != nil {
				out[name] = withoutNulls(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = withoutNulls(item)
		}
		return out
	}
	return value
}

// withDefaults gives s with what it lacks taken from defaults.
func (s Settings) withDefaults(defaults Settings) Settings {
	out := s.Clone()
	for name, value := range defaults {
		if !out.Has(name) {
			out[name] = value
		}
	}
	return out
}

// list makes a JSON list of strings.
func list[T ~string](items ...T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = string(item)
	}
	return out
}
