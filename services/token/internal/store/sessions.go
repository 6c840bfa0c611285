package store

import (
	"context"
	"errors"
	"time"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

func sessionOf(row sqlcgen.Session) (token.Session, error) {
	s := token.Session{
		ID: row.ID, Secret: hash(row.SecretHash), UserID: row.UserID,
		Connection: token.Connection{ID: row.ConnectionID, Name: row.Connection, Strategy: row.Strategy},
		AuthTime:   row.AuthTime.UTC(), LastUsed: row.LastUsedAt.UTC(), IdleUntil: row.IdleUntil.UTC(), Until: row.ExpiresAt.UTC(),
		Host: row.Host, TenantName: row.TenantName, Created: orZero(row.CreatedAt), Ephemeral: row.Ephemeral, Updated: orZero(row.UpdatedAt),
		First: token.Origin{IP: row.FirstIp, UserAgent: row.FirstUserAgent}, Last: token.Origin{IP: row.LastIp, UserAgent: row.LastUserAgent},
		From: token.Handover{Family: orEmpty(row.FromFamily), Ends: row.EndsWithFamily},
	}
	if s.Created.IsZero() { // the row is of an older release
		s.Created = s.AuthTime
	}
	var err error
	s.Metadata, err = decodeMetadata(row.Metadata)
	return s, err
}

// errEverybody keeps an ending that names nobody from ending all.
var errEverybody = errors.New("an ending that names neither a session nor a user")

// endSessions removes sessions and leaves a message for each client that they let their user into.
func endSessions(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, e token.SessionEnd) ([]sqlcgen.Session, error) {
	if e.SessionID == "" && e.UserID == "" {
		return nil, fault.Internal(errEverybody)
	}
	before := nullTime(e.OpenedBefore)
	locked, err := q.LockSessions(ctx, sqlcgen.LockSessionsParams{TenantID: string(tenant), ID: e.SessionID, UserID: e.UserID, OpenedBefore: before})
	if err != nil || len(locked) == 0 {
		return nil, err
	}
	err = q.AnnounceEnd(ctx, sqlcgen.AnnounceEndParams{
		TenantID: string(tenant), ID: e.SessionID, UserID: e.UserID, OpenedBefore: before, Initiator: string(e.By), Now: e.Now, ExpiresAt: e.Until(),
	})
	if err != nil {
		return nil, err
	}
	return q.EndSessions(ctx, sqlcgen.EndSessionsParams{TenantID: string(tenant), ID: e.SessionID, UserID: e.UserID, OpenedBefore: before})
}

// FindSessionByID implements token.SessionAdmin.
func (s *Store) FindSessionByID(ctx context.Context, tenant tenancy.ID, id string, now time.Time) (found token.Session, err error) {
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		row, err := q.FindSessionByID(ctx, sqlcgen.FindSessionByIDParams{TenantID: string(tenant), ID: id, Now: now})
		if err != nil {
			return err
		}
		list, err := withClients(ctx, q, tenant, []sqlcgen.Session{row})
		if err != nil {
			return err
		}
		found = list[0]
		return nil
	})
	return found, err
}

// ListSessions implements token.SessionAdmin.
func (s *Store) ListSessions(ctx context.Context, tenant tenancy.ID, userID string, p token.Page, now time.Time) (list []token.Session, err error) {
	err = s.read(ctx, tenant, func(q *sqlcgen.Queries) error {
		rows, err := q.ListSessionsOfUser(ctx, sqlcgen.ListSessionsOfUserParams{
			TenantID: string(tenant), UserID: userID, Now: now, After: p.After, MaxRows: int32(p.Limit), //nolint:gosec // bounded by the door
		})
		if err != nil {
			return err
		}
		list, err = withClients(ctx, q, tenant, rows)
		return err
	})
	return list, err
}

// withClients gives sessions with the clients that they let their users into.
func withClients(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, rows []sqlcgen.Session) ([]token.Session, error) {
	ids := make([]string, len(rows))
	list := make([]token.Session, len(rows))
	at := make(map[string]*token.Session, len(rows))
	for i, row := range rows {
		var err error
		if list[i], err = sessionOf(row); err != nil {
			return nil, err
		}
		ids[i], at[row.ID] = row.ID, &list[i]
	}
	clients, err := q.ListClientsOfSessions(ctx, sqlcgen.ListClientsOfSessionsParams{TenantID: string(tenant), SessionIds: ids})
	if err != nil {
		return nil, err
	}
	for _, c := range clients {
		at[c.SessionID].Clients = append(at[c.SessionID].Clients, c.ClientID)
	}
	return list, nil
}

// UpdateSession implements token.SessionAdmin.
func (s *Store) UpdateSession(ctx context.Context, tenant tenancy.ID, id string, metadata map[string]string, now time.Time) (updated token.Session, err error) {
	raw, err := encodeMetadata(metadata)
	if err != nil {
		return token.Session{}, err
	}
	err = s.administer(ctx, tenant, func(a *administration) error {
		row, err := a.UpdateSessionMetadata(ctx, sqlcgen.UpdateSessionMetadataParams{TenantID: string(tenant), ID: id, Metadata: raw, Now: &now})
		if err != nil {
			return err
		}
		list, err := withClients(ctx, a.Queries, tenant, []sqlcgen.Session{row})
		if err != nil {
			return err
		}
		updated = list[0]
		a.entry = logapi.EntryOf(audit.From(ctx).Answered(updated))
		return a.fact(ctx, token.SessionUpdated, kindSession, id, now)
	})
	return updated, err
}

const kindSession = "session"

// EndSessions implements token.SessionAdmin.
func (s *Store) EndSessions(ctx context.Context, tenant tenancy.ID, e token.SessionEnd, all bool) (n int, err error) {
	err = s.administer(ctx, tenant, func(a *administration) error {
		if all && e.SessionID != "" { // codes before the session, as a redemption takes them; those from between the two go below
			if err := drop(ctx, a.Queries, tenant, outstanding{SessionID: e.SessionID}, e.Now); err != nil {
				return err
			}
		}
		gone, err := endSessions(ctx, a.Queries, tenant, e)
		if err != nil {
			return err
		}
		n = len(gone)
		for _, row := range gone {
			if all {
				if err := revokeSession(ctx, a.Queries, tenant, row.ID, e.Now); err != nil {
					return err
				}
			}
			if err := a.fact(ctx, token.SessionEnded, kindSession, row.ID, e.Now); err != nil {
				return err
			}
		}
		if all && n == 0 && e.SessionID != "" { // it ended before, and what came of it may still be there
			if err := revokeSession(ctx, a.Queries, tenant, e.SessionID, e.Now); err != nil {
				return err
			}
		}
		if a.entry != nil { // nothing went, and the call is told of all the same
			return a.fact(ctx, token.SessionEnded, kindSession, e.SessionID, e.Now)
		}
		return nil
	})
	return n, err
}
