-- name: InsertIdentity :exec
insert into identities (tenant_id, provider, id, user_id, connection, is_social, is_primary, email, username, phone_number, created_at)
values (@tenant_id, @provider, @id, @user_id, @connection, @is_social, @is_primary, @email, @username, @phone_number, @created_at);

-- name: ListIdentities :many
select * from identities where tenant_id = @tenant_id and user_id = any(@user_ids::text[])
order by user_id, is_primary desc, created_at, id;

-- name: UpdateIdentifiers :exec
update identities set email = @email, username = @username, phone_number = @phone_number
where tenant_id = @tenant_id and provider = @provider and id = @id;

-- name: FindByEmail :one
select i.provider, i.id, i.connection, i.user_id, coalesce(c.hash, '') as hash
from identities i left join credentials c on c.tenant_id = i.tenant_id and c.provider = i.provider and c.identity_id = i.id
where i.tenant_id = @tenant_id and i.connection = @connection and i.email = @identifier::text;

-- name: FindByUsername :one
select i.provider, i.id, i.connection, i.user_id, coalesce(c.hash, '') as hash
from identities i left join credentials c on c.tenant_id = i.tenant_id and c.provider = i.provider and c.identity_id = i.id
where i.tenant_id = @tenant_id and i.connection = @connection and i.username = @identifier::text;
