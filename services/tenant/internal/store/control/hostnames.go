package control

import (
	"context"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/store/control/sqlcgen"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// SaveHostnames implements tenant.WorkStore.
func (s *Store) SaveHostnames(ctx context.Context, id tenancy.ID, hosts []tenant.Hostname) error {
	return s.inTx(ctx, nil, func(q *sqlcgen.Queries) error {
		for _, h := range hosts {
			n, err := q.InsertHostname(ctx, sqlcgen.InsertHostnameParams{Host: h.Host, TenantID: string(id), Kind: string(h.Kind)})
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.Conflict("hostname_taken", "Another tenant answers at "+h.Host)
			}
		}
		return nil
	})
}

// DeleteHostnames implements tenant.WorkStore.
func (s *Store) DeleteHostnames(ctx context.Context, id tenancy.ID) ([]tenant.Hostname, error) {
	rows, err := s.q.DeleteHostnames(ctx, string(id))
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	hosts := make([]tenant.Hostname, 0, len(rows))
	for _, r := range rows {
		hosts = append(hosts, tenant.Hostname{Host: r.Host, Kind: tenant.HostKind(r.Kind)})
	}
	return hosts, nil
}

// ListEntries implements tenant.WorkStore.
func (s *Store) ListEntries(ctx context.Context, after string, limit int) ([]tenant.Entry, error) {
	return s.entries(ctx, sqlcgen.ListEntriesParams{After: after, MaxRows: int32(limit)}) //nolint:gosec // a page
}

// maxHosts bounds the hosts of one tenant.
const maxHosts = 1000

// FindEntries implements tenant.WorkStore.
func (s *Store) FindEntries(ctx context.Context, id tenancy.ID) ([]tenant.Entry, error) {
	return s.entries(ctx, sqlcgen.ListEntriesParams{Tenant: string(id), MaxRows: maxHosts})
}

func (s *Store) entries(ctx context.Context, p sqlcgen.ListEntriesParams) ([]tenant.Entry, error) {
	rows, err := s.q.ListEntries(ctx, p)
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	entries := make([]tenant.Entry, 0, len(rows))
	for _, r := range rows {
		entries = append(entries, tenant.Entry{
			Hostname: tenant.Hostname{Host: r.Host, Kind: tenant.HostKind(r.Kind)}, Tenant: tenancy.ID(r.ID), Slug: tenant.Slug(r.Slug),
			Region: tenant.Region(r.Region), Cell: r.Cell, State: tenant.State(r.State), Canonical: r.Canonical,
		})
	}
	return entries, nil
}
