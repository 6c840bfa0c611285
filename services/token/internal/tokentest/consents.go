package tokentest

import (
	"context"
	"slices"
	"sync"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Consents is a fake that remembers what was withdrawn.
type Consents struct {
	mu        sync.Mutex
	withdrawn []Withdrawal
	away      error
}

// Withdrawal is one consent that was taken back.
type Withdrawal struct {
	Tenant                     tenancy.ID
	UserID, ClientID, Audience string
}

var _ token.Consents = (*Consents)(nil)

// Withdraw implements token.Consents.
func (c *Consents) Withdraw(_ context.Context, tenant tenancy.ID, userID, clientID, audience string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away != nil {
		return c.away
	}
	c.withdrawn = append(c.withdrawn, Withdrawal{tenant, userID, clientID, audience})
	return nil
}

// Withdrawn gives what was withdrawn so far.
func (c *Consents) Withdrawn() []Withdrawal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.withdrawn)
}

// Away makes every call fail with err until it is nil again.
func (c *Consents) Away(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = err
}
