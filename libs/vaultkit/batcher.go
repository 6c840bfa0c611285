package vaultkit

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/fault"
)

// BatchConfig says how signatures are gathered. The zero value works.
type BatchConfig struct {
	// MaxBatch bounds the signatures of one call. Zero means 128.
	MaxBatch int
	// MaxInFlight bounds the calls under way for one key version: enough to keep Vault's cores and the way to it busy. Zero means 4 for
	// RSA and 2 for P-256, whose signatures cost less than the calls: fewer calls, each for more of them, do the same work for less.
	MaxInFlight int
	// MaxWait bounds how long a request is held back for company while other calls for its key are under way; a request that finds
	// none under way is never held back. Zero means 200µs.
	MaxWait time.Duration
	// MaxCalls bounds the calls under way for all keys together. Zero means 32.
	MaxCalls int
	// MaxQueue bounds the requests that wait; one more is refused with fault.Unavailable. Zero means 4096.
	MaxQueue int
}

func (c BatchConfig) withDefaults() BatchConfig {
	for value, standard := range map[*int]int{&c.MaxBatch: 128, &c.MaxCalls: 32, &c.MaxQueue: 4096} {
		if *value <= 0 {
			*value = standard
		}
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 200 * time.Microsecond
	}
	return c
}

func (c BatchConfig) inFlight(alg Alg) int {
	switch {
	case c.MaxInFlight > 0:
		return c.MaxInFlight
	case alg == ES256:
		return 2
	default:
		return 4
	}
}

// Batcher gathers concurrent signatures for one key version into few calls to Vault. Safe for concurrent use; it needs no closing,
// since it runs nothing while nobody waits.
type Batcher struct {
	client *Client
	conf   BatchConfig
	calls  chan struct{} // a place for each call under way
	queued atomic.Int64

	mu    sync.Mutex
	lanes map[KeyRef]*lane // only those with somebody waiting or a call under way
}

// NewBatcher makes a batcher over client.
func NewBatcher(client *Client, conf BatchConfig) *Batcher {
	conf = conf.withDefaults()
	return &Batcher{client: client, conf: conf, calls: make(chan struct{}, conf.MaxCalls), lanes: map[KeyRef]*lane{}}
}

// lane is what waits and what is under way for one key version. Guarded by Batcher.mu.
type lane struct {
	waiting []*request
	workers int // goroutines that call, gather, or wait for a place to call
	signing int // requests in calls under way
	// enough wakes a gathering worker before its time.
	enough chan struct{}
}

// request is one caller's. The worker that takes it answers exactly once.
type request struct {
	digest digest
	parent trace.SpanContext
	left   atomic.Bool // its caller gave up
	done   chan outcome
}

type outcome struct {
	raw []byte
	err error
}

// Sign gives the raw JWS signature (RFC 7515 §5.1) of input by exactly the key version of ref. Vault away, or more waiting than
// MaxQueue, is fault.Unavailable; a signature that Vault refuses, or makes with another version, is fault.Internal for its own
// caller alone. A caller whose ctx ends leaves without disturbing those it was gathered with.
func (b *Batcher) Sign(ctx context.Context, ref KeyRef, input []byte) ([]byte, error) {
	if err := ref.validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, leaving(err)
	}
	if b.queued.Add(1) > int64(b.conf.MaxQueue) {
		b.queued.Add(-1)
		return nil, fault.Unavailable("the key service is busy")
	}
	ctx, span := startSpan(ctx, "vaultkit.Batcher.Sign")
	defer span.End()
	r := &request{digest: ref.Alg.digest(input), parent: trace.SpanContextFromContext(ctx), done: make(chan outcome, 1)}
	b.join(ref, r) //nolint:contextcheck // a call belongs to all it was gathered for; no caller's ctx may end it
	select {
	case o := <-r.done:
		return o.raw, o.err
	case <-ctx.Done():
		r.left.Store(true)
		return nil, leaving(ctx.Err())
	}
}

// Waiting is how many requests wait for a call, over all keys; for metrics.
func (b *Batcher) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, l := range b.lanes {
		n += len(l.waiting)
	}
	return n
}

// join puts r into its lane, and starts a worker where one more may run.
func (b *Batcher) join(ref KeyRef, r *request) {
	b.mu.Lock()
	l := b.lanes[ref]
	if l == nil {
		l = &lane{enough: make(chan struct{}, 1)}
		b.lanes[ref] = l
	}
	l.waiting = append(l.waiting, r)
	start := l.workers < b.conf.inFlight(ref.Alg)
	if start {
		l.workers++
	}
	full := len(l.waiting) >= ref.Alg.company()
	b.mu.Unlock()

	if start {
		go b.work(ref, l)
	} else if full {
		select {
		case l.enough <- struct{}{}:
		default:
		}
	}
}

// work signs for l until nobody waits.
func (b *Batcher) work(ref KeyRef, l *lane) {
	for {
		// Callers whom the last call answered, or who were woken together, are runnable now; letting them run first lets them
		// share a call. With none of them this is a few dozen nanoseconds.
		runtime.Gosched()
		b.gather(ref, l)
		b.calls <- struct{}{}
		batch := b.take(ref, l)
		if len(batch) == 0 {
			<-b.calls
			return
		}
		err := b.sign(ref, batch)
		<-b.calls
		b.mu.Lock()
		l.signing -= len(batch)
		b.mu.Unlock()
		if errors.Is(err, context.DeadlineExceeded) {
			b.dismiss(l, err)
		}
	}
}

// dismiss gives err to all who wait: after a call that Vault did not answer in time they would only wait as long again.
func (b *Batcher) dismiss(l *lane, err error) {
	b.mu.Lock()
	waiting := l.waiting
	l.waiting = nil
	b.queued.Add(-int64(len(waiting)))
	b.mu.Unlock()
	for _, r := range waiting {
		r.done <- outcome{err: err}
	}
}

// gather holds back while too few wait and other calls of the lane are under way, for MaxWait at most.
func (b *Batcher) gather(ref KeyRef, l *lane) {
	b.mu.Lock()
	alone := l.signing == 0
	full := len(l.waiting) >= ref.Alg.company()
	b.mu.Unlock()
	if alone || full {
		return
	}
	timer := time.NewTimer(b.conf.MaxWait)
	defer timer.Stop()
	select {
	case <-l.enough:
	case <-timer.C:
	}
}

// take removes what the next call signs. An empty answer has taken the worker off its lane, too.
func (b *Batcher) take(ref KeyRef, l *lane) []*request {
	b.mu.Lock()
	defer b.mu.Unlock()
	// An even share of all that is wanted keeps the calls alike, so that no core of Vault's waits for the longest of them.
	inFlight := b.conf.inFlight(ref.Alg)
	share := (len(l.waiting) + l.signing + inFlight - 1) / inFlight
	share = min(max(share, ref.Alg.company()), b.conf.MaxBatch)

	batch := make([]*request, 0, min(share, len(l.waiting)))
	taken := 0
	for _, r := range l.waiting {
		if len(batch) == share {
			break
		}
		taken++
		if !r.left.Load() {
			batch = append(batch, r)
		}
	}
	l.waiting = slices.Delete(l.waiting, 0, taken)
	b.queued.Add(-int64(taken))
	l.signing += len(batch)
	if len(batch) == 0 {
		l.workers--
		if l.workers == 0 {
			delete(b.lanes, ref)
		}
	}
	return batch
}

// sign makes one call, answers everyone in it and gives the error of the call. It belongs to none of its callers, so none of
// them can cancel it.
func (b *Batcher) sign(ref KeyRef, batch []*request) error {
	digests := make([]digest, len(batch))
	for i, r := range batch {
		digests[i] = r.digest
	}
	signatures, err := b.client.signBatch(callContext(batch), ref, digests)
	for i, r := range batch {
		if err != nil {
			r.done <- outcome{err: err}
			continue
		}
		raw, err := ref.decode(signatures[i])
		r.done <- outcome{raw: raw, err: err}
	}
	return err
}

// callContext makes a call part of the trace of its first caller who has one.
func callContext(batch []*request) context.Context {
	ctx := context.Background()
	for _, r := range batch {
		if r.parent.IsSampled() {
			return trace.ContextWithSpanContext(ctx, r.parent)
		}
	}
	return ctx
}

// company is how many signatures make a call worth its own cost, which is that of some six by P-256 and a fraction of one by RSA.
func (a Alg) company() int {
	if a == ES256 {
		return 16
	}
	return 4
}

// leaving words a caller's own end of waiting: gone, or out of time for a Vault that is too slow.
func leaving(err error) error {
	if err == context.DeadlineExceeded { //nolint:errorlint // ctx.Err() is never wrapped
		return fault.Unavailable("the key service is away").Because(err)
	}
	return fmt.Errorf("waiting for a signature: %w", err)
}
