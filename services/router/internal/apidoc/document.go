package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/postern-id/postern/libs/tenancy"
)

// Document is a joined description. It is never changed.
type Document struct {
	rest []byte // the members of the JSON object but servers, without its opening brace
	page []byte // what the page says of the operations
}

func newDocument(whole object) (*Document, error) {
	raw, err := json.Marshal(whole)
	if err != nil {
		return nil, fmt.Errorf("writing the description: %w", err)
	}
	page, err := renderOperations(raw)
	if err != nil {
		return nil, err
	}
	return &Document{rest: raw[1:], page: page}, nil
}

// JSON is the OpenAPI document for who asked t. All that it holds of the tenant is the URL that was asked.
func (d *Document) JSON(t tenancy.Tenant) ([]byte, error) {
	servers, err := json.Marshal([]object{{"url": t.Base}})
	if err != nil {
		return nil, fmt.Errorf("writing the description: %w", err)
	}
	return bytes.Join([][]byte{[]byte(`{"servers":`), servers, []byte(`,`), d.rest}, nil), nil
}
