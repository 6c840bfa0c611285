package workflow_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
	"github.com/postern-id/postern/services/tenant/internal/workflow"
)

const token = tenant.Token("ptk_for-this-test")

// world is a control plane and a cell in memory, in which any call can be made to fail.
type world struct {
	store *storetest.Fake
	dir   *directory
	cell  *cell
	mails *mails
	env   *testsuite.TestWorkflowEnvironment
	begun tenant.NewAccount
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		store: storetest.NewFake(), dir: &directory{hosts: map[string]tenant.Entry{}}, mails: &mails{},
		cell: &cell{keys: map[string]int{}, seeds: map[tenancy.ID]string{}, settings: map[tenancy.ID]bool{}, fail: map[string][]error{}},
	}
	w.env = w.environment()
	n := storetest.Fixture()
	var err error
	n.Operation.TokenHash = token.Hash()
	n.Operation.BoxKey, err = tenant.BoxKey(token, n.Operation.ID)
	require.NoError(t, err)
	require.NoError(t, w.store.SignUp(t.Context(), n))
	w.begun = n
	return w
}

func (w *world) environment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet())
	env := suite.NewTestWorkflowEnvironment()
	work := tenant.NewWork(tenant.WorkDeps{
		Map:   tenant.Map{Base: "example.com", Cells: []tenant.Cell{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}}},
		Store: w.store, Directory: w.dir, Postman: w.mails, Now: clock.At("2026-03-01T12:00:00Z").Now,
	})
	env.RegisterWorkflow(workflow.ProvisionTenant)
	env.RegisterWorkflow(workflow.DeleteTenant)
	env.RegisterActivity(&workflow.Control{Work: work})
	env.RegisterActivity(&workflow.Cell{Work: &tenant.CellWork{Settings: w.cell, Keys: w.cell, Neighbours: w.cell}})
	return env
}

func (w *world) provision() {
	op := w.begun.Operation
	w.env.ExecuteWorkflow(workflow.ProvisionTenant, workflow.Provision{
		Subject:  workflow.Subject{Operation: op.ID, Tenant: op.Tenant, Account: op.Slug, Region: op.Region},
		Hostname: string(op.Slug) + ".eu.example.com", ManagementAudience: "https://" + string(op.Slug) + ".eu.example.com/api/v2/", BoxKey: op.BoxKey,
	})
}

func (w *world) operation(t *testing.T) tenant.Operation {
	t.Helper()
	op, err := w.store.FindSignup(t.Context(), w.begun.Operation.ID)
	require.NoError(t, err)
	return op
}

func (w *world) states(t *testing.T) map[tenant.StepName]tenant.StepState {
	t.Helper()
	states := map[tenant.StepName]tenant.StepState{}
	for _, s := range w.operation(t).Steps {
		states[s.Name] = s.State
	}
	return states
}

// requireUndone checks that nothing is left of the tenant, and that its name is free.
func (w *world) requireUndone(t *testing.T) {
	t.Helper()
	require.Equal(t, tenant.StatusFailed, w.operation(t).Status)
	require.Empty(t, w.dir.hosts)
	require.Empty(t, w.cell.keys)
	require.Empty(t, w.cell.seeds)
	require.Empty(t, w.cell.settings)
	again := storetest.Fixture()
	again.Account.Slug = w.begun.Account.Slug
	require.NoError(t, w.store.SignUp(t.Context(), again))
}

func TestProvisionTenant(t *testing.T) {
	t.Parallel()

	t.Run("makes_the_tenant_and_hands_its_secret_to_the_asker_only", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		op := w.operation(t)
		require.Equal(t, tenant.StatusReady, op.Status)
		for _, s := range op.Steps {
			require.Equal(t, tenant.StepDone, s.State, s.Name)
			require.False(t, s.Started.IsZero() || s.Ended.IsZero(), s.Name)
		}
		require.Len(t, w.dir.hosts, 1)
		require.Equal(t, 1, w.mails.sent)
		sealed, err := w.store.TakeSecret(t.Context(), op.Account, op.ID)
		require.NoError(t, err)
		require.NotContains(t, string(sealed), "secret of")
		secret, err := tenant.OpenBox(token, op.ID, sealed)
		require.NoError(t, err)
		require.Equal(t, "secret of "+string(op.Tenant), secret)
		_, err = tenant.OpenBox("ptk_of-somebody-else", op.ID, sealed)
		require.Error(t, err)
	})

	t.Run("waits_out_what_is_away", func(t *testing.T) {
		t.Parallel()
		for _, call := range []string{"wrap", "sign", "publish", "settings", "seed"} {
			w := newWorld(t)
			for range 8 { // the environment gives an activity ten attempts where the engine gives any number
				w.cell.failNext(call, fault.Unavailable("away"))
			}
			w.provision()
			require.NoError(t, w.env.GetWorkflowError(), call)
			op := w.operation(t)
			require.Equal(t, tenant.StatusReady, op.Status, "%s: %s", call, op.Error)
			require.Len(t, w.cell.keys, 2, call)
		}
	})

	t.Run("waits_out_a_store_that_is_away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for range 8 {
			w.store.FailNext(fault.Unavailable("The database is away"))
		}
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, tenant.StatusReady, w.operation(t).Status)
	})

	t.Run("waits_for_routers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.dir.behind = 7
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, tenant.StatusReady, w.operation(t).Status)
	})

	t.Run("undoes_everything_when_a_step_is_refused", func(t *testing.T) {
		t.Parallel()
		for call, step := range map[string]tenant.StepName{
			"wrap": "", "sign": tenant.StepCreateKeys, "publish": tenant.StepCreateKeys, "settings": tenant.StepSeedTenant, "seed": tenant.StepSeedTenant,
		} {
			w := newWorld(t)
			w.cell.failNext(call, fault.Invalid("", "No such thing"))
			if call == "wrap" { // two steps make it: both are refused
				w.cell.failNext(call, fault.Invalid("", "No such thing"))
			}
			w.provision()
			require.NoError(t, w.env.GetWorkflowError(), call)
			require.Contains(t, w.operation(t).Error, "No such thing", call)
			if step != "" {
				require.Equal(t, tenant.StepFailed, w.states(t)[step], call)
			}
			require.Equal(t, tenant.StepPending, w.states(t)[tenant.StepOpenHostnames], call)
			w.requireUndone(t)
		}
	})

	t.Run("undoes_everything_when_the_directory_refuses", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.dir.fail = fault.Invalid("", "No host name")
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, tenant.StepFailed, w.states(t)[tenant.StepOpenHostnames])
		w.requireUndone(t)
	})

	t.Run("gives_up_on_what_fails_for_no_known_reason_and_tells_no_cause", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for range 100 {
			w.cell.failNext("seed", errors.New("the password is hunter2"))
		}
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.NotContains(t, w.operation(t).Error, "hunter2")
		require.Contains(t, w.operation(t).Error, "seed_tenant")
		w.requireUndone(t)
	})

	t.Run("undoing_does_not_give_up", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.cell.failNext("seed", fault.Invalid("", "No"))
		for range 20 {
			w.cell.failNext("remove", fault.Invalid("", "not now"), fault.Unavailable("away"), errors.New("odd"))
			w.cell.failNext("delete", fault.Denied("", "not now"), fault.Unavailable("away"))
		}
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		w.requireUndone(t)
	})

	t.Run("mail_that_cannot_be_sent_fails_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.mails.fail = fault.Unavailable("no relay")
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, tenant.StatusReady, w.operation(t).Status)
		require.Equal(t, tenant.StepFailed, w.states(t)[tenant.StepWelcome])
	})

	t.Run("cancelled_is_undone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.dir.behind = 1 << 30
		w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 5*time.Second)
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, "The operation was cancelled", w.operation(t).Error)
		w.requireUndone(t)
	})

	t.Run("a_run_after_the_end_touches_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.NoError(t, w.store.Complete(t.Context(), w.begun.Operation.ID, tenant.Result{}, time.Now()))
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		require.Empty(t, w.cell.keys)
		require.Empty(t, w.dir.hosts)
	})
}

func TestDeleteTenant(t *testing.T) {
	t.Parallel()
	t.Run("removes_everything_and_keeps_the_name", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.provision()
		require.NoError(t, w.env.GetWorkflowError())
		op := w.begun.Operation
		op.ID, op.Kind, op.Steps = "opr_delete", tenant.KindDeleteTenant, nil
		for _, name := range tenant.StepsOf(op.Kind) {
			op.Steps = append(op.Steps, tenant.Step{Name: name, State: tenant.StepPending})
		}
		require.NoError(t, w.store.DeleteTenant(t.Context(), op))

		env := w.environment() // one runs one workflow only
		w.cell.failNext("remove", fault.Unavailable("away"), fault.Invalid("", "odd"))
		env.ExecuteWorkflow(workflow.DeleteTenant, workflow.Subject{Operation: op.ID, Tenant: op.Tenant, Account: op.Slug, Region: op.Region})
		require.NoError(t, env.GetWorkflowError())

		require.Empty(t, w.dir.hosts)
		require.Empty(t, w.cell.keys)
		require.Empty(t, w.cell.seeds)
		found, err := w.store.FindTenant(t.Context(), op.Account, op.Tenant)
		require.NoError(t, err)
		require.Equal(t, tenant.StateDeleted, found.State)
		for _, s := range found.Steps {
			require.Equal(t, tenant.StepDone, s.State, s.Name)
		}
		again := storetest.Fixture()
		again.Account.Slug = op.Slug
		require.True(t, fault.Is(w.store.SignUp(t.Context(), again), fault.KindConflict))
	})
}

// cell is a cell's vault, services and settings.
type cell struct {
	mu       sync.Mutex
	fail     map[string][]error
	keys     map[string]int
	seeds    map[tenancy.ID]string
	settings map[tenancy.ID]bool
}

func (c *cell) failNext(call string, errs ...error) { c.fail[call] = append(c.fail[call], errs...) }

func (c *cell) do(call string, effect func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting := c.fail[call]; len(waiting) > 0 {
		c.fail[call] = waiting[1:]
		return waiting[0]
	}
	effect()
	return nil
}

func (c *cell) CreateSigningKey(_ context.Context, id tenancy.ID) error {
	return c.do("sign", func() { c.keys["sign "+string(id)]++ })
}

func (c *cell) CreateWrappingKey(_ context.Context, id tenancy.ID) error {
	return c.do("wrap", func() { c.keys["wrap "+string(id)]++ })
}

func (c *cell) DeleteKeys(_ context.Context, id tenancy.ID) error {
	return c.do("delete", func() {
		delete(c.keys, "sign "+string(id))
		delete(c.keys, "wrap "+string(id))
	})
}

func (c *cell) Seed(_ context.Context, s tenant.Seed) (clientID, secret string, err error) {
	err = c.do("seed", func() { c.seeds[s.Tenant] = s.ManagementAudience })
	return "client", "secret of " + string(s.Tenant), err
}

func (c *cell) PublishKeys(context.Context, tenancy.ID, string) error {
	return c.do("publish", func() {})
}

func (c *cell) RemoveTenant(_ context.Context, id tenancy.ID) error {
	return c.do("remove", func() { delete(c.seeds, id) })
}

func (c *cell) Create(_ context.Context, id tenancy.ID, _ tenant.Settings) error {
	return c.do("settings", func() { c.settings[id] = true })
}

func (c *cell) Find(context.Context, tenancy.ID) (tenant.Settings, error) {
	return tenant.Settings{}, nil
}

func (c *cell) Update(context.Context, tenancy.ID, func(tenant.Settings) (tenant.Settings, error)) (tenant.Settings, error) {
	return tenant.Settings{}, nil
}

func (c *cell) Remove(_ context.Context, id tenancy.ID) error {
	return c.do("remove settings", func() { delete(c.settings, id) })
}

// directory is the routers' directory; behind counts the attempts at which no router is up to date yet.
type directory struct {
	mu     sync.Mutex
	hosts  map[string]tenant.Entry
	fail   error
	behind int
}

func (d *directory) Put(_ context.Context, e tenant.Entry) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return 0, d.fail
	}
	d.hosts[e.Host] = e
	return uint64(len(d.hosts)), nil
}

func (d *directory) Remove(_ context.Context, host string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.hosts, host)
	return nil
}

func (d *directory) Hosts(context.Context) (map[string]tenant.Entry, error) { return d.hosts, nil }

func (d *directory) Await(context.Context, uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.behind > 0 {
		d.behind--
		return fault.Unavailable("No router answers yet")
	}
	return nil
}

type mails struct {
	sent int
	fail error
}

func (m *mails) Welcome(context.Context, string, tenant.Tenant, string) error {
	if m.fail != nil {
		return m.fail
	}
	m.sent++
	return nil
}
