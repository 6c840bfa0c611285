// Package discover stands in for the finding of cluster peers through a cloud's API: here there are no peers.
package discover

import (
	"errors"
	"log"
)

var errAbsent = errors.New("finding peers through a cloud is not in a dev cloud")

// Provider finds addresses in one cloud.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty.
var Providers = map[string]Provider{}

// Discover finds nothing.
type Discover struct{}

// Option is taken and ignored.
type Option func(*Discover) error

// New gives a Discover that finds nothing.
func New(...Option) (*Discover, error) { return &Discover{}, nil }

// WithProviders is ignored.
func WithProviders(map[string]Provider) Option { return func(*Discover) error { return nil } }

// Addrs says that it cannot.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errAbsent }

// Config is what Parse would give.
type Config map[string]string

// Parse says that it cannot.
func Parse(string) (Config, error) { return nil, errAbsent }

// String is empty, as every Config here is.
func (Config) String() string { return "" }
