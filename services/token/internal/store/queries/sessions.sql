-- name: JoinSession :exec
with there as (
  select s.tenant_id, s.id from sessions s where s.tenant_id = @tenant_id and s.id = @id and s.idle_until > @now for key share
), joined as (
  insert into session_clients as c (tenant_id, session_id, client_id, hears) select t.tenant_id, t.id, @client_id::text, @hears::boolean from there t
  on conflict (tenant_id, session_id, client_id) do update set hears = excluded.hears where c.hears <> excluded.hears
)
select require_row(count(*)) from there;

-- name: FindSessionByID :one
select * from sessions where tenant_id = @tenant_id and id = @id and idle_until > @now;

-- name: ListClientsOfSessions :many
select session_id, client_id from session_clients where tenant_id = @tenant_id and session_id = any (@session_ids::text[]) order by session_id, client_id;

-- name: ListSessionsOfUser :many
select * from sessions where tenant_id = @tenant_id and user_id = @user_id and idle_until > @now and id > @after
order by id limit @max_rows;

-- name: UpdateSessionMetadata :one
update sessions set metadata = @metadata, updated_at = @now where tenant_id = @tenant_id and id = @id and idle_until > @now returning *;

-- name: LockSessions :many
-- Who lets a user into a client holds the session meanwhile: after this, all who have to hear of its end are there to see.
select id from sessions
where tenant_id = @tenant_id and (@id::text = '' or id = @id) and (@user_id::text = '' or user_id = @user_id)
  and (sqlc.narg(opened_before)::timestamptz is null or auth_time < sqlc.narg(opened_before))
order by id for update;

-- name: EndSessions :many
delete from sessions
where tenant_id = @tenant_id and (@id::text = '' or id = @id) and (@user_id::text = '' or user_id = @user_id)
  and (sqlc.narg(opened_before)::timestamptz is null or auth_time < sqlc.narg(opened_before))
returning *;

-- name: AnnounceEnd :exec
insert into logout_messages (tenant_id, id, client_id, session_id, user_id, host, initiator, ended_at, due_at, expires_at, tenant_name, metadata)
select s.tenant_id, gen_random_uuid()::text, p.client_id, s.id, s.user_id, s.host, @initiator, @now, @now, @expires_at, s.tenant_name, s.metadata
from sessions s join session_clients p on p.tenant_id = s.tenant_id and p.session_id = s.id
where s.tenant_id = @tenant_id and (@id::text = '' or s.id = @id) and (@user_id::text = '' or s.user_id = @user_id)
  and (sqlc.narg(opened_before)::timestamptz is null or s.auth_time < sqlc.narg(opened_before));

-- name: ClaimLogoutMessages :many
-- The worker belongs to no tenant and takes a share of each, by chance where not all can be taken: clients of one that do not answer
-- must not keep those of another waiting.
with recursive tenants as (
  (select l.tenant_id from logout_messages l order by l.tenant_id limit 1)
  union all
  select (select n.tenant_id from logout_messages n where n.tenant_id > t.tenant_id order by n.tenant_id limit 1)
  from tenants t where t.tenant_id is not null
), due as (
  select d.tenant_id, d.id from tenants t cross join lateral (
    select c.tenant_id, c.id from logout_messages c where c.tenant_id = t.tenant_id and c.tenant_id <> all (@busy::text[]) and c.due_at <= @now and c.expires_at > @now
    order by c.due_at limit @share for update skip locked
  ) d
  order by random() limit @max_rows
)
update logout_messages m set due_at = @until, attempts = m.attempts + 1 from due
where m.tenant_id = due.tenant_id and m.id = due.id
returning m.*;

-- name: DeleteLogoutMessage :execrows
delete from logout_messages where tenant_id = @tenant_id and id = @id;

-- name: PostponeLogoutMessage :execrows
update logout_messages set due_at = @due_at where tenant_id = @tenant_id and id = @id;

-- name: DeleteTenantLogoutMessages :exec
delete from logout_messages where tenant_id = @tenant_id;
