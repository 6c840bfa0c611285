// Package migrations holds the schema of the user service, oldest first.
package migrations

import "embed"

// FS are the goose migrations.
//
//go:embed *.sql
var FS embed.FS
