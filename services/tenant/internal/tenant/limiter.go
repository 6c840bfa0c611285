package tenant

import (
	"sync"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
)

// The limits per caller's address and e-mail together: guessing passwords for one person is slowed, and a guesser elsewhere does not
// lock that person out.
const (
	signUpBurst = 60
	signUpEvery = time.Second
	signInBurst = 10
	signInEvery = 6 * time.Second
)

// The limits per caller's address, whoever they say they are: signing up in bulk, and trying one password on many people.
const (
	bulkSignUpBurst = 300
	bulkSignUpEvery = time.Second
	bulkSignInBurst = 100
	bulkSignInEvery = 2 * time.Second
)

// limits are what one kind of attempt is held by.
type limits struct{ person, bulk *limiter }

// take spends an attempt of email from ip; TooMany when none is left. An unknown ip ("") is held by the e-mail alone.
func (l limits) take(ip, email string) error {
	if ip != "" {
		if err := l.bulk.take(ip); err != nil {
			return err
		}
	}
	return l.person.take(ip + "\x00" + email)
}

// giveBack undoes one take.
func (l limits) giveBack(ip, email string) {
	if ip != "" {
		l.bulk.giveBack(ip)
	}
	l.person.giveBack(ip + "\x00" + email)
}

// maxBuckets bounds a limiter's memory. A flood of new keys beyond it empties the limiter, which is no worse than starting anew.
const maxBuckets = 100_000

// limiter is a token bucket a key, in this process's memory only. Safe for concurrent use.
type limiter struct {
	burst float64
	every time.Duration // one more attempt
	now   clock.Now

	mu      sync.Mutex
	buckets map[string]bucket
	swept   time.Time
}

type bucket struct {
	left float64
	at   time.Time
}

func newLimiter(burst int, every time.Duration, now clock.Now) *limiter {
	return &limiter{burst: float64(burst), every: every, now: now, buckets: map[string]bucket{}, swept: now()}
}

// take spends an attempt of key; TooMany when none is left.
func (l *limiter) take(key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.sweep(now)
	left := l.leftOf(key, now)
	if left < 1 {
		f := fault.New(fault.KindTooMany, "too_many_attempts", "Too many attempts. Try again later")
		f.RetryAfter = max(time.Second, time.Duration((1-left)*float64(l.every)))
		return f
	}
	l.buckets[key] = bucket{left: left - 1, at: now}
	return nil
}

// giveBack undoes one take.
func (l *limiter) giveBack(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.buckets[key] = bucket{left: min(l.burst, l.leftOf(key, now)+1), at: now}
}

func (l *limiter) leftOf(key string, now time.Time) float64 {
	b, ok := l.buckets[key]
	if !ok {
		return l.burst
	}
	return min(l.burst, b.left+float64(now.Sub(b.at))/float64(l.every))
}

// sweep forgets the keys whose buckets are full again.
func (l *limiter) sweep(now time.Time) {
	full := time.Duration(l.burst) * l.every
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
	if now.Sub(l.swept) < full {
		return
	}
	l.swept = now
	for key, b := range l.buckets {
		if now.Sub(b.at) >= full {
			delete(l.buckets, key)
		}
	}
}
