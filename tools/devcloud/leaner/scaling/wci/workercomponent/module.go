// Package workercomponent stands in for the workflows by which Temporal starts workers in a cloud: here it has none.
package workercomponent

import "go.uber.org/fx"

// Module provides nothing.
var Module = fx.Options()
