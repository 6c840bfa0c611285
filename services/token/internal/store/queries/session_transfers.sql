-- name: InsertTransfer :exec
insert into session_transfers (tenant_id, token_hash, refresh_id, ip, ends, issued_at, expires_at)
values (@tenant_id, @token_hash, @refresh_id, @ip, @ends, @issued_at, @expires_at);

-- name: FindTransfer :one
select x.*, r.user_id, r.connection_id, r.connection, r.strategy, r.auth_time
from session_transfers x join refresh_tokens r on r.tenant_id = x.tenant_id and r.id = x.refresh_id
where x.tenant_id = @tenant_id and x.token_hash = @token_hash and x.expires_at > @now::timestamptz
  and (r.idle_until is null or r.idle_until > @now::timestamptz) and (r.expires_at is null or r.expires_at > @now::timestamptz);

-- name: UseTransfer :one
delete from session_transfers where tenant_id = @tenant_id and token_hash = @token_hash and expires_at > @now returning refresh_id;

-- name: HoldRefreshToken :one
-- Whoever revokes the family waits for what is handed on by it, and finds it.
select count(*) from (
  select from refresh_tokens where tenant_id = @tenant_id and id = @id
    and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
  for key share
) held;

-- name: ListSessionsFrom :many
-- In one order, as LockSessions takes them.
select id from sessions where tenant_id = @tenant_id and from_family = any (@families::text[]) and ends_with_family order by id;

-- name: DeleteRefreshTokensFrom :many
delete from refresh_tokens where tenant_id = @tenant_id and from_family = any (@families::text[]) and ends_with_family returning id;

-- name: DeleteTenantTransfers :exec
delete from session_transfers where tenant_id = @tenant_id;
