// Package storetest holds what tests of settings stand on: the contract of tenant.SettingsStore, and a fake that keeps it.
package storetest

import (
	"context"
	"maps"
	"sync"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// Fake keeps the contract in memory. Safe for concurrent use.
type Fake struct {
	mu       sync.Mutex
	settings map[tenancy.ID]tenant.Settings
	failures []error
}

// NewFake makes an empty store.
func NewFake() *Fake { return &Fake{settings: map[tenancy.ID]tenant.Settings{}} }

// FailNext makes the next call fail with err; several wait in line.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, err)
}

func (f *Fake) enter() (leave func(), err error) {
	f.mu.Lock()
	if len(f.failures) > 0 {
		err, f.failures = f.failures[0], f.failures[1:]
	}
	return f.mu.Unlock, err
}

// Create implements tenant.SettingsStore.
func (f *Fake) Create(_ context.Context, id tenancy.ID, s tenant.Settings) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	if _, ok := f.settings[id]; !ok {
		f.settings[id] = maps.Clone(s)
	}
	return nil
}

// Find implements tenant.SettingsStore.
func (f *Fake) Find(_ context.Context, id tenancy.ID) (tenant.Settings, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	s, ok := f.settings[id]
	if !ok {
		return nil, fault.NotFound("The tenant has no settings")
	}
	return maps.Clone(s), nil
}

// Update implements tenant.SettingsStore.
func (f *Fake) Update(_ context.Context, id tenancy.ID, change func(tenant.Settings) (tenant.Settings, error)) (tenant.Settings, error) {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return nil, err
	}
	old, ok := f.settings[id]
	if !ok {
		return nil, fault.NotFound("The tenant has no settings")
	}
	updated, err := change(maps.Clone(old))
	if err != nil {
		return nil, err
	}
	f.settings[id] = updated
	return maps.Clone(updated), nil
}

// Remove implements tenant.SettingsStore.
func (f *Fake) Remove(_ context.Context, id tenancy.ID) error {
	leave, err := f.enter()
	defer leave()
	if err != nil {
		return err
	}
	delete(f.settings, id)
	return nil
}
