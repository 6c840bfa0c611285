package argon

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// Occupy takes one of the slots, as a hash under way does.
func (h *Hasher) Occupy() (release func()) {
	_ = h.turns.take(context.Background(), "")
	return h.turns.give
}

// Turns is the queue alone.
type Turns struct{ *turns }

// NewTurns makes one.
func NewTurns(slots int) Turns { return Turns{newTurns(slots)} }

// Take is take.
func (t Turns) Take(ctx context.Context, tenant tenancy.ID) error { return t.take(ctx, tenant) }

// Give is give.
func (t Turns) Give() { t.give() }

// Idle reports that nobody waits and nothing is remembered of anybody.
func (t Turns) Idle(slots int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free == slots && len(t.next) == 0 && len(t.waiting) == 0
}
