package client

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// SeedTenant gives a new tenant what every tenant starts with. A repeat changes nothing and answers the same, with the management
// client's present secret; the secret is empty when that client has been deleted meanwhile.
func (s *Service) SeedTenant(ctx context.Context, tenant tenancy.ID, audience string) (Seeded, Secret, error) {
	kept, err := s.store.FindSeeded(ctx, tenant)
	if fault.Is(err, fault.KindNotFound) {
		var seed Seed
		if seed, err = NewSeed(audience, s.now()); err != nil {
			return Seeded{}, "", err
		}
		kept, err = s.store.SeedTenant(ctx, tenant, seed)
	}
	if err != nil {
		return Seeded{}, "", fmt.Errorf("seeding a tenant: %w", err)
	}
	management, err := s.store.FindClient(ctx, tenant, kept.Management)
	if Is(err, ErrNoClient) {
		return kept, "", nil
	}
	return kept, management.Secret, err
}

// RemoveTenant deletes all the tenant has here; a repeat is fine.
func (s *Service) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	return s.store.RemoveTenant(ctx, tenant)
}
