-- name: InsertPushed :exec
insert into pushed_requests (tenant_id, uri_hash, client_id, params, signed, expires_at)
values (@tenant_id, @uri_hash, @client_id, @params, @signed, @expires_at);

-- name: UsePushed :one
delete from pushed_requests where tenant_id = @tenant_id and uri_hash = @uri_hash and expires_at > @now returning *;

-- name: DeleteTenantPushed :exec
delete from pushed_requests where tenant_id = @tenant_id;
