// Package limit holds one token bucket a tenant, bounded in memory. It decides; the edge renders.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/tenancy"
)

// maxBuckets bounds the memory: beyond it, buckets that are full again (and so remember nothing) are dropped.
const maxBuckets = 100_000

// sweepWait is the least time between two looks for such buckets, since all requests wait meanwhile.
const sweepWait = time.Second

// Limiter holds the buckets. Safe for concurrent use.
type Limiter struct {
	perSecond rate.Limit
	burst     int
	now       clock.Now

	mu      sync.Mutex
	buckets map[tenancy.ID]*rate.Limiter
	swept   time.Time
}

// New makes a limiter of so many requests a second and tenant, with bursts. Zero perSecond means no limit.
func New(perSecond float64, burst int, now clock.Now) *Limiter {
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, now: now, buckets: map[tenancy.ID]*rate.Limiter{}}
}

// Verdict is what the edge tells a caller about the bucket.
type Verdict struct {
	Allowed   bool
	Limit     int
	Remaining int
	Reset     time.Time     // when at least one request is allowed again
	Wait      time.Duration // until then; zero when one is allowed now
}

// Take takes one request of the tenant's. ok is false when there is no limit to speak of.
func (l *Limiter) Take(tenant tenancy.ID) (v Verdict, ok bool) {
	if l.perSecond == 0 {
		return Verdict{Allowed: true}, false
	}
	now := l.now()
	b := l.bucket(tenant, now)
	v = Verdict{Allowed: b.AllowN(now, 1), Limit: l.burst}
	tokens := b.TokensAt(now)
	v.Remaining = max(0, int(tokens))
	v.Reset = now
	if tokens < 1 {
		v.Wait = time.Duration((1 - tokens) / float64(l.perSecond) * float64(time.Second))
		v.Reset = now.Add(v.Wait)
	}
	return v, true
}

func (l *Limiter) bucket(tenant tenancy.ID, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[tenant]
	if ok {
		return b
	}
	if len(l.buckets) >= maxBuckets && now.Sub(l.swept) >= sweepWait {
		l.swept = now
		for id, old := range l.buckets {
			if old.TokensAt(now) >= float64(l.burst) {
				delete(l.buckets, id)
			}
		}
	}
	b = rate.NewLimiter(l.perSecond, l.burst)
	l.buckets[tenant] = b
	return b
}
