package pgkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-id/postern/libs/telemetry"
)

const (
	relayBatch = 500
	// relayBytes bounds what a batch holds in memory.
	relayBytes = 8 << 20
	relayPoll  = 200 * time.Millisecond
	// relayGap is the least time between two looks: under load a look finds many facts, which cost a fraction of one by one, and a
	// fact after a rest does not wait.
	relayGap     = 20 * time.Millisecond
	relayStandby = time.Second // how often a second relay asks whether the first is gone
	relayMaxWait = 2 * time.Second
	// relayTimeout bounds each exchange with Postgres and each publishing of a batch.
	relayTimeout = 15 * time.Second
)

// Relay publishes a schema's outbox: in id order, at least once, each tenant's facts in order. However many processes run one, a
// schema has one relay at work at a time. It survives the absence of Postgres and of the publisher, with back-off, and loses
// nothing: a fact is deleted only after it was acknowledged. A crash between the two publishes it again under the same event ID.
//
// Make it with a composite literal; it must not be copied after first use.
type Relay struct {
	Pool   *pgxpool.Pool
	Schema string
	// Publish returns nil once the fact is stored for good, and stores a fact of the same eventID only once. ctx is in the trace of
	// the change.
	Publish func(ctx context.Context, subject, eventID string, payload []byte) error
	// PublishAll, when set, is used instead of Publish: it publishes n facts in their order and returns one error for each, nil
	// for those that are stored. natskit.Conn.PublishAll is one; it spares the round trip per fact. traceparent is the change's,
	// empty when nobody traces.
	PublishAll func(ctx context.Context, n int, at func(i int) (subject, eventID, traceparent string, payload []byte)) []error
	Log        *slog.Logger

	once sync.Once
	kick chan struct{}
}

func (r *Relay) kicks() chan struct{} {
	r.once.Do(func() { r.kick = make(chan struct{}, 1) })
	return r.kick
}

// Kick wakes the relay at once; call it after a commit that appended. It never blocks, and without it the relay looks every 200 ms.
func (r *Relay) Kick() {
	select {
	case r.kicks() <- struct{}{}:
	default:
	}
}

// Run relays until ctx ends, and returns nil then.
func (r *Relay) Run(ctx context.Context) error {
	if !plainName.MatchString(r.Schema) {
		return fmt.Errorf("relay of schema %q: not a plain lower-case name", r.Schema)
	}
	wait := relayPoll
	for ctx.Err() == nil {
		worked, err := r.session(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // asked to stop
		}
		if worked {
			wait = relayPoll
		}
		if err != nil {
			r.Log.WarnContext(ctx, "outbox relay interrupted", slog.String("schema", r.Schema), slog.String(telemetry.KeyCause, err.Error()))
		}
		r.sleep(ctx, wait, false)
		wait = min(2*wait, relayMaxWait)
	}
	return nil
}

// session relays over one connection of its own, outside the pool's count, until that fails. worked tells whether it came to
// hold the lock.
func (r *Relay) session(ctx context.Context) (worked bool, err error) {
	pooled, err := acquire(ctx, r.Pool)
	if err != nil {
		return false, fmt.Errorf("connecting: %w", err)
	}
	conn := pooled.Hijack()
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(bye) // the lock goes with the connection
	}()

	setup, cancel := context.WithTimeout(ctx, relayTimeout)
	_, err = conn.Exec(setup, "set postern.relay = 'on'")
	cancel()
	if err != nil {
		return false, fmt.Errorf("naming the relay: %w", err)
	}
	if err := r.lock(ctx, conn); err != nil {
		return false, err
	}
	r.Log.DebugContext(ctx, "outbox relay at work", slog.String("schema", r.Schema))

	backOff := relayPoll
	for ctx.Err() == nil {
		looked := time.Now() //nolint:forbidigo // a pace, which is the machine's time
		took, acked, err := r.batch(ctx, conn)
		switch {
		case errors.Is(err, errPublish):
			if ctx.Err() != nil {
				return true, nil
			}
			r.Log.WarnContext(ctx, "outbox facts not published", slog.String("schema", r.Schema),
				slog.Int(telemetry.KeyCount, took-acked), slog.String(telemetry.KeyCause, err.Error()))
			if acked > 0 {
				backOff = relayPoll
			}
			r.sleep(ctx, backOff, false)
			backOff = min(2*backOff, relayMaxWait)
		case err != nil:
			return true, err
		default:
			backOff = relayPoll
			if took < relayBatch/2 { // else there is more
				r.sleep(ctx, relayPoll, true)
				r.sleep(ctx, relayGap-time.Since(looked), false)
			}
		}
	}
	return true, nil
}

// lock waits until this relay is the schema's only one.
func (r *Relay) lock(ctx context.Context, conn *pgx.Conn) error {
	key := lockKey("postern/relay/" + r.Schema)
	for {
		var got bool
		ask, cancel := context.WithTimeout(ctx, relayTimeout)
		err := conn.QueryRow(ask, "select pg_try_advisory_lock($1)", key).Scan(&got)
		cancel()
		if err != nil {
			return fmt.Errorf("taking the relay lock: %w", err)
		}
		if got {
			return nil
		}
		r.sleep(ctx, relayStandby, false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

type fact struct {
	id                                    int64
	tenant, subject, eventID, traceparent string
	payload                               []byte
}

// errPublish marks a failure of the publisher, which is no reason to leave the connection.
var errPublish = errors.New("publishing")

// batch publishes the oldest facts and deletes those that are acknowledged, unless an older one of the same tenant is not: that
// one goes first again, and the publisher drops the repeats by event ID.
func (r *Relay) batch(ctx context.Context, conn *pgx.Conn) (took, acked int, err error) {
	ask, cancel := context.WithTimeout(ctx, relayTimeout)
	defer cancel()
	facts, err := r.oldest(ask, conn)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the outbox: %w", err)
	}
	if len(facts) == 0 {
		return 0, 0, nil
	}
	send, cancel := context.WithTimeout(ctx, relayTimeout)
	defer cancel()
	errs := r.publish(send, facts)

	var failed error
	stuck := map[string]bool{}
	var ids []int64
	for i, f := range facts {
		if stuck[f.tenant] {
			continue
		}
		if errs[i] != nil {
			stuck[f.tenant] = true
			if failed == nil {
				failed = fmt.Errorf("%w: %s: %w", errPublish, f.subject, errs[i])
			}
			continue
		}
		ids = append(ids, f.id)
	}
	if len(ids) > 0 {
		// What was acknowledged is deleted even when ctx has ended meanwhile.
		del, cancel := context.WithTimeout(context.WithoutCancel(ctx), relayTimeout)
		defer cancel()
		if _, err := conn.Exec(del, "delete from outbox where id = any($1)", ids); err != nil {
			return len(facts), 0, fmt.Errorf("deleting published facts: %w", err)
		}
	}
	return len(facts), len(ids), failed
}

func (r *Relay) oldest(ctx context.Context, conn *pgx.Conn) ([]fact, error) {
	rows, err := conn.Query(ctx, "select id, tenant_id, subject, event_id, coalesce(traceparent, ''), payload from outbox order by id limit $1", relayBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var facts []fact
	for size := 0; size < relayBytes && rows.Next(); {
		var f fact
		if err := rows.Scan(&f.id, &f.tenant, &f.subject, &f.eventID, &f.traceparent, &f.payload); err != nil {
			return nil, err
		}
		size += len(f.payload)
		facts = append(facts, f)
	}
	rows.Close()
	return facts, rows.Err()
}

// publish gives one error per fact. After a failure the later facts of the same tenant are not even tried, so that the publisher
// sees them in order.
func (r *Relay) publish(ctx context.Context, facts []fact) []error {
	if r.PublishAll != nil {
		return r.PublishAll(ctx, len(facts), func(i int) (string, string, string, []byte) {
			return facts[i].subject, facts[i].eventID, facts[i].traceparent, facts[i].payload
		})
	}
	errs := make([]error, len(facts))
	stuck := map[string]error{}
	for i, f := range facts {
		if errs[i] = stuck[f.tenant]; errs[i] != nil {
			continue
		}
		if errs[i] = r.Publish(telemetry.Continue(ctx, f.traceparent), f.subject, f.eventID, f.payload); errs[i] != nil {
			stuck[f.tenant] = errs[i]
		}
	}
	return errs
}

// sleep waits for d or the end of ctx; when wakeable, a Kick ends it too.
func (r *Relay) sleep(ctx context.Context, d time.Duration, wakeable bool) {
	var kick chan struct{}
	if wakeable {
		kick = r.kicks()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-kick:
	}
}
