-- name: FindSCIM :one
select s.*, c.name as connection_name, c.strategy from scim_configurations s
join connections c on c.tenant_id = s.tenant_id and c.id = s.connection_id
where s.tenant_id = @tenant_id and s.connection_id = @connection_id;

-- name: ListSCIM :many
select s.*, c.name as connection_name, c.strategy from scim_configurations s
join connections c on c.tenant_id = s.tenant_id and c.id = s.connection_id
where s.tenant_id = @tenant_id and s.position > @after
order by s.position
limit @max_rows offset @skip;

-- name: CountSCIM :one
select count(*) from scim_configurations where tenant_id = @tenant_id;

-- name: InsertSCIM :exec
insert into scim_configurations (tenant_id, connection_id, user_id_attribute, mapping, created_at, updated_at)
values (@tenant_id, @connection_id, @user_id_attribute, @mapping, @created_at, @updated_at);

-- name: UpdateSCIM :execrows
update scim_configurations set user_id_attribute = @user_id_attribute, mapping = @mapping, updated_at = @updated_at
where tenant_id = @tenant_id and connection_id = @connection_id;

-- name: DeleteSCIM :execrows
delete from scim_configurations where tenant_id = @tenant_id and connection_id = @connection_id;

-- name: LockSCIM :one
-- Two tokens that are made at once wait for each other here.
select connection_id from scim_configurations where tenant_id = @tenant_id and connection_id = @connection_id for no key update;

-- name: ListSCIMTokens :many
select * from scim_tokens where tenant_id = @tenant_id and connection_id = @connection_id order by position;

-- name: CountSCIMTokens :one
select count(*) from scim_tokens where tenant_id = @tenant_id and connection_id = @connection_id;

-- name: InsertSCIMToken :exec
insert into scim_tokens (tenant_id, id, connection_id, hash, scopes, created_at, expires_at)
values (@tenant_id, @id, @connection_id, @hash, @scopes, @created_at, @expires_at);

-- name: DeleteSCIMToken :execrows
delete from scim_tokens where tenant_id = @tenant_id and connection_id = @connection_id and id = @id;
