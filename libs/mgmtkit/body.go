package mgmtkit

import (
	"bytes"
	"encoding/json"
	"maps"

	"github.com/danielgtaylor/huma/v2"
)

// twiceError is a body in which an object has a property twice, by its name. Readers differ in which one counts, so that what was checked
// could be another value than what is used (RFC 8259 §4).
type twiceError struct{ name string }

// Error implements error.
func (e *twiceError) Error() string { return twice + e.name }

const twice = "property sent twice: "

// strictJSON are huma's formats with bodies read strictly.
func strictJSON(formats map[string]huma.Format) map[string]huma.Format {
	out := maps.Clone(formats)
	for name, format := range out {
		read := format.Unmarshal
		format.Unmarshal = func(data []byte, v any) error {
			if err := read(data, v); err != nil {
				return err
			}
			if _, checked := v.(*any); !checked { // huma reads every body into an any first, to check it, then into the input
				return nil
			}
			return refuseTwice(data)
		}
		out[name] = format
	}
	return out
}

// refuseTwice gives a twiceError for the first property that its object has already. data is well-formed.
func refuseTwice(data []byte) error {
	type level struct {
		names map[string]bool // nil: a list
		value bool            // the next token of an object is a value
	}
	var stack []level
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	for {
		token, err := dec.Token()
		if err != nil {
			return nil //nolint:nilerr // the end: data is well-formed
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if len(stack) > 0 {
			if top := &stack[len(stack)-1]; top.names != nil {
				if name, ok := token.(string); ok && !top.value {
					if top.names[name] {
						return &twiceError{name}
					}
					top.names[name], top.value = true, true
					continue
				}
				top.value = false
			}
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{names: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}
