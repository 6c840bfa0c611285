-- name: InsertTransaction :exec
insert into transactions (tenant_id, state_hash, browser_hash, request, session_id, reused, began_at, expires_at)
values (@tenant_id, @state_hash, @browser_hash, @request, @session_id, @reused, @began_at, @expires_at);

-- name: FindTransaction :one
select * from transactions where tenant_id = @tenant_id and state_hash = @state_hash and expires_at > @now;

-- name: AttachSession :execrows
update transactions set session_id = @session_id, reused = false, agreed = false where tenant_id = @tenant_id and state_hash = @state_hash;

-- name: DeleteTransaction :exec
with gone as (delete from transactions where tenant_id = @tenant_id and state_hash = @state_hash returning 1)
select require_row(count(*)) from gone;

-- name: OpenSession :exec
insert into sessions (tenant_id, id, secret_hash, user_id, connection_id, connection, strategy, auth_time, last_used_at, idle_until, expires_at,
  host, ephemeral, first_ip, first_user_agent, last_ip, last_user_agent, created_at, tenant_name, from_family, ends_with_family)
values (@tenant_id, @id, @secret_hash, @user_id, @connection_id, @connection, @strategy, @auth_time, @last_used_at, @idle_until, @expires_at,
  @host, @ephemeral, @ip, @user_agent, @ip, @user_agent, @created_at, @tenant_name, sqlc.narg(from_family)::text, @ends_with_family)
on conflict (tenant_id, id) do update
set secret_hash = excluded.secret_hash, auth_time = excluded.auth_time, last_used_at = excluded.last_used_at, idle_until = excluded.idle_until,
    expires_at = excluded.expires_at, ephemeral = excluded.ephemeral, last_ip = excluded.last_ip, last_user_agent = excluded.last_user_agent,
    from_family = excluded.from_family, ends_with_family = excluded.ends_with_family
where sessions.user_id = excluded.user_id and sessions.host = excluded.host;

-- name: FindSession :one
select * from sessions where tenant_id = @tenant_id and secret_hash = @secret_hash and idle_until > @now;

-- name: TouchSession :exec
with touched as (
  update sessions s set last_used_at = @now, idle_until = least(@idle_until, s.expires_at), last_ip = @ip, last_user_agent = @user_agent
  where s.tenant_id = @tenant_id and s.id = @id and s.idle_until > @now
  returning s.tenant_id, s.id
), joined as (
  insert into session_clients as c (tenant_id, session_id, client_id, hears) select t.tenant_id, t.id, @client_id::text, @hears::boolean from touched t
  where not exists ( -- a conflict would lock the row, which is a write
    select from session_clients k where k.tenant_id = t.tenant_id and k.session_id = t.id and k.client_id = @client_id::text and k.hears = @hears::boolean
  )
  on conflict (tenant_id, session_id, client_id) do update set hears = excluded.hears where c.hears <> excluded.hears
)
select require_row(count(*)) from touched;

-- name: DeleteTenantTransactions :exec
delete from transactions where tenant_id = @tenant_id;

-- name: DeleteTenantSessions :exec
delete from sessions where tenant_id = @tenant_id;
