package mgmtkit

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
)

// record is what the door knows of a call, and what the operation notes about itself while it runs, for the audit log.
type record struct {
	op        Op
	described *huma.Operation
	registry  huma.Registry
	body      *keptBody        // of a write
	problem   *httpkit.Problem // what a refused call was answered with
	revealed  bool
	secrets   []string // names of the secrets that the answer holds
}

type recordKey struct{}

// recordOf gives the record of the operation in ctx; never nil.
func recordOf(ctx context.Context) *record {
	if r, ok := ctx.Value(recordKey{}).(*record); ok {
		return r
	}
	return &record{}
}

// Revealed notes that the answer of this read holds secrets, by the names of their properties ("client_secret"), so that the read is
// audited (mgmt_api_read). Call it from the operation's own goroutine before it returns, when and only when the answer has them; more
// calls add names. Op.Reveals says the same of every call of an operation. In a write it changes nothing, since writes are audited.
func Revealed(ctx context.Context, secrets ...string) {
	r := recordOf(ctx)
	r.revealed = true
	for _, name := range secrets {
		if !slices.Contains(r.secrets, name) {
			r.secrets = append(r.secrets, name)
		}
	}
}

// Recorder keeps audit lines that belong to no change: reads that revealed secrets, and writes that were refused.
type Recorder interface {
	// Record stores the line of an act of tenant for good before it returns. A failure is Unavailable or Internal.
	Record(ctx context.Context, tenant tenancy.ID, act audit.Act) error
}
