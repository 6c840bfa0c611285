-- name: FindSeed :one
select * from seeds where tenant_id = @tenant_id;

-- name: InsertSeed :execrows
-- A concurrent seeding waits here for the other's end.
insert into seeds (tenant_id, management_client_id, default_client_id)
values (@tenant_id, @management_client_id, @default_client_id)
on conflict do nothing;

-- name: DeleteSeed :exec
delete from seeds where tenant_id = @tenant_id;

-- name: FindDataKey :one
select wrapped from data_keys where tenant_id = @tenant_id;

-- name: SaveDataKey :one
-- The first key stays; the update that changes nothing makes a loser see it.
insert into data_keys (tenant_id, wrapped) values (@tenant_id, @wrapped)
on conflict (tenant_id) do update set wrapped = data_keys.wrapped
returning wrapped;

-- name: DeleteDataKey :exec
delete from data_keys where tenant_id = @tenant_id;
