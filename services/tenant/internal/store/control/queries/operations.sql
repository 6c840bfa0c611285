-- name: InsertOperation :exec
insert into operations (id, kind, account_id, tenant_id, status, token_hash, box_key, created_at, traceparent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: InsertSteps :exec
insert into steps (operation_id, position, name, state)
select @operation_id, s.position, s.name, 'pending' from unnest(@names::text[]) with ordinality as s (name, position);

-- name: FindSignup :one
select o.id, o.kind, o.account_id, a.slug, o.tenant_id, t.region, o.status, o.error, o.token_hash, o.box_key, o.created_at, o.started_at, o.ended_at, o.traceparent
from operations o join accounts a on a.id = o.account_id join tenants t on t.id = o.tenant_id
where o.id = $1 and o.kind = 'sign_up';

-- name: FindOperation :one
select o.id, o.kind, o.account_id, a.slug, o.tenant_id, t.region, o.status, o.error, o.token_hash, o.box_key, o.created_at, o.started_at, o.ended_at, o.traceparent
from operations o join accounts a on a.id = o.account_id join tenants t on t.id = o.tenant_id
where o.account_id = $1 and o.id = $2;

-- name: NewestOperation :one
select o.id from operations o where o.tenant_id = $1 order by o.created_at desc, o.id desc limit 1;

-- name: ListSteps :many
select name, state, started_at, ended_at from steps where operation_id = $1 order by position;

-- name: ListOpen :many
select o.id, o.kind, o.account_id, a.slug, o.tenant_id, t.region, o.status, o.error, o.token_hash, o.box_key, o.created_at, o.started_at, o.ended_at, o.traceparent
from operations o join accounts a on a.id = o.account_id join tenants t on t.id = o.tenant_id
where o.ended_at is null and (o.started_at is null or o.started_at < @stale)
order by o.created_at
limit sqlc.arg(max_rows);

-- name: BeginOperation :execrows
update operations set status = 'provisioning', started_at = @now where id = @id and ended_at is null;

-- name: SaveStep :exec
update steps set state = @state::text,
  started_at = coalesce(started_at, @now::timestamptz),
  ended_at = case when @state::text in ('done', 'failed') then @now::timestamptz end
where operation_id = @operation_id and name = @name
  and (state in ('pending', 'running') or @state::text = 'running');

-- name: LockOperation :one
select id, kind, account_id, tenant_id, ended_at from operations where id = $1 for update;

-- name: CompleteOperation :exec
update operations set status = 'ready', ended_at = @now, sealed_secret = @sealed_secret where id = @id and ended_at is null;

-- name: FailOperation :exec
update operations set status = 'failed', ended_at = @now, error = @error where id = @id and ended_at is null;

-- name: TakeSecret :one
with taken as (
  select o.id, o.sealed_secret from operations o
  where o.account_id = $1 and o.id = $2 and o.status = 'ready' and o.sealed_secret is not null
  for update
)
update operations set sealed_secret = null from taken where operations.id = taken.id
returning taken.sealed_secret::bytea as sealed_secret;
