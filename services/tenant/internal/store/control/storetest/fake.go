// Package storetest holds what tests of accounts stand on: the contract of tenant.Store and tenant.WorkStore, and a fake that keeps it.
package storetest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Fake keeps the contract in memory. Safe for concurrent use.
type Fake struct {
	mu        sync.Mutex
	failures  []error
	accounts  map[tenant.AccountID]*account
	members   []tenant.Member
	tokens    map[[sha256.Size]byte]tenant.TokenRecord
	tenants   []*tenant.Tenant
	hostnames map[string]hostname
	ops       []*operation
}

type account struct {
	tenant.Account

	state string // opening, open, released
}

type hostname struct {
	tenant.Hostname

	tenant tenancy.ID
}

type operation struct {
	tenant.Operation

	sealed []byte
}

// NewFake makes an empty store.
func NewFake() *Fake {
	return &Fake{
		accounts: map[tenant.AccountID]*account{}, tokens: map[[sha256.Size]byte]tenant.TokenRecord{}, hostnames: map[string]hostname{},
	}
}

// FailNext makes the next call fail with err; several wait in line.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, err)
}

// enter takes the lock, and the next failure in line.
func (f *Fake) enter() (leave func(), err error) {
	f.mu.Lock()
	if len(f.failures) > 0 {
		err, f.failures = f.failures[0], f.failures[1:]
	}
	return f.mu.Unlock, err
}

// SignUp implements tenant.Store.
func (f *Fake) SignUp(_ context.Context, n tenant.NewAccount) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	for _, a := range f.accounts {
		if a.Slug == n.Account.Slug && a.state != "released" {
			return fault.Conflict("account_taken", "This account name is taken")
		}
	}
	f.accounts[n.Account.ID] = &account{Account: n.Account, state: "opening"}
	f.members = append(f.members, n.Owner)
	f.tokens[n.Token.Hash] = n.Token
	f.insert(n.Tenant, n.Operation)
	return nil
}

func (f *Fake) insert(t tenant.Tenant, op tenant.Operation) {
	t.Steps = nil
	f.tenants = append(f.tenants, &t)
	f.insertOperation(op)
}

func (f *Fake) insertOperation(op tenant.Operation) {
	op.Steps = slices.Clone(op.Steps)
	f.ops = append(f.ops, &operation{Operation: op})
}

// FindSignup implements tenant.Store.
func (f *Fake) FindSignup(_ context.Context, id tenant.OperationID) (tenant.Operation, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return tenant.Operation{}, err
	}
	op := f.operation(id)
	if op == nil || op.Kind != tenant.KindSignUp {
		return tenant.Operation{}, noOperation()
	}
	return op.copy(), nil
}

// FindOperation implements tenant.Store.
func (f *Fake) FindOperation(_ context.Context, account tenant.AccountID, id tenant.OperationID) (tenant.Operation, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return tenant.Operation{}, err
	}
	op := f.operation(id)
	if op == nil || op.Account != account {
		return tenant.Operation{}, noOperation()
	}
	return op.copy(), nil
}

// TakeSecret implements tenant.Store.
func (f *Fake) TakeSecret(_ context.Context, account tenant.AccountID, id tenant.OperationID) ([]byte, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	op := f.operation(id)
	if op == nil || op.Account != account || op.Status != tenant.StatusReady || op.sealed == nil {
		return nil, fault.NotFound("There is no secret to show, or it was shown")
	}
	sealed := op.sealed
	op.sealed = nil
	return sealed, nil
}

// MembersByEmail implements tenant.Store.
func (f *Fake) MembersByEmail(_ context.Context, email string, account tenant.Slug, limit int) ([]tenant.Member, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	var out []tenant.Member
	for _, m := range f.members {
		if m.Email == email && (account == "" || m.Slug == account) && len(out) < limit {
			out = append(out, m)
		}
	}
	return out, nil
}

// ListMembers implements tenant.Store.
func (f *Fake) ListMembers(_ context.Context, account tenant.AccountID) ([]tenant.Member, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	var out []tenant.Member
	for _, m := range f.members {
		if m.Account == account {
			out = append(out, m)
		}
	}
	return out, nil
}

// SaveToken implements tenant.Store.
func (f *Fake) SaveToken(_ context.Context, t tenant.TokenRecord) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	f.tokens[t.Hash] = t
	return nil
}

// FindPrincipal implements tenant.Store.
func (f *Fake) FindPrincipal(_ context.Context, hash [sha256.Size]byte, now time.Time) (tenant.Principal, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return tenant.Principal{}, err
	}
	t, ok := f.tokens[hash]
	i := slices.IndexFunc(f.members, func(m tenant.Member) bool { return m.ID == t.Member })
	if !ok || i < 0 || !t.Expires.After(now) {
		return tenant.Principal{}, fault.NotFound("Nobody holds this token")
	}
	return tenant.Principal{Member: f.members[i], Token: t}, nil
}

// DeleteToken implements tenant.Store.
func (f *Fake) DeleteToken(_ context.Context, hash [sha256.Size]byte) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	delete(f.tokens, hash)
	return nil
}

// ListTenants implements tenant.Store.
func (f *Fake) ListTenants(_ context.Context, account tenant.AccountID) ([]tenant.Tenant, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	out := []tenant.Tenant{}
	for _, t := range f.tenants {
		if t.Account == account && t.State != tenant.StateFailed {
			out = append(out, *t)
		}
	}
	return out, nil
}

// FindTenant implements tenant.Store.
func (f *Fake) FindTenant(_ context.Context, account tenant.AccountID, id tenancy.ID) (tenant.Tenant, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return tenant.Tenant{}, err
	}
	t := f.tenant(id)
	if t == nil || t.Account != account {
		return tenant.Tenant{}, noTenant()
	}
	out := *t
	for _, op := range f.ops {
		if op.Tenant == id {
			out.Steps = slices.Clone(op.Steps)
		}
	}
	return out, nil
}

// CreateTenant implements tenant.Store.
func (f *Fake) CreateTenant(_ context.Context, t tenant.Tenant, op tenant.Operation) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	if a := f.accounts[t.Account]; a == nil || a.state != "open" {
		return fault.Conflict("account_not_ready", "The account's first tenant is not ready yet")
	}
	for _, other := range f.tenants {
		if other.Account == t.Account && other.Region == t.Region && other.State != tenant.StateFailed {
			return fault.Conflict("tenant_exists", "The account has, or had, a tenant in this region")
		}
	}
	f.insert(t, op)
	return nil
}

// DeleteTenant implements tenant.Store.
func (f *Fake) DeleteTenant(_ context.Context, op tenant.Operation) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	t := f.tenant(op.Tenant)
	if t == nil || t.Account != op.Account {
		return noTenant()
	}
	running := slices.ContainsFunc(f.ops, func(o *operation) bool { return o.Tenant == t.ID && o.Ended.IsZero() })
	if running || (t.State != tenant.StateActive && t.State != tenant.StateSuspended) {
		return fault.Conflict("tenant_busy", "The tenant is being made or deleted, or is deleted already")
	}
	f.insertOperation(op)
	return nil
}

// ListOpen implements tenant.WorkStore.
func (f *Fake) ListOpen(_ context.Context, stale time.Time, limit int) ([]tenant.Operation, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	var out []tenant.Operation
	for _, op := range f.ops {
		if op.Ended.IsZero() && (op.Started.IsZero() || op.Started.Before(stale)) && len(out) < limit {
			o := op.copy()
			o.Steps = nil
			out = append(out, o)
		}
	}
	return out, nil
}

// Begin implements tenant.WorkStore.
func (f *Fake) Begin(_ context.Context, id tenant.OperationID, now time.Time) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	op := f.operation(id)
	if op == nil || !op.Ended.IsZero() {
		return fault.Conflict("ended", "The operation is over")
	}
	op.Status, op.Started = tenant.StatusProvisioning, now
	return nil
}

// SaveSteps implements tenant.WorkStore.
func (f *Fake) SaveSteps(_ context.Context, id tenant.OperationID, changes []tenant.StepChange, now time.Time) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	if op := f.operation(id); op != nil {
		for _, c := range changes {
			op.save(c, now)
		}
	}
	return nil
}

func (o *operation) save(c tenant.StepChange, now time.Time) {
	for i := range o.Steps {
		step := &o.Steps[i]
		settled := step.State == tenant.StepDone || step.State == tenant.StepFailed
		if step.Name != c.Name || (settled && c.State != tenant.StepRunning) {
			continue
		}
		step.State, step.Ended = c.State, time.Time{}
		if step.Started.IsZero() {
			step.Started = now
		}
		if c.State == tenant.StepDone || c.State == tenant.StepFailed {
			step.Ended = now
		}
	}
}

// AssignCell implements tenant.WorkStore.
func (f *Fake) AssignCell(_ context.Context, id tenancy.ID, cell string) (string, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return "", err
	}
	t := f.tenant(id)
	if t == nil {
		return "", noTenant()
	}
	t.Cell = cmp.Or(t.Cell, cell)
	return t.Cell, nil
}

// SaveHostnames implements tenant.WorkStore.
func (f *Fake) SaveHostnames(_ context.Context, id tenancy.ID, hosts []tenant.Hostname) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if there, ok := f.hostnames[h.Host]; ok && there.tenant != id {
			return fault.Conflict("hostname_taken", "Another tenant answers at "+h.Host)
		}
	}
	for _, h := range hosts {
		f.hostnames[h.Host] = hostname{h, id}
	}
	return nil
}

// DeleteHostnames implements tenant.WorkStore.
func (f *Fake) DeleteHostnames(_ context.Context, id tenancy.ID) ([]tenant.Hostname, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	var out []tenant.Hostname
	for host, h := range f.hostnames {
		if h.tenant == id {
			out = append(out, h.Hostname)
			delete(f.hostnames, host)
		}
	}
	return out, nil
}

// ListEntries implements tenant.WorkStore.
func (f *Fake) ListEntries(_ context.Context, after string, limit int) ([]tenant.Entry, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	return f.entries(after, limit, func(hostname) bool { return true }), nil
}

// FindEntries implements tenant.WorkStore.
func (f *Fake) FindEntries(_ context.Context, id tenancy.ID) ([]tenant.Entry, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	return f.entries("", len(f.hostnames), func(h hostname) bool { return h.tenant == id }), nil
}

func (f *Fake) entries(after string, limit int, wanted func(hostname) bool) []tenant.Entry {
	out := []tenant.Entry{}
	for host, h := range f.hostnames {
		t := f.tenant(h.tenant)
		if host <= after || !wanted(h) || t == nil {
			continue
		}
		e := tenant.Entry{Hostname: h.Hostname, Tenant: t.ID, Slug: t.Slug, Region: t.Region, Cell: t.Cell, State: t.State}
		if slices.ContainsFunc(f.ops, func(o *operation) bool {
			return o.Tenant == t.ID && o.Kind == tenant.KindDeleteTenant && o.Ended.IsZero()
		}) {
			e.State = tenant.StateDeleted
		}
		for _, other := range f.hostnames {
			if other.tenant == t.ID && other.Kind == tenant.HostCanonical {
				e.Canonical = other.Host
			}
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b tenant.Entry) int { return cmp.Compare(a.Host, b.Host) })
	return out[:min(limit, len(out))]
}

// FindOwner implements tenant.WorkStore.
func (f *Fake) FindOwner(_ context.Context, id tenancy.ID) (tenant.Member, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return tenant.Member{}, err
	}
	if t := f.tenant(id); t != nil {
		for _, m := range f.members {
			if m.Account == t.Account && m.Role == tenant.RoleOwner {
				return m, nil
			}
		}
	}
	return tenant.Member{}, fault.NotFound("The account has no owner")
}

// Complete implements tenant.WorkStore.
func (f *Fake) Complete(_ context.Context, id tenant.OperationID, result tenant.Result, now time.Time) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	op := f.operation(id)
	if op == nil {
		return noOperation()
	}
	if !op.Ended.IsZero() {
		return nil
	}
	if t := f.tenant(op.Tenant); t.State == tenant.StateProvisioning {
		t.State, t.ManagementClientID = tenant.StateActive, result.ManagementClientID
	}
	if a := f.accounts[op.Account]; a.state == "opening" {
		a.state = "open"
	}
	op.save(tenant.StepChange{Name: tenant.StepMarkReady, State: tenant.StepDone}, now)
	op.Status, op.Ended, op.sealed = tenant.StatusReady, now, bytes.Clone(result.SealedSecret)
	return nil
}

// Fail implements tenant.WorkStore.
func (f *Fake) Fail(_ context.Context, id tenant.OperationID, sentence string, now time.Time) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	op := f.operation(id)
	if op == nil {
		return noOperation()
	}
	if !op.Ended.IsZero() {
		return nil
	}
	if t := f.tenant(op.Tenant); op.Kind != tenant.KindDeleteTenant && t.State == tenant.StateProvisioning {
		t.State = tenant.StateFailed
	}
	if a := f.accounts[op.Account]; op.Kind == tenant.KindSignUp && a.state == "opening" {
		a.state = "released"
		f.members = slices.DeleteFunc(f.members, func(m tenant.Member) bool { return m.Account == op.Account })
	}
	op.Status, op.Ended, op.Error = tenant.StatusFailed, now, sentence
	return nil
}

// CompleteDelete implements tenant.WorkStore.
func (f *Fake) CompleteDelete(_ context.Context, id tenant.OperationID, now time.Time) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	op := f.operation(id)
	if op == nil {
		return noOperation()
	}
	if !op.Ended.IsZero() {
		return nil
	}
	f.tenant(op.Tenant).State = tenant.StateDeleted
	op.save(tenant.StepChange{Name: tenant.StepMarkDeleted, State: tenant.StepDone}, now)
	op.Status, op.Ended = tenant.StatusReady, now
	return nil
}

func (f *Fake) operation(id tenant.OperationID) *operation {
	for _, op := range f.ops {
		if op.ID == id {
			return op
		}
	}
	return nil
}

func (f *Fake) tenant(id tenancy.ID) *tenant.Tenant {
	for _, t := range f.tenants {
		if t.ID == id {
			return t
		}
	}
	return nil
}

func (o *operation) copy() tenant.Operation {
	out := o.Operation
	out.Steps = slices.Clone(o.Steps)
	return out
}

func noOperation() error { return fault.NotFound("There is no such operation") }

func noTenant() error { return fault.NotFound("There is no such tenant") }
