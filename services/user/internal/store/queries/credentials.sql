-- name: PutCredential :exec
insert into credentials (tenant_id, provider, identity_id, hash, updated_at)
values (@tenant_id, @provider, @identity_id, @hash, @updated_at)
on conflict (tenant_id, provider, identity_id) do update set hash = excluded.hash, updated_at = excluded.updated_at;

-- name: ReplaceHash :exec
update credentials set hash = @new_hash
where tenant_id = @tenant_id and provider = @provider and identity_id = @identity_id and hash = @old_hash;

-- name: KeepPassword :exec
-- Puts the present password of an identity, if it has one, among those before it.
insert into password_history (tenant_id, provider, identity_id, hash, replaced_at)
select c.tenant_id, c.provider, c.identity_id, c.hash, @replaced_at::timestamptz from credentials c
where c.tenant_id = @tenant_id and c.provider = @provider and c.identity_id = @identity_id;

-- name: ForgetPasswords :exec
-- Leaves the newest of the passwords before the present one.
delete from password_history h
where h.tenant_id = @tenant_id and h.provider = @provider and h.identity_id = @identity_id and h.position not in (
  select k.position from password_history k
  where k.tenant_id = @tenant_id and k.provider = @provider and k.identity_id = @identity_id
  order by k.position desc limit @keep);

-- name: ListPasswords :many
select hash from (
  select c.hash, null::bigint as position from credentials c
  where c.tenant_id = @tenant_id and c.provider = @provider and c.identity_id = @identity_id
  union all
  select h.hash, h.position from password_history h
  where h.tenant_id = @tenant_id and h.provider = @provider and h.identity_id = @identity_id
) known
order by position desc nulls first limit @max_rows;
