package token

import (
	"context"
	"errors"
	"sync"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/tenancy"
)

// Messages are told many at a time, since most of the time of each is a client's, and few of one tenant at a time: clients that do not
// answer keep those of another tenant waiting only when there are more than tellingHands/tellingShare tenants of such.
const (
	tellingHands = 256
	tellingBatch = 32
	tellingShare = 8
)

// Teller tells clients of the ends of sessions, until they have heard it or a day has passed. Several may be at it. Safe for concurrent use.
type Teller struct {
	Queue  LogoutQueue
	Config Configuration
	Issuer *Issuer
	Sender LogoutSender
	Now    clock.Now

	once  sync.Once
	freed chan struct{}
	all   sync.WaitGroup

	mu     sync.Mutex
	under  map[tenancy.ID]int // messages that are being told
	busy   int                // the sum of those
	failed []error
}

func (t *Teller) setUp() {
	t.once.Do(func() { t.freed, t.under = make(chan struct{}, 1), map[tenancy.ID]int{} })
}

// Tell takes what is due, as far as hands are free, begins to tell it, and gives how many messages that were; it waits for no client. An
// error is one of our own, of this call or of what earlier ones began: what clients do is in the tenants' logs. What is under way ends
// with ctx.
func (t *Teller) Tell(ctx context.Context) (int, error) {
	t.setUp()
	now := t.Now()
	claim := t.claim()
	if claim.Limit == 0 {
		return 0, t.failures()
	}
	claim.Now, claim.Until = now, now.Add(claimFor)
	list, err := t.Queue.ClaimLogoutMessages(ctx, claim)
	if err != nil {
		return 0, errors.Join(err, t.failures())
	}
	for _, m := range list {
		t.take(m.Tenant)
		t.all.Go(func() { t.let(m.Tenant, t.tell(ctx, m)) })
	}
	return len(list), t.failures()
}

// Freed tells that a message which was under way no longer is, so that there may be more to take.
func (t *Teller) Freed() <-chan struct{} {
	t.setUp()
	return t.freed
}

// Wait waits until nothing is under way and gives what failed meanwhile.
func (t *Teller) Wait() error {
	t.all.Wait()
	return t.failures()
}

// claim gives how much may be taken, and of whom nothing.
func (t *Teller) claim() Claim {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Claim{Limit: min(tellingBatch, tellingHands-t.busy), Share: tellingShare}
	for tenant, n := range t.under {
		if n >= tellingShare {
			c.Busy = append(c.Busy, tenant)
		}
	}
	return c
}

func (t *Teller) take(tenant tenancy.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.under[tenant]++
	t.busy++
}

func (t *Teller) let(tenant tenancy.ID, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	if t.under[tenant]--; t.under[tenant] == 0 {
		delete(t.under, tenant)
	}
	if err != nil {
		t.failed = append(t.failed, err)
	}
	select {
	case t.freed <- struct{}{}:
	default:
	}
}

func (t *Teller) failures() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	failed := t.failed
	t.failed = nil
	return errors.Join(failed...)
}
