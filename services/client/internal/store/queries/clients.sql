-- name: FindClient :one
select * from clients where tenant_id = @tenant_id and id = @id;

-- name: FindClientBy :one
select * from clients
where tenant_id = @tenant_id and settings ? 'external_client_id' and settings ->> 'external_client_id' = @external_id::text
order by position limit 1;

-- name: ListClients :many
select * from clients c
where c.tenant_id = @tenant_id
  and (sqlc.narg(is_global)::boolean is null or c.is_global = sqlc.narg(is_global))
  and (sqlc.narg(is_first_party)::boolean is null or c.is_first_party = sqlc.narg(is_first_party))
  and (cardinality(@app_types::text[]) = 0 or c.app_type = any(@app_types::text[]))
  and (@external_id::text = '' or c.settings ? 'external_client_id' and c.settings ->> 'external_client_id' = @external_id::text)
  and (not @any_organization::boolean or exists (
    select 1 from client_grants g
    where g.tenant_id = c.tenant_id and g.client_id = c.id and g.settings -> 'allow_any_organization' = 'true'))
  and c.position > @after
order by c.position
limit @max_rows offset @skip;

-- name: ListMobileClients :many
select * from clients where tenant_id = @tenant_id and settings ? 'mobile' order by position limit @max_rows;

-- name: CountClients :one
select count(*) from clients c
where c.tenant_id = @tenant_id
  and (sqlc.narg(is_global)::boolean is null or c.is_global = sqlc.narg(is_global))
  and (sqlc.narg(is_first_party)::boolean is null or c.is_first_party = sqlc.narg(is_first_party))
  and (cardinality(@app_types::text[]) = 0 or c.app_type = any(@app_types::text[]))
  and (@external_id::text = '' or c.settings ? 'external_client_id' and c.settings ->> 'external_client_id' = @external_id::text)
  and (not @any_organization::boolean or exists (
    select 1 from client_grants g
    where g.tenant_id = c.tenant_id and g.client_id = c.id and g.settings -> 'allow_any_organization' = 'true'));

-- name: InsertClient :exec
insert into clients (tenant_id, id, name, app_type, is_first_party, is_global, secret_sealed, addons_sealed, settings, created_at, updated_at)
values (@tenant_id, @id, @name, @app_type, @is_first_party, @is_global, @secret_sealed, @addons_sealed, @settings, @created_at, @updated_at);

-- name: UpdateClient :execrows
update clients
set name = @name, app_type = @app_type, secret_sealed = @secret_sealed, addons_sealed = @addons_sealed, settings = @settings,
    updated_at = @updated_at, version = version + 1
where tenant_id = @tenant_id and id = @id and version = @version;

-- name: DeleteClient :execrows
delete from clients where tenant_id = @tenant_id and id = @id;

-- name: ClientExists :one
select exists (select 1 from clients where tenant_id = @tenant_id and id = @id);

-- name: DeleteAllClients :exec
delete from clients where tenant_id = @tenant_id;
