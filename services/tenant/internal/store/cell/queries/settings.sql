-- name: CreateSettings :exec
insert into settings (tenant_id, document, created_at, updated_at) values ($1, $2, $3, $3)
on conflict (tenant_id) do nothing;

-- name: FindSettings :one
select document from settings where tenant_id = $1;

-- name: LockSettings :one
select document from settings where tenant_id = $1 for update;

-- name: UpdateSettings :exec
update settings set document = $2, updated_at = $3 where tenant_id = $1;

-- name: DeleteSettings :exec
delete from settings where tenant_id = $1;

-- name: DeleteOutbox :exec
delete from outbox where tenant_id = $1;
