// Package quota counts the tokens that clients get for themselves. It counts in memory, so that no request waits for it, and adds what it
// counted to what the other processes of the cell counted every second: that long it may take until a quota is seen to be exhausted, and
// no longer. It decides nothing but whether something is left.
package quota

import (
	"context"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	// maxClients bounds the memory; past it, who got a token longest ago is looked up anew.
	maxClients = 100_000
	// addEvery is how often what was counted is added up with what others counted.
	addEvery = time.Second
	// lastFor bounds the adding up at the end.
	lastFor = 5 * time.Second
)

// Meter is a token.QuotaMeter. Safe for concurrent use.
type Meter struct {
	store  token.QuotaStore
	record token.Recorder // of warnings
	log    *slog.Logger
	now    clock.Now

	clients *lru.Cache[key, *counter]
	mu      sync.Mutex
	changed map[key]*counter // since they were last added up
}

var _ token.QuotaMeter = (*Meter)(nil)

type key struct {
	tenant tenancy.ID
	client string
}

// Deps are what a meter needs.
type Deps struct {
	Store  token.QuotaStore
	Record token.Recorder
	Log    *slog.Logger
	Now    clock.Now
}

// New makes a meter that has counted nothing.
func New(d Deps) *Meter {
	clients, err := lru.New[key, *counter](maxClients)
	if err != nil {
		panic(err) // the size is a constant
	}
	return &Meter{store: d.Store, record: d.Record, log: d.Log, now: d.Now, clients: clients, changed: map[key]*counter{}}
}

// Spend implements token.QuotaMeter.
func (m *Meter) Spend(s token.Spending) ([]token.QuotaBucket, bool) { return m.count(s, 1) }

// Restore implements token.QuotaMeter.
func (m *Meter) Restore(s token.Spending) { m.count(s, -1) }

func (m *Meter) count(s token.Spending, n int64) ([]token.QuotaBucket, bool) {
	windows := s.Quota.Windows(s.Now)
	if len(windows) == 0 {
		return nil, true
	}
	k := key{s.Tenant.ID, s.Client.ID}
	c := m.counter(k)
	ok, changed := c.count(s, windows, n)
	if changed {
		m.mu.Lock()
		m.changed[k] = c
		m.mu.Unlock()
	}
	return windows, ok
}

func (m *Meter) counter(k key) *counter {
	if c, ok := m.clients.Get(k); ok {
		return c
	}
	m.mu.Lock()
	c := m.changed[k] // it fell out of the cache before it was added up
	m.mu.Unlock()
	if c == nil {
		c = &counter{}
	}
	if before, there, _ := m.clients.PeekOrAdd(k, c); there {
		return before
	}
	return c
}

// Run adds up until ctx ends, and once more then.
func (m *Meter) Run(ctx context.Context) error {
	tick := time.NewTicker(addEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFor)
			defer cancel()
			m.Add(last)
			return nil
		case <-tick.C:
			m.Add(ctx)
		}
	}
}

// Add adds what was counted here to what there is, learns what others counted, and tells of quotas that are nearly used up. What cannot
// be added stays for the next time.
func (m *Meter) Add(ctx context.Context) {
	m.mu.Lock()
	changed := m.changed
	m.changed = make(map[key]*counter, len(changed))
	m.mu.Unlock()
	byTenant := map[tenancy.ID][]addition{}
	for k, c := range changed {
		byTenant[k.tenant] = append(byTenant[k.tenant], c.take(k)...)
	}
	for tenant, list := range byTenant {
		counts := make([]token.QuotaCount, len(list))
		for i, a := range list {
			counts[i] = a.count
		}
		totals, err := m.store.CountTokens(ctx, tenant, counts)
		if err != nil {
			m.log.WarnContext(ctx, "tokens of clients not added up", slog.String(telemetry.KeyCause, err.Error()))
			m.keep(list)
			continue
		}
		for i, a := range list {
			a.counter.learn(a.count, totals[i])
			m.warn(ctx, a, totals[i])
		}
	}
}

func (m *Meter) keep(list []addition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range list {
		a.counter.giveBack(a.count)
		m.changed[a.key] = a.counter
	}
}

// warn tells of the highest threshold that this addition passed. Of the additions of all processes one passes each.
func (m *Meter) warn(ctx context.Context, a addition, total int64) {
	f, ok := token.QuotaWarning(a.last, a.count.Bucket, total-a.count.Tokens, total, m.now())
	if !ok {
		return
	}
	if err := m.record.Record(ctx, f); err != nil {
		m.log.WarnContext(ctx, "warning about a quota lost", slog.String(telemetry.KeyCause, err.Error()))
	}
}
