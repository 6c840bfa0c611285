-- name: PutCredential :exec
insert into credentials (tenant_id, provider, identity_id, hash, updated_at)
values (@tenant_id, @provider, @identity_id, @hash, @updated_at)
on conflict (tenant_id, provider, identity_id) do update set hash = excluded.hash, updated_at = excluded.updated_at;

-- name: ReplaceHash :exec
update credentials set hash = @new_hash
where tenant_id = @tenant_id and provider = @provider and identity_id = @identity_id and hash = @old_hash;
