package store

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

var _ token.QuotaStore = (*Store)(nil)

// CountTokens implements token.QuotaStore.
func (s *Store) CountTokens(ctx context.Context, tenant tenancy.ID, counts []token.QuotaCount) ([]int64, error) {
	type name struct {
		client, bucket string
		began          int64
	}
	in := sqlcgen.CountTokensParams{TenantID: string(tenant)}
	at := make(map[name]int, len(counts))
	for i, c := range counts {
		in.ClientIds, in.Buckets, in.Began = append(in.ClientIds, c.ClientID), append(in.Buckets, c.Bucket), append(in.Began, c.Began)
		in.Tokens, in.Expires = append(in.Tokens, c.Tokens), append(in.Expires, c.Ends)
		at[name{c.ClientID, c.Bucket, c.Began.UnixNano()}] = i
	}
	totals := make([]int64, len(counts))
	err := s.write(ctx, tenant, nil, func(q *sqlcgen.Queries) error {
		rows, err := q.CountTokens(ctx, in)
		for _, row := range rows {
			totals[at[name{row.ClientID, row.Bucket, row.BeganAt.UnixNano()}]] = row.Tokens
		}
		return err
	})
	return totals, err
}
