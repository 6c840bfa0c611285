-- name: InsertTransaction :exec
insert into transactions (tenant_id, state_hash, browser_hash, request, session_id, reused, began_at, expires_at)
values (@tenant_id, @state_hash, @browser_hash, @request, @session_id, @reused, @began_at, @expires_at);

-- name: FindTransaction :one
select * from transactions where tenant_id = @tenant_id and state_hash = @state_hash and expires_at > @now;

-- name: AttachSession :execrows
update transactions set session_id = @session_id, reused = false, agreed = false where tenant_id = @tenant_id and state_hash = @state_hash;

-- name: DeleteTransaction :execrows
delete from transactions where tenant_id = @tenant_id and state_hash = @state_hash;

-- name: InsertSession :exec
insert into sessions (tenant_id, id, secret_hash, user_id, connection_id, connection, strategy, auth_time, last_used_at, idle_until, expires_at)
values (@tenant_id, @id, @secret_hash, @user_id, @connection_id, @connection, @strategy, @auth_time, @last_used_at, @idle_until, @expires_at);

-- name: FindSession :one
select * from sessions where tenant_id = @tenant_id and secret_hash = @secret_hash and idle_until > @now;

-- name: TouchSession :execrows
update sessions set last_used_at = @now, idle_until = least(@idle_until, expires_at)
where tenant_id = @tenant_id and id = @id and idle_until > @now;

-- name: DeleteSession :execrows
delete from sessions where tenant_id = @tenant_id and id = @id;

-- name: DeleteTenantTransactions :exec
delete from transactions where tenant_id = @tenant_id;

-- name: DeleteTenantSessions :exec
delete from sessions where tenant_id = @tenant_id;
