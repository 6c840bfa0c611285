-- name: FindGrant :one
select * from client_grants where tenant_id = @tenant_id and id = @id;

-- name: FindGrantFor :one
select * from client_grants
where tenant_id = @tenant_id and client_id = @client_id::text and audience = @audience and subject_type = @subject_type;

-- name: ListGrants :many
select * from client_grants
where tenant_id = @tenant_id
  and (@client_id::text = '' or client_id = @client_id::text)
  and (@audience::text = '' or audience = @audience::text)
  and (@subject_type::text = '' or subject_type = @subject_type::text)
  and (@default_for::text = '' or default_for = @default_for::text)
  and (sqlc.narg(any_organization)::boolean is null
    or coalesce((settings ->> 'allow_any_organization')::boolean, false) = sqlc.narg(any_organization))
  and position > @after
order by position
limit @max_rows offset @skip;

-- name: CountGrants :one
select count(*) from client_grants
where tenant_id = @tenant_id
  and (@client_id::text = '' or client_id = @client_id::text)
  and (@audience::text = '' or audience = @audience::text)
  and (@subject_type::text = '' or subject_type = @subject_type::text)
  and (@default_for::text = '' or default_for = @default_for::text)
  and (sqlc.narg(any_organization)::boolean is null
    or coalesce((settings ->> 'allow_any_organization')::boolean, false) = sqlc.narg(any_organization));

-- name: ClientHasGrants :one
select exists (select 1 from client_grants where tenant_id = @tenant_id and client_id = @client_id::text);

-- name: GrantHolders :many
-- By what caches know the grants for an audience.
select coalesce(client_id, default_for)::text from client_grants where tenant_id = @tenant_id and audience = @audience order by position;

-- name: InsertGrant :exec
insert into client_grants (tenant_id, id, client_id, default_for, audience, scope, subject_type, is_system, settings, created_at, updated_at)
values (@tenant_id, @id, @client_id, @default_for, @audience, @scope, @subject_type, @is_system, @settings, @created_at, @updated_at);

-- name: UpdateGrant :execrows
update client_grants
set scope = @scope, settings = @settings, updated_at = @updated_at, version = version + 1
where tenant_id = @tenant_id and id = @id and version = @version;

-- name: DeleteGrant :one
delete from client_grants where tenant_id = @tenant_id and id = @id returning *;

-- name: GrantExists :one
select exists (select 1 from client_grants where tenant_id = @tenant_id and id = @id);
