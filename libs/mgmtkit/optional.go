package mgmtkit

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Optional is a property that a PATCH may leave out, set, or set to null (which deletes it).
type Optional[T any] struct {
	Sent  bool // the property was there
	Null  bool // and was null
	Value T
}

// UnmarshalJSON implements json.Unmarshaler; it is only called when the property is there.
func (o *Optional[T]) UnmarshalJSON(b []byte) error {
	*o = Optional[T]{Sent: true} // nothing stays of what was there before
	if bytes.Equal(b, []byte("null")) {
		o.Null = true
		return nil
	}
	return json.Unmarshal(b, &o.Value)
}

// MarshalJSON implements json.Marshaler, for the audit log.
func (o Optional[T]) MarshalJSON() ([]byte, error) {
	if !o.Sent || o.Null {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// IsZero makes `omitzero` leave out what was not sent.
func (o Optional[T]) IsZero() bool { return !o.Sent }

// Schema implements huma.SchemaProvider: T's schema, or null.
func (o Optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	s.Nullable = true
	return &s
}

// Set gives the value to use: Value when it was sent and not null, else old.
func (o Optional[T]) Set(old T) T {
	if !o.Sent {
		return old
	}
	return o.Value
}
