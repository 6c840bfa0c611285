package argon

import (
	"context"
	"slices"
	"sync"

	"github.com/postern-id/postern/libs/tenancy"
)

// turns gives out a number of slots. Whoever waits is served tenant by tenant in turn, and within a tenant in order: a flood at one
// tenant's login page makes that tenant's people wait, and nobody else's. Safe for concurrent use.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting map[tenancy.ID][]chan struct{}
	next    []tenancy.ID // those that wait, in the order of their turns
}

func newTurns(slots int) *turns {
	return &turns{free: slots, waiting: map[tenancy.ID][]chan struct{}{}}
}

// take waits for a slot until ctx ends, whose error it then gives. Whoever got one calls give.
func (t *turns) take(ctx context.Context, tenant tenancy.ID) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	if len(t.waiting[tenant]) == 0 {
		t.next = append(t.next, tenant)
	}
	t.waiting[tenant] = append(t.waiting[tenant], mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	place := slices.Index(t.waiting[tenant], mine)
	if place < 0 { // it was our turn at the same moment
		t.pass()
		return ctx.Err()
	}
	t.waiting[tenant] = slices.Delete(t.waiting[tenant], place, place+1)
	if len(t.waiting[tenant]) == 0 {
		t.leave(tenant)
	}
	return ctx.Err()
}

// give returns a slot.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pass()
}

// pass hands a slot to the next in turn, or keeps it. t is locked.
func (t *turns) pass() {
	if len(t.next) == 0 {
		t.free++
		return
	}
	tenant := t.next[0]
	queue := t.waiting[tenant]
	close(queue[0])
	t.leave(tenant)
	if len(queue) > 1 {
		t.waiting[tenant] = queue[1:]
		t.next = append(t.next, tenant)
	}
}

// leave takes a tenant out of the order. t is locked.
func (t *turns) leave(tenant tenancy.ID) {
	delete(t.waiting, tenant)
	if place := slices.Index(t.next, tenant); place >= 0 {
		t.next = slices.Delete(t.next, place, place+1)
	}
}
