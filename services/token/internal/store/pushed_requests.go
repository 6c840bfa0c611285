package store

import (
	"context"
	"net/url"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// SavePushed implements token.PushStore.
func (s *Store) SavePushed(ctx context.Context, tenant tenancy.ID, p token.Pushed) error {
	params, err := encode(p.Params)
	if err != nil {
		return err
	}
	return s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		return q.InsertPushed(ctx, sqlcgen.InsertPushedParams{
			TenantID: string(tenant), UriHash: p.URI[:], ClientID: p.ClientID, Params: params, Signed: p.Signed, ExpiresAt: p.Expires,
		})
	})
}

// UsePushed implements token.PushStore.
func (s *Store) UsePushed(ctx context.Context, tenant tenancy.ID, uri token.Hash, now time.Time) (token.Pushed, error) {
	var row sqlcgen.PushedRequest
	err := s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) (err error) {
		row, err = q.UsePushed(ctx, sqlcgen.UsePushedParams{TenantID: string(tenant), UriHash: uri[:], Now: now})
		return err
	})
	if err != nil {
		return token.Pushed{}, err
	}
	params := url.Values{}
	if err := decode(row.Params, &params); err != nil {
		return token.Pushed{}, err
	}
	return token.Pushed{URI: hash(row.UriHash), ClientID: row.ClientID, Params: params, Signed: row.Signed, Expires: row.ExpiresAt.UTC()}, nil
}
