package token

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// SessionAdmin is what administrators do with sessions, each of their own tenant only. What is over at now is not there. Sessions come
// with the clients that they let their users into. A change leaves the caller's audit line, in one step with it.
type SessionAdmin interface {
	// FindSessionByID gives a session by its public name; unknown is fault.NotFound.
	FindSessionByID(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (Session, error)
	// ListSessions gives a part of a user's sessions in the order of their IDs.
	ListSessions(ctx context.Context, tenant tenancy.ID, userID string, p Page, now time.Time) ([]Session, error)
	// UpdateSession puts metadata in the place of what was there and gives what the session is then; unknown is fault.NotFound.
	UpdateSession(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string, now time.Time) (Session, error)
	// EndSessions removes the sessions and leaves a message for each of their clients and a fact for each of them, in one step; with all,
	// what came of them goes, too: refresh and opaque tokens, codes and device codes that nobody redeemed yet. It gives how many went;
	// none is no error, and the caller's audit line is left all the same.
	EndSessions(ctx context.Context, tenant tenancy.ID, e SessionEnd, all bool) (int, error)
}

// Sessions is what administrators do with sessions, and what follows for them from what happens to users.
type Sessions struct {
	Store SessionAdmin
	Users Users
	Now   clock.Now
}

// Find gives a session by its public name.
func (s *Sessions) Find(ctx context.Context, tenant tenancy.ID, id string) (Session, error) {
	found, err := s.Store.FindSessionByID(ctx, tenant, id, s.Now())
	return found, noSession(err)
}

// List gives a part of a user's sessions, one more than the limit where there are more.
func (s *Sessions) List(ctx context.Context, tenant tenancy.ID, userID string, p Page) ([]Session, error) {
	return s.Store.ListSessions(ctx, tenant, userID, p, s.Now())
}

// SetMetadata puts metadata in the place of what the session has; none takes it all away.
func (s *Sessions) SetMetadata(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string) (Session, error) {
	if err := checkMetadata("session_metadata", metadata); err != nil {
		return Session{}, err
	}
	updated, err := s.Store.UpdateSession(ctx, tenant, id, metadata, s.Now())
	return updated, noSession(err)
}

// End ends a session, or a user's; all takes along what came of it, which outlives a logout. One that is gone is fine.
func (s *Sessions) End(ctx context.Context, tenant tenancy.ID, id, userID string, all bool) error {
	_, err := s.Store.EndSessions(ctx, tenant, SessionEnd{SessionID: id, UserID: userID, By: ByRevocation, Now: s.Now()}, all)
	return err
}

// Follow ends the sessions that are over because of what happened to their user: those of one who is gone or blocked, and those from
// before what they log in with last changed. Nobody could use them any more; their clients hear of it here. Most users to whom something
// happens have none, and then nobody is asked what it was.
func (s *Sessions) Follow(ctx context.Context, tenant tenancy.ID, userID string) error {
	if list, err := s.Store.ListSessions(ctx, tenant, userID, Page{Limit: 1}, s.Now()); err != nil || len(list) == 0 {
		return err
	}
	u, err := s.Users.FindUser(ctx, tenant, userID)
	e := SessionEnd{UserID: userID, Now: s.Now()}
	switch {
	case fault.Is(err, fault.KindNotFound):
		e.By = ByDeletion
	case err != nil:
		return err
	case u.Blocked:
		e.By = ByDeactivation
	case u.LoginsValidFrom.IsZero():
		return nil
	default:
		e.OpenedBefore = u.LoginsValidFrom
		switch {
		case u.PasswordChanged.Equal(u.LoginsValidFrom):
			e.By = ByPassword
		case u.CreatedAt.Equal(u.LoginsValidFrom): // somebody new, under a name that was somebody else's
			e.By = ByDeletion
		default:
			e.By = ByIdentifier
		}
	}
	_, err = s.Store.EndSessions(ctx, tenant, e, false)
	return err
}

func noSession(err error) error {
	if fault.Is(err, fault.KindNotFound) {
		return fault.New(fault.KindNotFound, "inexistent_session", "The session does not exist.")
	}
	return err
}
