package quota

import (
	"sync"
	"time"

	"github.com/postern-id/postern/services/token/internal/token"
)

// counter is one client's.
type counter struct {
	mu      sync.Mutex
	last    token.Spending
	buckets map[string]*bucket
	waiting bool // to be added up
}

// bucket is an hour's or a day's. What it has is known + moving + own.
type bucket struct {
	began  time.Time
	known  int64 // when it was last added up
	moving int64 // being added up
	own    int64 // not yet
}

// addition is what a bucket has more.
type addition struct {
	key     key
	counter *counter
	count   token.QuotaCount
	last    token.Spending
}

// count counts n tokens in each of the windows and writes into them how they stand. Where one is enforced and full it counts nothing; what is taken
// back always counts. changed says that the counter has to be added up from now on.
func (c *counter) count(s token.Spending, windows []token.QuotaBucket, n int64) (ok, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ok = true
	in := make([]*bucket, len(windows))
	for i := range windows {
		w := &windows[i]
		b := c.bucket(*w)
		in[i] = b
		w.Left = max(0, w.Limit-b.total())
		ok = ok && (w.Left > 0 || !s.Quota.Enforced)
	}
	if !ok && n > 0 {
		return false, false
	}
	if !s.Now.Before(c.last.Now) {
		c.last = s
	}
	for i := range windows {
		b := in[i]
		b.own += n
		windows[i].Left = max(0, windows[i].Limit-b.total())
	}
	changed = !c.waiting
	c.waiting = true
	return true, changed
}

func (b *bucket) total() int64 { return b.known + b.moving + b.own }

// bucket gives the one of the window. What is not added up of a window that is over is of no use to anybody; nor is what comes late to
// it, such as a token of the last second that was not given: it must not push out the window of now.
func (c *counter) bucket(w token.QuotaBucket) *bucket {
	b := c.buckets[w.Name]
	if b != nil && w.Began.Before(b.began) {
		return &bucket{began: w.Began}
	}
	if b == nil || !b.began.Equal(w.Began) {
		b = &bucket{began: w.Began}
		if c.buckets == nil {
			c.buckets = map[string]*bucket{}
		}
		c.buckets[w.Name] = b
	}
	return b
}

// take gives what is to be added up.
func (c *counter) take(k key) (out []addition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
	for _, w := range c.last.Quota.Windows(c.last.Now) {
		b := c.buckets[w.Name]
		if b == nil || !b.began.Equal(w.Began) || b.own == 0 {
			continue
		}
		b.moving, b.own = b.own, 0
		count := token.QuotaCount{ClientID: k.client, Bucket: w.Name, Began: w.Began, Ends: w.Ends, Tokens: b.moving}
		out = append(out, addition{key: k, counter: c, count: count, last: c.last})
	}
	return out
}

// learn takes the total over that what was given out has become a part of.
func (c *counter) learn(count token.QuotaCount, total int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.buckets[count.Bucket]; b != nil && b.began.Equal(count.Began) {
		b.known, b.moving = total, 0
	}
}

func (c *counter) giveBack(count token.QuotaCount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = true
	if b := c.buckets[count.Bucket]; b != nil && b.began.Equal(count.Began) {
		b.own, b.moving = b.own+b.moving, 0
	}
}
