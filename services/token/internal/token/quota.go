package token

import (
	"context"
	"errors"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Quota is how many tokens a client may get for itself (RFC 6749 §4.4), each UTC hour and each UTC day; zero: any number.
type Quota struct {
	PerHour, PerDay int64
	Enforced        bool // more are refused; else they are only told of
}

// The buckets of quotas.
const (
	BucketHour = "per_hour"
	BucketDay  = "per_day"
)

// Windows gives the quota's buckets at now, with nothing spent.
func (q Quota) Windows(now time.Time) []QuotaBucket {
	var out []QuotaBucket
	for _, w := range []struct {
		name  string
		limit int64
		life  time.Duration
	}{{BucketHour, q.PerHour, time.Hour}, {BucketDay, q.PerDay, 24 * time.Hour}} {
		if w.limit > 0 {
			began := now.UTC().Truncate(w.life)
			ends := began.Add(w.life)
			out = append(out, QuotaBucket{Name: w.name, Limit: w.limit, Left: w.limit, Began: began, Ends: ends, Reset: max(time.Second, (ends.Sub(now) + time.Second - 1).Truncate(time.Second))})
		}
	}
	return out
}

// QuotaBucket is how a bucket of a quota stands.
type QuotaBucket struct {
	Name        string
	Limit, Left int64
	Began, Ends time.Time
	Reset       time.Duration // until it is full again, in whole seconds, at least one
}

// Spending is a token that a client wants for itself.
type Spending struct {
	Tenant tenancy.Tenant
	Client *Client
	Quota  Quota
	Origin Origin
	Now    time.Time
}

// QuotaMeter counts the tokens that clients get for themselves, in memory: nobody waits for an engine there. What other processes of the
// cell counted is known within seconds.
type QuotaMeter interface {
	// Spend counts a token and gives how the buckets stand then. Where the quota is enforced and nothing is left, it counts nothing and
	// ok is false.
	Spend(s Spending) (buckets []QuotaBucket, ok bool)
	// Restore takes back what Spend counted, of a token that was not given.
	Restore(s Spending)
}

// QuotaCount is how many tokens a client got more, in one bucket.
type QuotaCount struct {
	ClientID, Bucket string
	Began, Ends      time.Time
	Tokens           int64 // negative: fewer
}

// QuotaStore keeps how many tokens clients got for themselves, each visible to its own tenant only.
type QuotaStore interface {
	// CountTokens adds to what is there, in one step, and gives what is there then, in the order of counts. No two counts may be of one
	// client and bucket.
	CountTokens(ctx context.Context, tenant tenancy.ID, counts []QuotaCount) ([]int64, error)
}

// Metered is a grant whose tokens are counted.
type Metered interface {
	// Spend counts a token before it is made, and gives how the quota stands, also beside fault.TooMany. restore takes it back.
	Spend(ctx context.Context, x Exchange) (buckets []QuotaBucket, restore func(), err error)
}

// errQuota marks the refusal of a token that the quota leaves no room for.
var errQuota = errors.New("the client's quota is exhausted")

// Spend implements Metered. The client's own quota counts before the tenant's default. One that cannot be found out holds nobody up.
func (g *ClientCredentials) Spend(ctx context.Context, x Exchange) ([]QuotaBucket, func(), error) {
	quota := x.Client.Quota
	if quota == nil {
		if settings, err := g.Config.FindSettings(ctx, x.Tenant.ID); err == nil {
			quota = settings.ClientQuota
		}
	}
	if quota == nil {
		return nil, func() {}, nil
	}
	s := Spending{Tenant: x.Tenant, Client: x.Client, Quota: *quota, Origin: x.Origin, Now: x.Now}
	buckets, ok := g.Quotas.Spend(s)
	if ok {
		return buckets, func() { g.Quotas.Restore(s) }, nil
	}
	f := fault.New(fault.KindTooMany, "too_many_requests", "Client quota exceeded").Because(errQuota)
	if full := Exhausted(buckets); full != nil {
		f.RetryAfter = full.Reset
	}
	return buckets, func() {}, f
}

// Exhausted gives the bucket for which a client has to wait longest; nil: none is empty.
func Exhausted(buckets []QuotaBucket) (longest *QuotaBucket) {
	for i := range buckets {
		if b := &buckets[i]; b.Left == 0 && (longest == nil || b.Ends.After(longest.Ends)) {
			longest = b
		}
	}
	return longest
}
