package edge

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// refusal is why the edge answers itself.
type refusal struct {
	tenant tenancy.ID // whose host was asked; empty when nobody's
	err    error
}

type refusalKey struct{}

func withRefusal(ctx context.Context, r refusal) context.Context {
	return context.WithValue(ctx, refusalKey{}, r)
}
