-- name: DropCodes :exec
-- Codes not yet redeemed. One that is just being redeemed is waited for: what it gives is there to see then.
delete from codes
where tenant_id = @tenant_id and expires_at > @now and redeemed_at is null
  and (sqlc.narg(session_id)::text is null or session_id = sqlc.narg(session_id))
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
  and (sqlc.narg(audiences)::text[] is null or coalesce(authorized ->> 'audience', '') = any (sqlc.narg(audiences)::text[]))
  and (not @offline::boolean or authorized -> 'scope' @> '["offline_access"]');

-- name: DropApprovedDevices :exec
delete from device_codes
where tenant_id = @tenant_id and status = 'approved'
  and (sqlc.narg(session_id)::text is null or session_id = sqlc.narg(session_id))
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
  and (sqlc.narg(audiences)::text[] is null or audience = any (sqlc.narg(audiences)::text[]))
  and (not @offline::boolean or authorized -> 'scope' @> '["offline_access"]');

-- name: Revoke :exec
insert into revocations as r (tenant_id, session_id, user_id, client_id, revoked_at, expires_at)
values (@tenant_id, @session_id, @user_id, @client_id, @revoked_at, @expires_at)
on conflict (tenant_id, session_id, user_id, client_id) do update
set revoked_at = greatest(r.revoked_at, excluded.revoked_at), expires_at = greatest(r.expires_at, excluded.expires_at);

-- name: ListTokensOfUsedCodes :many
-- A code that was redeemed while its consent was being withdrawn gave a token that is younger than the revocation. They are deleted one by
-- one, as the oldest refresh tokens are.
select given.token_hash from codes c cross join lateral (
  select t.token_hash from access_tokens t where t.tenant_id = @tenant_id and t.code_hash = c.code_hash offset 0
) given
where c.tenant_id = @tenant_id and c.expires_at > @now and c.redeemed_at is not null and c.user_id = @user_id and c.client_id = @client_id
order by given.token_hash;

-- name: DeleteTenantRevocations :exec
delete from revocations where tenant_id = @tenant_id;
