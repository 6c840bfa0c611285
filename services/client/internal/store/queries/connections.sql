-- name: FindConnection :one
select * from connections where tenant_id = @tenant_id and id = @id;

-- name: FindConnectionNamed :one
select * from connections where tenant_id = @tenant_id and name = @name;

-- name: ListConnections :many
select * from connections c
where c.tenant_id = @tenant_id
  and (cardinality(@strategies::text[]) = 0 or c.strategy = any(@strategies::text[]))
  and (@name::text = '' or c.name = @name::text)
  and (@client_id::text = '' or exists (
    select 1 from connection_clients l
    where l.tenant_id = c.tenant_id and l.connection_id = c.id and l.client_id = @client_id::text))
  and c.position > @after
order by c.position
limit @max_rows offset @skip;

-- name: CountConnections :one
select count(*) from connections c
where c.tenant_id = @tenant_id
  and (cardinality(@strategies::text[]) = 0 or c.strategy = any(@strategies::text[]))
  and (@name::text = '' or c.name = @name::text)
  and (@client_id::text = '' or exists (
    select 1 from connection_clients l
    where l.tenant_id = c.tenant_id and l.connection_id = c.id and l.client_id = @client_id::text));

-- name: EnabledClients :many
select connection_id, client_id from connection_clients
where tenant_id = @tenant_id and connection_id = any(@connection_ids::text[])
order by position;

-- name: InsertConnection :exec
insert into connections (tenant_id, id, name, strategy, options_sealed, settings, created_at, updated_at)
values (@tenant_id, @id, @name, @strategy, @options_sealed, @settings, @created_at, @updated_at);

-- name: UpdateConnection :execrows
update connections
set options_sealed = @options_sealed, settings = @settings, updated_at = @updated_at, version = version + 1
where tenant_id = @tenant_id and id = @id and version = @version;

-- name: DeleteConnection :one
delete from connections where tenant_id = @tenant_id and id = @id returning name;

-- name: ConnectionExists :one
select exists (select 1 from connections where tenant_id = @tenant_id and id = @id);

-- name: DeleteAllConnections :exec
delete from connections where tenant_id = @tenant_id;

-- name: ClearClients :exec
delete from connection_clients
where tenant_id = @tenant_id and connection_id = @connection_id and not client_id = any(@keep::text[]);

-- name: EnableClients :exec
insert into connection_clients (tenant_id, connection_id, client_id)
select @tenant_id, @connection_id, id from unnest(@client_ids::text[]) with ordinality as wanted (id, place)
order by place
on conflict do nothing;

-- name: EnableEverywhere :many
-- Switches every connection on for a client; each one counts as changed. They are locked in one order, so that two callers wait
-- for each other and do not deadlock.
with mine as (
  select id from connections where tenant_id = @tenant_id order by position for update
), switched as (
  insert into connection_clients (tenant_id, connection_id, client_id)
  select @tenant_id, mine.id, @client_id from mine
)
update connections c set version = version + 1
from mine where c.tenant_id = @tenant_id and c.id = mine.id
returning c.id, c.name;

-- name: TouchConnectionsOf :many
-- Counts the connections that are switched on for a client as changed, before it goes.
with mine as (
  select c.id from connections c
  join connection_clients l on l.tenant_id = c.tenant_id and l.connection_id = c.id
  where c.tenant_id = @tenant_id and l.client_id = @client_id
  order by c.position for update of c
)
update connections c set version = version + 1
from mine where c.tenant_id = @tenant_id and c.id = mine.id
returning c.id, c.name;
