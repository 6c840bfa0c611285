// Package limit holds back who tries too often, in this process's memory alone: a few processes let through a few times as much, which
// is still far from enough to guess anything.
package limit

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// maxKeys bounds the memory; past it, who came longest ago starts anew.
const maxKeys = 100_000

// Limiter is a token bucket a key. Safe for concurrent use.
type Limiter struct {
	burst   int
	every   time.Duration
	now     clock.Now
	buckets *lru.Cache[string, *rate.Limiter]
}

var _ token.Limiter = (*Limiter)(nil)

// New makes one that lets so many tries through at once, and one more each time every has passed.
func New(burst int, every time.Duration, now clock.Now) *Limiter {
	buckets, err := lru.New[string, *rate.Limiter](maxKeys)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Limiter{burst: burst, every: every, now: now, buckets: buckets}
}

// Take implements token.Limiter.
func (l *Limiter) Take(key string) error {
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(rate.Every(l.every), l.burst)
		if before, there, _ := l.buckets.PeekOrAdd(key, bucket); there {
			bucket = before
		}
	}
	if !bucket.AllowN(l.now(), 1) {
		return fault.New(fault.KindTooMany, "too_many_requests", "Too many requests. Try again in a while.")
	}
	return nil
}
