package auditlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// ErrNotFound is what a reader of an entry that is not there, or is another tenant's, gets.
var ErrNotFound = fault.NotFound("The log event does not exist.")

const (
	// ahead is how many days there is room for before they come: so long may upkeep fail unnoticed.
	ahead = 7
	// skew is how far into the future an event may be dated: the clocks of a cell's machines are not one.
	skew = 24 * time.Hour
	// upkeepEvery is how often room is made and given up.
	upkeepEvery = time.Hour
)

// Deps of a Service.
type Deps struct {
	Store Store
	Log   *slog.Logger
	Now   clock.Now
	// Retention is how long entries are kept, in whole days. Zero means 30 days.
	Retention time.Duration
}

// Service holds the verbs. Safe for concurrent use.
type Service struct{ Deps }

// NewService makes a Service.
func NewService(deps Deps) *Service {
	if deps.Retention == 0 {
		deps.Retention = 30 * 24 * time.Hour
	}
	return &Service{deps}
}

// Ingest stores entries in their order. What can never be stored is parked: logged with all that identifies it and left out, so that
// it stops nobody's log. An error means that nothing is certain and the same entries should come again; repeats are stored once.
func (s *Service) Ingest(ctx context.Context, entries []Entry) error {
	now := s.Now().UTC()
	oldest, newest := s.first(now), now.Add(skew)
	kept := make([]Entry, 0, len(entries))
	for _, e := range entries {
		switch {
		case e.Date.Before(oldest):
			s.Log.InfoContext(ctx, "event older than the retention", slog.String("event_id", e.EventID))
			continue
		case e.Date.After(newest):
			s.Log.ErrorContext(ctx, "event parked", slog.String("event_id", e.EventID), slog.String("tenant_id", string(e.Tenant)),
				slog.String("cause", "dated in the future"))
			continue
		}
		e.clean()
		kept = append(kept, e)
	}
	if len(kept) == 0 {
		return nil
	}
	_, err := s.Store.Append(ctx, kept, now)
	if !fault.Is(err, fault.KindInvalid) {
		return err
	}
	if err := s.Upkeep(ctx); err != nil { // the days may be missing
		return err
	}
	return s.bisect(ctx, kept)
}

// bisect stores what can be stored of entries of which one cannot, and parks that one.
func (s *Service) bisect(ctx context.Context, entries []Entry) error {
	_, err := s.Store.Append(ctx, entries, s.Now().UTC())
	switch {
	case !fault.Is(err, fault.KindInvalid):
		return err
	case len(entries) == 1:
		e := entries[0]
		s.Log.ErrorContext(ctx, "event parked", slog.String("event_id", e.EventID), slog.String("tenant_id", string(e.Tenant)),
			slog.String("type", e.Type), slog.String("cause", err.Error()))
		return nil
	}
	half := len(entries) / 2
	if err := s.bisect(ctx, entries[:half]); err != nil {
		return err
	}
	return s.bisect(ctx, entries[half:])
}

func (s *Service) first(now time.Time) time.Time {
	return now.Add(-s.Retention).Truncate(24 * time.Hour)
}

// Upkeep makes room for the days to come and gives up those past the retention.
func (s *Service) Upkeep(ctx context.Context) error {
	now := s.Now().UTC()
	return s.Store.Maintain(ctx, s.first(now), now.Truncate(24*time.Hour).AddDate(0, 0, ahead))
}

// KeepUp is the task that does Upkeep every hour until ctx ends.
func (s *Service) KeepUp(ctx context.Context) error {
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	for {
		if err := s.Upkeep(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "log partitions not kept up", slog.String("cause", err.Error()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Search gives a page of what matches.
func (s *Service) Search(ctx context.Context, tenant tenancy.ID, q Query) ([]Entry, error) {
	return s.Store.Search(ctx, tenant, q)
}

// After gives the entries taken in behind one, in that order; "" is the beginning.
func (s *Service) After(ctx context.Context, tenant tenancy.ID, id ID, limit int, usersOnly bool) ([]Entry, error) {
	var seq int64
	if id != "" {
		var ok bool
		if seq, ok = id.Seq(); !ok {
			return nil, fault.Invalid("invalid_query_string", "Query validation error: 'Object didn't pass validation for format log-id' on property from (Log Event Id to start retrieving logs).")
		}
	}
	return s.Store.After(ctx, tenant, seq, limit, usersOnly)
}

// Find gives one entry, or ErrNotFound.
func (s *Service) Find(ctx context.Context, tenant tenancy.ID, id ID) (Entry, error) {
	if _, ok := id.Seq(); !ok {
		return Entry{}, ErrNotFound
	}
	return s.Store.Find(ctx, tenant, id)
}

// Daily counts per day, both days included.
func (s *Service) Daily(ctx context.Context, tenant tenancy.ID, from, to time.Time) ([]Day, error) {
	return s.Store.Daily(ctx, tenant, from, to.AddDate(0, 0, 1))
}

// ActiveUsers counts the users active in the last 30 days.
func (s *Service) ActiveUsers(ctx context.Context, tenant tenancy.ID) (int, error) {
	return s.Store.ActiveUsers(ctx, tenant, s.Now().UTC().AddDate(0, 0, -30))
}

// RemoveTenant deletes all the tenant has; a repeat is fine.
func (s *Service) RemoveTenant(ctx context.Context, tenant tenancy.ID) error {
	return s.Store.RemoveTenant(ctx, tenant)
}
