-- name: InsertRefreshToken :exec
insert into refresh_tokens (
  tenant_id, id, tag_key, counter, current_hashes, previous_hashes, rotated_at, rotating, client_id, user_id, session_id, online_session, audience, scope, thumbprint,
  connection_id, connection, strategy, auth_time, want_auth_time, id_token_claims, userinfo_claims, created_at, last_exchanged_at, idle_until, expires_at, dead_from,
  first_ip, first_user_agent, last_ip, last_user_agent, metadata, from_family, ends_with_family
) values (
  @tenant_id, @id, @tag_key, @counter, @current_hashes, @previous_hashes, @rotated_at, @rotating, @client_id, @user_id, @session_id, @online_session, @audience, @scope, @thumbprint,
  @connection_id, @connection, @strategy, @auth_time, @want_auth_time, @id_token_claims, @userinfo_claims, @created_at, @last_exchanged_at, sqlc.narg(idle_until)::timestamptz, sqlc.narg(expires_at)::timestamptz,
  date_trunc('hour', least(sqlc.narg(idle_until)::timestamptz, sqlc.narg(expires_at)::timestamptz), 'UTC') + interval '1 hour',
  @first_ip, @first_user_agent, @last_ip, @last_user_agent, @metadata, sqlc.narg(from_family)::text, @ends_with_family
);

-- name: HoldSession :one
-- Whoever ends the session waits for what is given by it, and finds it.
select count(*) from (select from sessions where tenant_id = @tenant_id and id = @id and idle_until > @now for key share) held;

-- name: ListOldestRefreshTokens :many
-- In one order with all who lock more than one. They are deleted one by one: a planner that thinks the tables small, as it does of new
-- tenants, would read all that the tenant has to find several, by whatever names them.
select old.id from (
  select r.id from refresh_tokens r where r.tenant_id = @tenant_id and r.user_id = @user_id and r.client_id = @client_id and (r.online_session is not null) = @online::boolean
  order by r.created_at desc offset @keep
) old order by old.id;

-- name: FindRefreshToken :one
select * from refresh_tokens
where tenant_id = @tenant_id and id = @id and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz);

-- name: RotateNewest :exec
-- RotateRefreshToken of a token that is the newest, as nearly all are, in one message with what follows.
with rotated as (update refresh_tokens set
  counter = counter + 1, previous_hashes = current_hashes, current_hashes = array[@next::bytea], rotated_at = @now::timestamptz, rotating = @rotating,
  last_exchanged_at = @now::timestamptz, idle_until = sqlc.narg(idle_until)::timestamptz, dead_from = date_trunc('hour', least(sqlc.narg(idle_until)::timestamptz, expires_at), 'UTC') + interval '1 hour', last_ip = @last_ip, last_user_agent = @last_user_agent,
  thumbprint = coalesce(thumbprint, sqlc.narg(thumbprint)::text)
where tenant_id = @tenant_id and id = @id and @presented::bytea = any (current_hashes)
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
returning 1)
select require_row(count(*)) from rotated;

-- name: RotateRefreshToken :one
-- The row lock lets one of concurrent exchanges of a token win; the others look at what it left.
update refresh_tokens set
  counter = counter + 1, previous_hashes = current_hashes, current_hashes = array[@next::bytea], rotated_at = @now::timestamptz, rotating = @rotating,
  last_exchanged_at = @now::timestamptz, idle_until = sqlc.narg(idle_until)::timestamptz, dead_from = date_trunc('hour', least(sqlc.narg(idle_until)::timestamptz, expires_at), 'UTC') + interval '1 hour', last_ip = @last_ip, last_user_agent = @last_user_agent,
  thumbprint = coalesce(thumbprint, sqlc.narg(thumbprint)::text)
where tenant_id = @tenant_id and id = @id and @presented::bytea = any (current_hashes)
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
returning user_id, client_id, audience;

-- name: AddRefreshSibling :one
-- Within the leeway one more of the newest generation; of too many the oldest goes.
update refresh_tokens set
  current_hashes = (array_append(current_hashes, @next::bytea))[greatest(1, cardinality(current_hashes) + 2 - @siblings::int):],
  rotating = @rotating, last_exchanged_at = @now::timestamptz, idle_until = sqlc.narg(idle_until)::timestamptz, dead_from = date_trunc('hour', least(sqlc.narg(idle_until)::timestamptz, expires_at), 'UTC') + interval '1 hour', last_ip = @last_ip, last_user_agent = @last_user_agent,
  thumbprint = coalesce(thumbprint, sqlc.narg(thumbprint)::text)
where tenant_id = @tenant_id and id = @id and @presented::bytea = any (previous_hashes) and rotated_at > @since::timestamptz
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
returning user_id, client_id, audience;

-- name: TouchRefreshToken :exec
with touched as (update refresh_tokens set last_exchanged_at = @now::timestamptz, idle_until = sqlc.narg(idle_until)::timestamptz, dead_from = date_trunc('hour', least(sqlc.narg(idle_until)::timestamptz, expires_at), 'UTC') + interval '1 hour', last_ip = @last_ip, last_user_agent = @last_user_agent
where tenant_id = @tenant_id and id = @id and @presented::bytea = any (current_hashes) and not rotating
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz) returning 1)
select require_row(count(*)) from touched;

-- name: RefreshTokenExists :one
select exists (select 1 from refresh_tokens where tenant_id = @tenant_id and id = @id
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz));

-- name: LockRefreshSiblings :exec
-- In one order, so that siblings that change at once wait for each other instead of killing each other.
select r.id from refresh_tokens r, refresh_tokens own
where own.tenant_id = @tenant_id and own.id = @id
  and r.tenant_id = @tenant_id and r.user_id = own.user_id and r.client_id = own.client_id and r.audience = own.audience
order by r.id for update of r;

-- name: DeleteRefreshSiblings :many
delete from refresh_tokens
where tenant_id = @tenant_id and user_id = @user_id and client_id = @client_id and audience = @audience and rotating <> @rotating and id <> @id and online_session is null
returning id;

-- name: DeleteRefreshTokenOfCode :many
delete from refresh_tokens r using codes c
where c.tenant_id = @tenant_id and c.code_hash = @code_hash and r.tenant_id = @tenant_id and r.id = c.refresh_id returning r.id;

-- name: DeleteRefreshToken :execrows
delete from refresh_tokens where tenant_id = @tenant_id and id = @id;

-- name: DeleteRefreshTokensOfConsent :many
delete from refresh_tokens
where tenant_id = @tenant_id and user_id = @user_id and client_id = @client_id and audience = any (@audiences::text[]) returning id;

-- name: DeleteAccessTokensOfFamily :exec
delete from access_tokens where tenant_id = @tenant_id and refresh_id = @refresh_id;

-- name: DeleteAccessTokensOfRefresh :exec
delete from access_tokens where tenant_id = @tenant_id and refresh_id = any (@refresh_ids::text[]);

-- name: DeleteAccessToken :exec
delete from access_tokens where tenant_id = @tenant_id and token_hash = @token_hash;

-- name: ListRefreshTokens :many
select * from refresh_tokens
where tenant_id = @tenant_id and id > @after and online_session is null
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
  and (sqlc.narg(rotating)::boolean is null or rotating = sqlc.narg(rotating))
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
order by id limit @max_rows offset @skip;

-- name: CountRefreshTokens :one
select count(*) from refresh_tokens
where tenant_id = @tenant_id and online_session is null
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
  and (sqlc.narg(rotating)::boolean is null or rotating = sqlc.narg(rotating))
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz);

-- name: UpdateRefreshTokenMetadata :one
update refresh_tokens set metadata = @metadata
where tenant_id = @tenant_id and id = @id and online_session is null
  and (idle_until is null or idle_until > @now::timestamptz) and (expires_at is null or expires_at > @now::timestamptz)
returning *;

-- name: DeleteRefreshTokens :many
delete from refresh_tokens
where tenant_id = @tenant_id and online_session is null
  and (sqlc.narg(ids)::text[] is null or id = any (sqlc.narg(ids)::text[]))
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
  and (sqlc.narg(audience)::text is null or audience = sqlc.narg(audience))
  and (sqlc.narg(session_id)::text is null or session_id = sqlc.narg(session_id))
returning id;

-- name: DeleteTenantRefreshTokens :exec
delete from refresh_tokens where tenant_id = @tenant_id;
