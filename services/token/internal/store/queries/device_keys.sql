-- name: InsertDeviceKey :exec
insert into device_keys (tenant_id, id, user_id, client_id, device_id, device_name, public_key, created_at)
values (@tenant_id, @id, @user_id, @client_id, @device_id, @device_name, @public_key, @created_at);

-- name: DeleteOldestDeviceKeys :exec
delete from device_keys d where d.tenant_id = @tenant_id and d.id in (
  select o.id from device_keys o where o.tenant_id = @tenant_id and o.user_id = @user_id order by o.created_at desc, o.id offset @keep
);

-- name: ListDeviceKeys :many
select * from device_keys
where tenant_id = @tenant_id
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id))
order by id limit @max_rows offset @skip;

-- name: CountDeviceKeys :one
select count(*) from device_keys
where tenant_id = @tenant_id
  and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id))
  and (sqlc.narg(client_id)::text is null or client_id = sqlc.narg(client_id));

-- name: DeleteDeviceKey :execrows
delete from device_keys where tenant_id = @tenant_id and id = @id and (sqlc.narg(user_id)::text is null or user_id = sqlc.narg(user_id));

-- name: DeleteTenantDeviceKeys :exec
delete from device_keys where tenant_id = @tenant_id;
