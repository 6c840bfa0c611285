// Package clock gives time as a value, so that the domain never asks the machine and tests decide what time it is.
package clock

import (
	"sync"
	"time"
)

// Now tells the time. time.Now in production, Fake.Now in tests.
type Now func() time.Time

// Fake is a clock that stands still until it is moved. Safe for concurrent use.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// At makes a Fake that shows the RFC 3339 time; it panics on anything else, being for tests.
func At(rfc3339 string) *Fake {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		panic(err)
	}
	return &Fake{now: t}
}

// Now tells the time the clock shows.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock forward by d.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}
