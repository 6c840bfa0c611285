package control

import (
	"context"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/store/control/sqlcgen"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

var errNoTenant = fault.NotFound("There is no such tenant")

// ListTenants implements tenant.Store.
func (s *Store) ListTenants(ctx context.Context, account tenant.AccountID) ([]tenant.Tenant, error) {
	rows, err := s.q.ListTenants(ctx, string(account))
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	tenants := make([]tenant.Tenant, 0, len(rows))
	for _, r := range rows {
		tenants = append(tenants, tenantOf(sqlcgen.FindTenantRow(r)))
	}
	return tenants, nil
}

// FindTenant implements tenant.Store.
func (s *Store) FindTenant(ctx context.Context, account tenant.AccountID, id tenancy.ID) (tenant.Tenant, error) {
	r, err := s.q.FindTenant(ctx, sqlcgen.FindTenantParams{AccountID: string(account), ID: string(id)})
	if err != nil {
		return tenant.Tenant{}, pgkit.Error(err, errNoTenant)
	}
	t := tenantOf(r)
	op, err := s.q.NewestOperation(ctx, r.ID)
	if err != nil {
		return tenant.Tenant{}, pgkit.Error(err, errNoTenant)
	}
	t.Steps, err = s.steps(ctx, op)
	return t, err
}

// CreateTenant implements tenant.Store.
func (s *Store) CreateTenant(ctx context.Context, t tenant.Tenant, op tenant.Operation) error {
	notOpen := fault.Conflict("account_not_ready", "The account's first tenant is not ready yet")
	err := s.inTx(ctx, notOpen, func(q *sqlcgen.Queries) error {
		// Held until the commit: a sign-up cannot fail, and release the account, around a tenant that is being added.
		if _, err := q.LockOpenAccount(ctx, string(t.Account)); err != nil {
			return err
		}
		if err := insertTenant(ctx, q, t); err != nil {
			return err
		}
		return insertOperation(ctx, q, op)
	})
	if violates(err, "tenants_place") {
		return fault.Conflict("tenant_exists", "The account has, or had, a tenant in this region").Because(err)
	}
	return err
}

// DeleteTenant implements tenant.Store.
func (s *Store) DeleteTenant(ctx context.Context, op tenant.Operation) error {
	busy := fault.Conflict("tenant_busy", "The tenant is being made or deleted, or is deleted already")
	err := s.inTx(ctx, errNoTenant, func(q *sqlcgen.Queries) error {
		state, err := q.LockTenant(ctx, sqlcgen.LockTenantParams{AccountID: string(op.Account), ID: string(op.Tenant)})
		if err != nil {
			return err
		}
		switch tenant.State(state) {
		case tenant.StateActive, tenant.StateSuspended:
		case tenant.StateProvisioning, tenant.StateDeleted, tenant.StateFailed:
			return busy
		}
		return insertOperation(ctx, q, op)
	})
	if violates(err, "operations_one_at_a_time") {
		return busy.Because(err)
	}
	return err
}

// AssignCell implements tenant.WorkStore.
func (s *Store) AssignCell(ctx context.Context, id tenancy.ID, cell string) (string, error) {
	assigned, err := s.q.AssignCell(ctx, sqlcgen.AssignCellParams{ID: string(id), Cell: cell})
	return assigned, pgkit.Error(err, errNoTenant)
}

// FindOwner implements tenant.WorkStore.
func (s *Store) FindOwner(ctx context.Context, id tenancy.ID) (tenant.Member, error) {
	r, err := s.q.FindOwner(ctx, string(id))
	if err != nil {
		return tenant.Member{}, pgkit.Error(err, fault.NotFound("The account has no owner"))
	}
	return member(sqlcgen.MembersByEmailRow(r)), nil
}

func insertTenant(ctx context.Context, q *sqlcgen.Queries, t tenant.Tenant) error {
	return q.InsertTenant(ctx, sqlcgen.InsertTenantParams{
		ID: string(t.ID), AccountID: string(t.Account), Region: string(t.Region), State: string(t.State), CreatedAt: t.Created,
	})
}

func tenantOf(r sqlcgen.FindTenantRow) tenant.Tenant {
	return tenant.Tenant{
		ID: tenancy.ID(r.ID), Account: tenant.AccountID(r.AccountID), Slug: tenant.Slug(r.Slug), Region: tenant.Region(r.Region),
		Cell: deref(r.Cell), State: tenant.State(r.State), ManagementClientID: deref(r.ManagementClientID), Created: utc(r.CreatedAt),
	}
}
