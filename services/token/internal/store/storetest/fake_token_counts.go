package storetest

import (
	"context"
	"maps"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

var _ token.QuotaStore = (*Fake)(nil)

// counted is one client's bucket.
type counted struct {
	tenant         tenancy.ID
	client, bucket string
	began          time.Time
}

type tally struct {
	tokens int64
	ends   time.Time
}

// CountTokens implements token.QuotaStore.
func (f *Fake) CountTokens(_ context.Context, tenant tenancy.ID, counts []token.QuotaCount) (totals []int64, err error) {
	err = f.do(func() error {
		for _, c := range counts {
			key := counted{tenant, c.ClientID, c.Bucket, c.Began}
			have := f.counts[key]
			have.tokens, have.ends = have.tokens+c.Tokens, c.Ends
			f.counts[key] = have
			totals = append(totals, have.tokens)
		}
		return nil
	})
	return totals, err
}

func (f *Fake) sweepTokenCounts(now time.Time) int {
	before := len(f.counts)
	maps.DeleteFunc(f.counts, func(_ counted, t tally) bool { return !now.Before(t.ends) })
	return before - len(f.counts)
}
