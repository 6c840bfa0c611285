package store

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// SaveTransaction implements token.LoginStore.
func (s *Store) SaveTransaction(ctx context.Context, tenant tenancy.ID, tx token.Transaction) error {
	request, err := encodeRequest(tx.Request)
	if err != nil {
		return err
	}
	insert := sqlcgen.InsertTransactionParams{
		TenantID: string(tenant), StateHash: tx.State[:], BrowserHash: tx.Browser[:], Request: request, Reused: tx.Reused,
		BeganAt: tx.Began, ExpiresAt: tx.Expires,
	}
	if tx.SessionID != "" {
		insert.SessionID = &tx.SessionID
	}
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error { return q.InsertTransaction(ctx, insert) })
}

// FindTransaction implements token.LoginStore.
func (s *Store) FindTransaction(ctx context.Context, tenant tenancy.ID, state token.Hash, now time.Time) (token.Transaction, error) {
	var row sqlcgen.Transaction
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindTransaction(ctx, sqlcgen.FindTransactionParams{TenantID: string(tenant), StateHash: state[:], Now: now})
		return err
	})
	if err != nil {
		return token.Transaction{}, err
	}
	request, err := decodeRequest(row.Request)
	if err != nil {
		return token.Transaction{}, err
	}
	tx := token.Transaction{
		State: hash(row.StateHash), Browser: hash(row.BrowserHash), Request: request, Began: row.BeganAt.UTC(), Expires: row.ExpiresAt.UTC(),
		Reused: row.Reused, Agreed: row.Agreed,
	}
	if row.SessionID != nil {
		tx.SessionID = *row.SessionID
	}
	return tx, nil
}

// FindSession implements token.LoginStore.
func (s *Store) FindSession(ctx context.Context, tenant tenancy.ID, secret token.Hash, now time.Time) (token.Session, error) {
	var row sqlcgen.Session
	err := s.read(ctx, tenant, func(q *sqlcgen.Queries) (err error) {
		row, err = q.FindSession(ctx, sqlcgen.FindSessionParams{TenantID: string(tenant), SecretHash: secret[:], Now: now})
		return err
	})
	if err != nil {
		return token.Session{}, err
	}
	return sessionOf(row)
}

// OpenSession implements token.LoginStore.
func (s *Store) OpenSession(ctx context.Context, tenant tenancy.ID, o token.Opening) error {
	return s.write(ctx, tenant, &o.Fact, func(q *sqlcgen.Queries) error {
		id := o.Session.ID
		if err := must(q.AttachSession(ctx, sqlcgen.AttachSessionParams{SessionID: &id, TenantID: string(tenant), StateHash: o.State[:]})); err != nil {
			return err
		}
		return openSession(ctx, q, tenant, o)
	})
}

// openSession stores a session in the place of the one that it replaces.
func openSession(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, o token.Opening) error {
	if o.Replaces != "" {
		_, err := endSessions(ctx, q, tenant, token.SessionEnd{SessionID: o.Replaces, By: token.ByLogout, Now: o.Session.LastUsed})
		if err != nil {
			return err
		}
	}
	return q.OpenSession(ctx, sqlcgen.OpenSessionParams{
		TenantID: string(tenant), ID: o.Session.ID, SecretHash: o.Session.Secret[:], UserID: o.Session.UserID,
		ConnectionID: o.Session.Connection.ID, Connection: o.Session.Connection.Name, Strategy: o.Session.Connection.Strategy,
		AuthTime: o.Session.AuthTime, LastUsedAt: o.Session.LastUsed, IdleUntil: o.Session.IdleUntil, ExpiresAt: o.Session.Until,
		Host: o.Session.Host, TenantName: o.Session.TenantName, CreatedAt: &o.Session.Created, Ephemeral: o.Session.Ephemeral, Ip: o.Session.First.IP, UserAgent: o.Session.First.UserAgent,
		FromFamily: orNull(o.Session.From.Family), EndsWithFamily: o.Session.From.Ends,
	})
}

// CompleteTransaction implements token.LoginStore.
func (s *Store) CompleteTransaction(ctx context.Context, tenant tenancy.ID, c token.Completion) error {
	return s.change(ctx, tenant, c.Fact, func(_, last *sqlcgen.Queries) error {
		if err := complete(ctx, last, tenant, c); err != nil {
			return err
		}
		return insertGiven(ctx, last, tenant, c.Given)
	})
}

// complete takes the transaction first and then the session, as OpenSession does: the other way round the two would lock each other out.
func complete(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, c token.Completion) error {
	if err := q.DeleteTransaction(ctx, sqlcgen.DeleteTransactionParams{TenantID: string(tenant), StateHash: c.State[:]}); err != nil {
		return err
	}
	if c.Fact != nil {
		return touchSession(ctx, q, tenant, token.SessionUse{
			SessionID: c.SessionID, ClientID: c.ClientID, Hears: c.Hears, Now: c.Now, IdleUntil: c.IdleUntil, Origin: c.Origin,
		})
	}
	return q.JoinSession(ctx, sqlcgen.JoinSessionParams{TenantID: string(tenant), ID: c.SessionID, ClientID: c.ClientID, Hears: c.Hears, Now: c.Now})
}

// AbandonTransaction implements token.LoginStore.
func (s *Store) AbandonTransaction(ctx context.Context, tenant tenancy.ID, state token.Hash) error {
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		return q.DeleteTransaction(ctx, sqlcgen.DeleteTransactionParams{TenantID: string(tenant), StateHash: state[:]})
	})
}

// ContinueSession implements token.LoginStore.
func (s *Store) ContinueSession(ctx context.Context, tenant tenancy.ID, use token.SessionUse) error {
	return s.change(ctx, tenant, use.Fact, func(_, last *sqlcgen.Queries) error {
		if err := touchSession(ctx, last, tenant, use); err != nil {
			return err
		}
		return insertGiven(ctx, last, tenant, use.Given)
	})
}

// touchSession notes the use of a session; one that has ended is not found.
func touchSession(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, use token.SessionUse) error {
	return q.TouchSession(ctx, sqlcgen.TouchSessionParams{
		Now: use.Now, IdleUntil: use.IdleUntil, TenantID: string(tenant), ID: use.SessionID, ClientID: use.ClientID, Hears: use.Hears,
		Ip: use.Origin.IP, UserAgent: use.Origin.UserAgent,
	})
}

// EndSession implements token.LoginStore.
func (s *Store) EndSession(ctx context.Context, tenant tenancy.ID, e token.SessionEnd, f token.Fact) error {
	return s.write(ctx, tenant, &f, func(q *sqlcgen.Queries) error {
		gone, err := endSessions(ctx, q, tenant, e)
		return must(int64(len(gone)), err)
	})
}
