-- name: InsertCode :exec
insert into codes (tenant_id, code_hash, client_id, user_id, session_id, authorized, issued_at, expires_at)
values (@tenant_id, @code_hash, @client_id, @user_id, @session_id, @authorized, @issued_at, @expires_at);

-- name: FindCode :one
select * from codes where tenant_id = @tenant_id and code_hash = @code_hash and expires_at > @now;

-- name: RedeemCode :exec
with redeemed as (
  update codes set redeemed_at = @now, refresh_id = @refresh_id
  where tenant_id = @tenant_id and code_hash = @code_hash and expires_at > @now and redeemed_at is null returning 1
)
select require_row(count(*)) from redeemed;

-- name: InsertAccessToken :exec
insert into access_tokens (tenant_id, token_hash, client_id, user_id, session_id, scope, code_hash, refresh_id, claims, thumbprint, issued_at, expires_at)
values (@tenant_id, @token_hash, @client_id, @user_id, @session_id, @scope, @code_hash, @refresh_id, @claims, @thumbprint, @issued_at, @expires_at);

-- name: FindAccessToken :one
select * from access_tokens a
where a.tenant_id = @tenant_id and a.token_hash = @token_hash and a.expires_at > @now
  and not exists (select from revocations r where r.tenant_id = a.tenant_id and r.session_id = a.session_id and r.user_id = '' and r.client_id = '')
  and not exists (
    select from revocations r
    where r.tenant_id = a.tenant_id and r.session_id = '' and r.user_id = a.user_id and r.client_id = a.client_id and r.revoked_at >= a.issued_at
  );

-- name: DeleteTokensOfCode :exec
delete from access_tokens where tenant_id = @tenant_id and code_hash = @code_hash;

-- name: DeleteTenantCodes :exec
delete from codes where tenant_id = @tenant_id;

-- name: DeleteTenantAccessTokens :exec
delete from access_tokens where tenant_id = @tenant_id;
