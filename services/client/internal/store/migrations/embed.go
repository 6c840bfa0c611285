// Package migrations is the schema of the client service, step by step.
package migrations

import "embed"

// FS holds the steps, in goose's form.
//
//go:embed *.sql
var FS embed.FS
