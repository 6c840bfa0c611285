-- name: InsertDeviceCode :exec
insert into device_codes (tenant_id, device_hash, user_hash, client_id, audience, scope, status, interval_seconds, issued_at, good_until, expires_at)
values (@tenant_id, @device_hash, @user_hash, @client_id, @audience, @scope, 'pending', @interval_seconds, @issued_at, @good_until, @expires_at);

-- name: FindDeviceCode :one
select * from device_codes where tenant_id = @tenant_id and user_hash = @user_hash and good_until > @now and status = 'pending';

-- name: PollDeviceCode :one
with before as (
  select b.tenant_id, b.device_hash, coalesce(b.polled_at + make_interval(secs => b.interval_seconds) > @now, false) as hasty
  from device_codes b where b.tenant_id = @tenant_id and b.device_hash = @device_hash and b.expires_at > @now for update
)
update device_codes d
set polled_at = @now, interval_seconds = d.interval_seconds + case when before.hasty then 5 else 0 end
from before where d.tenant_id = before.tenant_id and d.device_hash = before.device_hash
returning d.*, before.hasty::boolean as hasty;

-- name: DecideDeviceCode :execrows
update device_codes set status = @status, authorized = @authorized, user_id = sqlc.narg(user_id), session_id = sqlc.narg(session_id)
where tenant_id = @tenant_id and user_hash = @user_hash and good_until > @now and status = 'pending';

-- name: RedeemDeviceCode :execrows
delete from device_codes where tenant_id = @tenant_id and device_hash = @device_hash and status = 'approved' and good_until > @now;

-- name: DropDeviceCode :exec
delete from device_codes where tenant_id = @tenant_id and device_hash = @device_hash and status <> 'approved';

-- name: DeleteTenantDeviceCodes :exec
delete from device_codes where tenant_id = @tenant_id;
