package tenant

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// WorkDeps is what Work works with.
type WorkDeps struct {
	Map       Map
	Store     WorkStore
	Directory Directory
	Postman   Postman
	Now       clock.Now
}

// Work are the steps of operations that the control plane takes. Each may be repeated at any time: a repeat completes what an
// interrupted call left, and changes nothing otherwise.
type Work struct{ WorkDeps }

// NewWork makes the steps.
func NewWork(deps WorkDeps) *Work { return &Work{deps} }

// Begin marks the operation as begun; Conflict "ended" when it is over.
func (w *Work) Begin(ctx context.Context, id OperationID) error {
	return w.Store.Begin(ctx, id, w.Now())
}

// Record keeps news of steps, for whoever watches.
func (w *Work) Record(ctx context.Context, id OperationID, changes []StepChange) error {
	return w.Store.SaveSteps(ctx, id, changes, w.Now())
}

// ChooseCell gives the tenant a cell of its region, the same at each call. Tenants spread over the cells by their id.
func (w *Work) ChooseCell(ctx context.Context, id tenancy.ID, r Region) (string, error) {
	cells := w.Map.CellsOf(r)
	if len(cells) == 0 {
		return "", fault.Invalid("invalid_region", fmt.Sprintf("No cell serves the region %s", r))
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return w.Store.AssignCell(ctx, id, cells[int(h.Sum32())%len(cells)].Name)
}

// OpenHostnames makes the tenant answer at its hosts: kept first, then told to the routers. It gives the revision of the directory
// from which all of them count.
func (w *Work) OpenHostnames(ctx context.Context, id tenancy.ID, account Slug, r Region) (uint64, error) {
	if err := w.Store.SaveHostnames(ctx, id, w.Map.Hostnames(account, r)); err != nil {
		return 0, err
	}
	entries, err := w.Store.FindEntries(ctx, id)
	if err != nil {
		return 0, err
	}
	var newest uint64
	for _, e := range entries {
		// The routers may know the hosts before the tenant is ready: they are what makes it ready.
		e.State = StateActive
		revision, err := w.Directory.Put(ctx, e)
		if err != nil {
			return 0, err
		}
		newest = max(newest, revision)
	}
	return newest, nil
}

// AwaitRouters returns once every live router answers at hosts of the revision; Unavailable until then, by the end of ctx.
func (w *Work) AwaitRouters(ctx context.Context, revision uint64) error {
	return w.Directory.Await(ctx, revision)
}

// MarkReady opens the tenant.
func (w *Work) MarkReady(ctx context.Context, id OperationID, result Result) error {
	return w.Store.Complete(ctx, id, result, w.Now())
}

// Welcome writes to the account's owner.
func (w *Work) Welcome(ctx context.Context, id tenancy.ID, account Slug, r Region) error {
	owner, err := w.Store.FindOwner(ctx, id)
	if err != nil {
		return err
	}
	return w.Postman.Welcome(ctx, owner.Email, Tenant{ID: id, Slug: account, Region: r}, w.Map.Domain(account, r))
}

// CloseHostnames takes the tenant's hosts away from the routers. The hosts stay its own: no other tenant gets them.
func (w *Work) CloseHostnames(ctx context.Context, id tenancy.ID) error {
	entries, err := w.Store.FindEntries(ctx, id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.Directory.Remove(ctx, e.Host); err != nil {
			return err
		}
	}
	return nil
}

// ForgetHostnames is CloseHostnames, and frees the hosts.
func (w *Work) ForgetHostnames(ctx context.Context, id tenancy.ID) error {
	if err := w.CloseHostnames(ctx, id); err != nil {
		return err
	}
	_, err := w.Store.DeleteHostnames(ctx, id)
	return err
}

// Fail ends an operation whose traces are gone.
func (w *Work) Fail(ctx context.Context, id OperationID, sentence string) error {
	return w.Store.Fail(ctx, id, sentence, w.Now())
}

// MarkDeleted ends a deletion.
func (w *Work) MarkDeleted(ctx context.Context, id OperationID) error {
	return w.Store.CompleteDelete(ctx, id, w.Now())
}
