// Package storage stands in for Google Cloud Storage, where Temporal could archive finished workflows: here they are dropped when
// their retention ends.
package storage

import (
	"context"
	"errors"

	"google.golang.org/api/option"
)

var errAbsent = errors.New("Google Cloud Storage is not in a dev cloud")

// ScopeFullControl is a permission that nobody asks for.
const ScopeFullControl = "https://www.googleapis.com/auth/devstorage.full_control"

// The names below are those that Temporal's archiver compiles against. NewClient fails, so none of the rest is ever reached.
type (
	// Client would reach the service.
	Client struct{}
	// BucketHandle would name a bucket.
	BucketHandle struct{}
	// ObjectHandle would name an object.
	ObjectHandle struct{}
	// ObjectIterator would list objects.
	ObjectIterator struct{}
	// Query would pick some of them.
	Query struct{ Prefix string }
	// BucketAttrs would describe a bucket.
	BucketAttrs struct{}
	// ObjectAttrs would describe an object.
	ObjectAttrs struct{ Name string }
	// Writer would write an object.
	Writer struct{}
	// Reader would read one.
	Reader struct{}
)

// Errors that the service would give.
var (
	ErrBucketNotExist = errAbsent
	ErrObjectNotExist = errAbsent
)

// NewClient says that there is no such service.
func NewClient(context.Context, ...option.ClientOption) (*Client, error) { return nil, errAbsent }

// Bucket names a bucket.
func (*Client) Bucket(string) *BucketHandle { return &BucketHandle{} }

// Object names an object.
func (*BucketHandle) Object(string) *ObjectHandle { return &ObjectHandle{} }

// Objects lists none.
func (*BucketHandle) Objects(context.Context, *Query) *ObjectIterator { return &ObjectIterator{} }

// Attrs says that there is no such service.
func (*BucketHandle) Attrs(context.Context) (*BucketAttrs, error) { return nil, errAbsent }

// NewWriter gives a writer that fails.
func (*ObjectHandle) NewWriter(context.Context) *Writer { return &Writer{} }

// NewReader says that there is no such service.
func (*ObjectHandle) NewReader(context.Context) (*Reader, error) { return nil, errAbsent }

// Attrs says that there is no such service.
func (*ObjectHandle) Attrs(context.Context) (*ObjectAttrs, error) { return nil, errAbsent }

// Next says that there is no such service.
func (*ObjectIterator) Next() (*ObjectAttrs, error) { return nil, errAbsent }

// Write says that there is no such service.
func (*Writer) Write([]byte) (int, error) { return 0, errAbsent }

// Close says that there is no such service.
func (*Writer) Close() error { return errAbsent }

// CloseWithError says that there is no such service.
func (*Writer) CloseWithError(error) error { return errAbsent }

// Read says that there is no such service.
func (*Reader) Read([]byte) (int, error) { return 0, errAbsent }

// Close does nothing.
func (*Reader) Close() error { return nil }
