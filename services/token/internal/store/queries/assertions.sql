-- name: UseAssertion :execrows
insert into assertions (tenant_id, assertion_hash, expires_at) values (@tenant_id, @assertion_hash, @expires_at)
on conflict do nothing;

-- name: DeleteTenantAssertions :exec
delete from assertions where tenant_id = @tenant_id;
