-- name: FindResourceServer :one
-- An identifier wins over another's id, so that nobody is hidden by one who took an id for a name.
select sqlc.embed(r), coalesce((
  select c.id from clients c
  where c.tenant_id = r.tenant_id and c.app_type = 'resource_server' and c.settings ->> 'resource_server_identifier' = r.identifier
  order by c.position limit 1), '')::text as client_id
from resource_servers r
where r.tenant_id = @tenant_id and (r.id = @id_or_identifier or r.identifier = @id_or_identifier)
order by r.identifier = @id_or_identifier desc
limit 1;

-- name: ListResourceServers :many
select sqlc.embed(r), coalesce((
  select c.id from clients c
  where c.tenant_id = r.tenant_id and c.app_type = 'resource_server' and c.settings ->> 'resource_server_identifier' = r.identifier
  order by c.position limit 1), '')::text as client_id
from resource_servers r
where r.tenant_id = @tenant_id
  and (cardinality(@identifiers::text[]) = 0 or r.identifier = any(@identifiers::text[]))
  and r.position > @after
order by r.position
limit @max_rows offset @skip;

-- name: CountResourceServers :one
select count(*) from resource_servers
where tenant_id = @tenant_id and (cardinality(@identifiers::text[]) = 0 or identifier = any(@identifiers::text[]));

-- name: InsertResourceServer :exec
insert into resource_servers (tenant_id, id, identifier, name, is_system, signing_secret_sealed, settings, created_at, updated_at)
values (@tenant_id, @id, @identifier, @name, @is_system, @signing_secret_sealed, @settings, @created_at, @updated_at);

-- name: UpdateResourceServer :execrows
update resource_servers
set name = @name, signing_secret_sealed = @signing_secret_sealed, settings = @settings, updated_at = @updated_at, version = version + 1
where tenant_id = @tenant_id and id = @id and version = @version;

-- name: FindIdentifier :one
select identifier from resource_servers where tenant_id = @tenant_id and id = @id for update;

-- name: DeleteResourceServer :exec
delete from resource_servers where tenant_id = @tenant_id and id = @id;

-- name: ResourceServerExists :one
select exists (select 1 from resource_servers where tenant_id = @tenant_id and id = @id);

-- name: AudienceExists :one
select exists (select 1 from resource_servers where tenant_id = @tenant_id and identifier = @identifier);

-- name: DeleteAllResourceServers :exec
delete from resource_servers where tenant_id = @tenant_id;
