-- name: InsertTenant :exec
insert into tenants (id, account_id, region, state, created_at) values ($1, $2, $3, $4, $5);

-- name: ListTenants :many
select t.id, t.account_id, a.slug, t.region, t.cell, t.state, t.management_client_id, t.created_at
from tenants t join accounts a on a.id = t.account_id
where t.account_id = $1 and t.state <> 'failed'
order by t.created_at, t.id;

-- name: FindTenant :one
select t.id, t.account_id, a.slug, t.region, t.cell, t.state, t.management_client_id, t.created_at
from tenants t join accounts a on a.id = t.account_id
where t.account_id = $1 and t.id = $2;

-- name: LockTenant :one
select state from tenants where account_id = $1 and id = $2 for update;

-- name: AssignCell :one
update tenants set cell = coalesce(cell, @cell::text) where id = @id returning cell::text;

-- name: ActivateTenant :exec
update tenants set state = 'active', management_client_id = $2 where id = $1 and state = 'provisioning';

-- name: FailTenant :exec
update tenants set state = 'failed' where id = $1 and state = 'provisioning';

-- name: MarkTenantDeleted :exec
update tenants set state = 'deleted' where id = $1;

-- name: InsertHostname :execrows
insert into hostnames (host, tenant_id, kind) values ($1, $2, $3)
on conflict (host) do update set kind = excluded.kind where hostnames.tenant_id = excluded.tenant_id;

-- name: DeleteHostnames :many
delete from hostnames where tenant_id = $1 returning host, kind;

-- name: ListEntries :many
select h.host, h.kind, t.id, a.slug, t.region, coalesce(t.cell, '')::text as cell, c.host as canonical,
  -- from the moment its deletion is asked for: a host that was closed must not be opened again while the data goes
  (case when exists (select from operations o where o.tenant_id = t.id and o.kind = 'delete_tenant' and o.ended_at is null)
    then 'deleted' else t.state end)::text as state
from hostnames h join tenants t on t.id = h.tenant_id join accounts a on a.id = t.account_id
  join hostnames c on c.tenant_id = t.id and c.kind = 'canonical'
where h.host > @after and (@tenant::text = '' or h.tenant_id = @tenant)
order by h.host
limit sqlc.arg(max_rows);

-- name: FindOwner :one
select m.id, m.account_id, a.slug, m.email, m.password_hash, m.role, m.created_at
from tenants t join members m on m.account_id = t.account_id join accounts a on a.id = t.account_id
where t.id = $1 and m.role = 'owner'
order by m.created_at, m.id
limit 1;
