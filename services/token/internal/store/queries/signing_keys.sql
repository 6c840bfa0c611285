-- name: InsertKey :execrows
insert into signing_keys (tenant_id, kid, alg, version, state, public_key, certificate, created_at, since, shown_at)
values (@tenant_id, @kid, @alg, @version, @state, @public_key, @certificate, @created_at, @since, @shown_at)
on conflict do nothing;

-- name: LockKeys :exec
-- @sqlc-vet-disable tenant
select pg_advisory_xact_lock(hashtextextended('postern/token/keys/' || @tenant_id::text, 0));

-- name: ListKeys :many
select * from signing_keys where tenant_id = @tenant_id order by version, alg desc;

-- name: ShowKeys :execrows
update signing_keys k set shown_at = @at
where k.tenant_id = @tenant_id and k.alg = @alg and not exists (
  select 1 from signing_keys s where s.tenant_id = @tenant_id and s.alg = @alg and s.shown_at is not null
);

-- name: RetireKeys :execrows
update signing_keys set state = 'previous', until = @until
where tenant_id = @tenant_id and kid = any(@kids::text[]) and state = 'current';

-- name: PromoteKeys :execrows
update signing_keys set state = 'current', since = @since
where tenant_id = @tenant_id and kid = any(@kids::text[]) and state = 'next';

-- name: RevokeKeys :execrows
update signing_keys set state = 'revoked', revoked_at = @at
where tenant_id = @tenant_id and kid = any(@kids::text[]) and state = 'previous';

-- name: DeleteKeys :exec
delete from signing_keys where tenant_id = @tenant_id;
