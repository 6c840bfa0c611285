-- name: CountTokens :many
-- In one order, so that processes which count for the same clients at once wait for each other instead of killing each other.
insert into token_counts as c (tenant_id, client_id, bucket, began_at, tokens, expires_at)
select @tenant_id, n.client_id, n.bucket, n.began_at, n.tokens, n.expires_at
from (
  select unnest(@client_ids::text[]) as client_id, unnest(@buckets::text[]) as bucket, unnest(@began::timestamptz[]) as began_at,
    unnest(@tokens::bigint[]) as tokens, unnest(@expires::timestamptz[]) as expires_at
) n
order by n.client_id, n.bucket, n.began_at
on conflict (tenant_id, client_id, bucket, began_at) do update set tokens = c.tokens + excluded.tokens
returning client_id, bucket, began_at, tokens;

-- name: DeleteTenantTokenCounts :exec
delete from token_counts where tenant_id = @tenant_id;
