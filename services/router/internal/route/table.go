package route

import (
	"strings"
	"sync"
	"unique"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Table is the directory in memory: exact host → entry. Safe for concurrent use; a lookup is one map read.
type Table struct {
	mu    sync.RWMutex
	hosts map[string]row
}

// row is an Entry whose repeated words are stored once: a million hosts share a handful of regions and cells.
type row struct {
	tenant    tenancy.ID
	name      string
	canonical string
	place     unique.Handle[place]
}

type place struct {
	region, cell string
	kind         Kind
	state        State
}

// NewTable makes an empty table.
func NewTable() *Table { return &Table{hosts: map[string]row{}} }

// Find gives the entry of a normal host. A host that nobody owns, or whose tenant is deleted, is fault.NotFound: there is no default tenant.
func (t *Table) Find(host string) (Entry, error) {
	t.mu.RLock()
	r, ok := t.hosts[host]
	t.mu.RUnlock()
	if !ok {
		return Entry{}, fault.NotFound("No tenant answers at this host")
	}
	e := r.entry()
	if e.State == StateDeleted {
		return Entry{}, fault.NotFound("No tenant answers at this host")
	}
	return e, nil
}

// FindMTLS gives the entry of a tenant's host by the name where its clients show certificates (RFC 8705 §5), and that host. A host that
// is somebody's own is not such a name, however it begins.
func (t *Table) FindMTLS(name string) (host string, e Entry, err error) {
	host, ok := strings.CutPrefix(name, tenancy.MTLSLabel)
	if !ok || t.Has(name) {
		return "", Entry{}, fault.NotFound("No tenant answers at this host")
	}
	e, err = t.Find(host)
	return host, e, err
}

// Has reports whether the directory knows the host in a state that may have a certificate.
func (t *Table) Has(host string) bool {
	_, err := t.Find(host)
	return err == nil
}

// Put sets the entry of a normal host.
func (t *Table) Put(host string, e Entry) {
	r := row{tenant: e.Tenant, name: e.Name, canonical: e.Canonical, place: unique.Make(place{e.Region, e.Cell, e.Kind, e.State})}
	if e.Canonical == host {
		r.canonical = host // the same bytes, not a second copy
	}
	t.mu.Lock()
	t.hosts[host] = r
	t.mu.Unlock()
}

// Remove forgets a host.
func (t *Table) Remove(host string) {
	t.mu.Lock()
	delete(t.hosts, host)
	t.mu.Unlock()
}

// Keep forgets every host that keep does not hold: the end of a full snapshot.
func (t *Table) Keep(keep map[string]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for host := range t.hosts {
		if !keep[host] {
			delete(t.hosts, host)
		}
	}
}

// All gives a copy of the whole directory.
func (t *Table) All() map[string]Entry {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make(map[string]Entry, len(t.hosts))
	for host, r := range t.hosts {
		out[host] = r.entry()
	}
	return out
}

// Len is how many hosts the table knows.
func (t *Table) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.hosts)
}

func (r row) entry() Entry {
	p := r.place.Value()
	return Entry{Tenant: r.tenant, Name: r.name, Region: p.region, Cell: p.cell, Kind: p.kind, State: p.state, Canonical: r.canonical}
}
