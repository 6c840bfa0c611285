-- name: ListCredentials :many
select * from credentials where tenant_id = @tenant_id and client_id = @client_id order by position;

-- name: InsertCredential :exec
insert into credentials (tenant_id, id, client_id, name, type, kid, alg, public_key, subject_dn, thumbprint, expires_at, created_at, updated_at)
values (@tenant_id, @id, @client_id, @name, @type, @kid, @alg, @public_key, @subject_dn, @thumbprint, @expires_at, @created_at, @updated_at);

-- name: UpdateCredential :execrows
update credentials set expires_at = @expires_at, updated_at = @updated_at
where tenant_id = @tenant_id and client_id = @client_id and id = @id;

-- name: DeleteCredential :execrows
delete from credentials where tenant_id = @tenant_id and client_id = @client_id and id = @id;

-- name: TouchClient :execrows
-- Counts a client as changed, so that a write made on an older reading of it, or of its credentials, is refused.
update clients set version = version + 1 where tenant_id = @tenant_id and id = @id and version = @version;
