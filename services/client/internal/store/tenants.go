package store

import (
	"context"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/sqlcgen"
)

// FindSeeded implements client.Store.
func (s *Store) FindSeeded(ctx context.Context, tenant tenancy.ID) (client.Seeded, error) {
	var row sqlcgen.Seed
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindSeed(ctx, string(tenant))
		return err
	})
	if err != nil {
		return client.Seeded{}, found(err, fault.NotFound("The tenant was not seeded"))
	}
	return client.Seeded{Management: client.ID(row.ManagementClientID), Default: client.ID(row.DefaultClientID)}, nil
}

// SeedTenant implements client.Store.
func (s *Store) SeedTenant(ctx context.Context, tenant tenancy.ID, seed client.Seed) (client.Seeded, error) {
	clients := []client.Client{seed.Global, seed.Default, seed.Management}
	sealed := make([]sealedClient, len(clients))
	for i, c := range clients {
		var err error
		if sealed[i], err = s.sealClient(ctx, tenant, c); err != nil {
			return client.Seeded{}, err
		}
	}
	options, settings, err := s.sealOptions(ctx, tenant, seed.Database)
	if err != nil {
		return client.Seeded{}, err
	}
	first := false
	err = s.write(ctx, tenant, func(u *unit) error {
		n, err := u.InsertSeed(ctx, sqlcgen.InsertSeedParams{
			TenantID: string(tenant), ManagementClientID: string(seed.Management.ID), DefaultClientID: string(seed.Default.ID),
		})
		if err != nil || n == 0 {
			return err
		}
		first = true
		if err := u.insertResourceServer(ctx, seed.API, nil); err != nil {
			return err
		}
		if err := u.fact(ctx, logapi.ResourceServerCreated, kindResourceServer, seed.API.Identifier); err != nil {
			return err
		}
		for i, c := range clients {
			if err := u.insertClient(ctx, c, sealed[i]); err != nil {
				return err
			}
			if err := u.fact(ctx, logapi.ClientCreated, kindClient, string(c.ID)); err != nil {
				return err
			}
		}
		if err := u.insertGrant(ctx, seed.Grant); err != nil {
			return err
		}
		if err := u.fact(ctx, logapi.GrantCreated, kindGrant, holder(seed.Grant)); err != nil {
			return err
		}
		if err := u.insertConnection(ctx, seed.Database, options, settings); err != nil {
			return err
		}
		return u.fact(ctx, logapi.ConnectionCreated, kindConnection, connectionObject(seed.Database.ID, seed.Database.Name))
	})
	if err != nil {
		return client.Seeded{}, err
	}
	if !first {
		return s.FindSeeded(ctx, tenant)
	}
	return client.Seeded{Management: seed.Management.ID, Default: seed.Default.ID}, nil
}

// RemoveTenant implements client.Store. Facts that wait in the outbox are still published.
func (s *Store) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	err := s.write(ctx, tenant, func(u *unit) error {
		for _, remove := range []func(context.Context, string) error{
			u.DeleteAllConnections, u.DeleteAllResourceServers, u.DeleteAllClients, u.DeleteSeed, u.DeleteDataKey,
		} {
			if err := remove(ctx, string(tenant)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.Sealer.Forget(tenant)
	}
	return err
}
