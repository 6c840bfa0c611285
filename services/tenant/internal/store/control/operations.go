package control

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/pgkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/store/control/sqlcgen"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

var errNoOperation = fault.NotFound("There is no such operation")

// FindSignup implements tenant.Store.
func (s *Store) FindSignup(ctx context.Context, id tenant.OperationID) (tenant.Operation, error) {
	r, err := s.q.FindSignup(ctx, string(id))
	if err != nil {
		return tenant.Operation{}, pgkit.Error(err, errNoOperation)
	}
	return s.withSteps(ctx, sqlcgen.FindOperationRow(r))
}

// FindOperation implements tenant.Store.
func (s *Store) FindOperation(ctx context.Context, account tenant.AccountID, id tenant.OperationID) (tenant.Operation, error) {
	r, err := s.q.FindOperation(ctx, sqlcgen.FindOperationParams{AccountID: string(account), ID: string(id)})
	if err != nil {
		return tenant.Operation{}, pgkit.Error(err, errNoOperation)
	}
	return s.withSteps(ctx, r)
}

// TakeSecret implements tenant.Store.
func (s *Store) TakeSecret(ctx context.Context, account tenant.AccountID, id tenant.OperationID) ([]byte, error) {
	sealed, err := s.q.TakeSecret(ctx, sqlcgen.TakeSecretParams{AccountID: string(account), ID: string(id)})
	return sealed, pgkit.Error(err, fault.NotFound("There is no secret to show, or it was shown"))
}

// ListOpen implements tenant.WorkStore.
func (s *Store) ListOpen(ctx context.Context, stale time.Time, limit int) ([]tenant.Operation, error) {
	rows, err := s.q.ListOpen(ctx, sqlcgen.ListOpenParams{Stale: &stale, MaxRows: int32(limit)}) //nolint:gosec // a page
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	ops := make([]tenant.Operation, 0, len(rows))
	for _, r := range rows {
		ops = append(ops, operation(sqlcgen.FindOperationRow(r)))
	}
	return ops, nil
}

// Begin implements tenant.WorkStore.
func (s *Store) Begin(ctx context.Context, id tenant.OperationID, now time.Time) error {
	n, err := s.q.BeginOperation(ctx, sqlcgen.BeginOperationParams{ID: string(id), Now: &now})
	if err == nil && n == 0 {
		return fault.Conflict("ended", "The operation is over")
	}
	return pgkit.Error(err, nil)
}

// SaveSteps implements tenant.WorkStore.
func (s *Store) SaveSteps(ctx context.Context, id tenant.OperationID, changes []tenant.StepChange, now time.Time) error {
	for _, c := range changes { // each is true by itself: no transaction is needed to keep them together
		if err := saveStep(ctx, s.q, id, c, now); err != nil {
			return pgkit.Error(err, nil)
		}
	}
	return nil
}

// Complete implements tenant.WorkStore.
func (s *Store) Complete(ctx context.Context, id tenant.OperationID, result tenant.Result, now time.Time) error {
	return s.inTx(ctx, errNoOperation, func(q *sqlcgen.Queries) error {
		op, err := q.LockOperation(ctx, string(id))
		if err != nil || op.EndedAt != nil {
			return err
		}
		if err := q.ActivateTenant(ctx, sqlcgen.ActivateTenantParams{ID: op.TenantID, ManagementClientID: &result.ManagementClientID}); err != nil {
			return err
		}
		if err := q.OpenAccount(ctx, op.AccountID); err != nil {
			return err
		}
		if err := saveStep(ctx, q, id, tenant.StepChange{Name: tenant.StepMarkReady, State: tenant.StepDone}, now); err != nil {
			return err
		}
		return q.CompleteOperation(ctx, sqlcgen.CompleteOperationParams{ID: string(id), Now: &now, SealedSecret: result.SealedSecret})
	})
}

// Fail implements tenant.WorkStore.
func (s *Store) Fail(ctx context.Context, id tenant.OperationID, sentence string, now time.Time) error {
	return s.inTx(ctx, errNoOperation, func(q *sqlcgen.Queries) error {
		op, err := q.LockOperation(ctx, string(id))
		if err != nil || op.EndedAt != nil {
			return err
		}
		switch tenant.Kind(op.Kind) {
		case tenant.KindSignUp:
			if err := q.FailTenant(ctx, op.TenantID); err != nil {
				return err
			}
			released, err := q.ReleaseAccount(ctx, op.AccountID)
			if err != nil {
				return err
			}
			if released > 0 {
				if err := q.DeleteMembers(ctx, op.AccountID); err != nil { // and their tokens
					return err
				}
			}
		case tenant.KindCreateTenant:
			if err := q.FailTenant(ctx, op.TenantID); err != nil {
				return err
			}
		case tenant.KindDeleteTenant: // the tenant is what it was
		}
		return q.FailOperation(ctx, sqlcgen.FailOperationParams{ID: string(id), Now: &now, Error: sentence})
	})
}

// CompleteDelete implements tenant.WorkStore.
func (s *Store) CompleteDelete(ctx context.Context, id tenant.OperationID, now time.Time) error {
	return s.inTx(ctx, errNoOperation, func(q *sqlcgen.Queries) error {
		op, err := q.LockOperation(ctx, string(id))
		if err != nil || op.EndedAt != nil {
			return err
		}
		if err := q.MarkTenantDeleted(ctx, op.TenantID); err != nil {
			return err
		}
		if err := saveStep(ctx, q, id, tenant.StepChange{Name: tenant.StepMarkDeleted, State: tenant.StepDone}, now); err != nil {
			return err
		}
		return q.CompleteOperation(ctx, sqlcgen.CompleteOperationParams{ID: string(id), Now: &now})
	})
}

func insertOperation(ctx context.Context, q *sqlcgen.Queries, op tenant.Operation) error {
	err := q.InsertOperation(ctx, sqlcgen.InsertOperationParams{
		ID: string(op.ID), Kind: string(op.Kind), AccountID: string(op.Account), TenantID: string(op.Tenant), Status: string(op.Status),
		TokenHash: op.TokenHash[:], BoxKey: op.BoxKey, CreatedAt: op.Created,
		Traceparent: ref(op.Traceparent),
	})
	if err != nil {
		return err
	}
	names := make([]string, 0, len(op.Steps))
	for _, step := range op.Steps {
		names = append(names, string(step.Name))
	}
	return q.InsertSteps(ctx, sqlcgen.InsertStepsParams{OperationID: string(op.ID), Names: names})
}

func saveStep(ctx context.Context, q *sqlcgen.Queries, id tenant.OperationID, c tenant.StepChange, now time.Time) error {
	return q.SaveStep(ctx, sqlcgen.SaveStepParams{OperationID: string(id), Name: string(c.Name), State: string(c.State), Now: now})
}

func (s *Store) withSteps(ctx context.Context, r sqlcgen.FindOperationRow) (tenant.Operation, error) {
	op := operation(r)
	var err error
	op.Steps, err = s.steps(ctx, r.ID)
	return op, err
}

func (s *Store) steps(ctx context.Context, operation string) ([]tenant.Step, error) {
	rows, err := s.q.ListSteps(ctx, operation)
	if err != nil {
		return nil, pgkit.Error(err, nil)
	}
	steps := make([]tenant.Step, 0, len(rows))
	for _, r := range rows {
		steps = append(steps, tenant.Step{
			Name: tenant.StepName(r.Name), State: tenant.StepState(r.State), Started: utcOf(r.StartedAt), Ended: utcOf(r.EndedAt),
		})
	}
	return steps, nil
}

func operation(r sqlcgen.FindOperationRow) tenant.Operation {
	op := tenant.Operation{
		ID: tenant.OperationID(r.ID), Kind: tenant.Kind(r.Kind), Status: tenant.Status(r.Status), Account: tenant.AccountID(r.AccountID),
		Slug: tenant.Slug(r.Slug), Tenant: tenancy.ID(r.TenantID), Region: tenant.Region(r.Region), Error: r.Error, Created: utc(r.CreatedAt),
		Started: utcOf(r.StartedAt), Ended: utcOf(r.EndedAt), BoxKey: r.BoxKey,
		Traceparent: deref(r.Traceparent),
	}
	copy(op.TokenHash[:], r.TokenHash)
	return op
}
