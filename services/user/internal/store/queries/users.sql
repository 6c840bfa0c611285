-- name: InsertUser :exec
insert into users (tenant_id, id, email, email_verified, username, phone_number, phone_verified, name, given_name, family_name, nickname,
  picture, blocked, user_metadata, app_metadata, created_at, updated_at)
values (@tenant_id, @id, @email, @email_verified, @username, @phone_number, @phone_verified, @name, @given_name, @family_name, @nickname,
  @picture, @blocked, @user_metadata, @app_metadata, @created_at, @updated_at);

-- name: FindUser :many
-- A row for each identity; there is one at least. Both sides are compared with the parameter: their columns collate differently, and one
-- compared with the other could use no index.
select sqlc.embed(u), sqlc.embed(i) from users u, identities i
where u.tenant_id = @tenant_id and u.id = @id::text and i.tenant_id = @tenant_id and i.user_id = @id::text order by i.is_primary desc, i.created_at, i.id;

-- name: LockUser :one
select * from users where tenant_id = @tenant_id and id = @id for no key update;

-- name: ListUsersByEmail :many
select * from users where tenant_id = @tenant_id and email = @email::text order by created_at, id limit 100;

-- name: UpdateUser :exec
update users set email = @email, email_verified = @email_verified, username = @username, phone_number = @phone_number,
  phone_verified = @phone_verified, name = @name, given_name = @given_name, family_name = @family_name, nickname = @nickname,
  picture = @picture, blocked = @blocked, user_metadata = @user_metadata, app_metadata = @app_metadata, updated_at = @updated_at,
  last_password_reset = @last_password_reset, logins_valid_from = @logins_valid_from
where tenant_id = @tenant_id and id = @id;

-- name: DeleteUser :execrows
delete from users where tenant_id = @tenant_id and id = @id;

-- name: DeleteUserByEmail :many
delete from users u
where u.tenant_id = @tenant_id and u.id in (
  select i.user_id from identities i
  where i.tenant_id = @tenant_id and i.provider = @provider and i.connection = @connection and i.email = @email::text and i.is_primary)
returning u.id;

-- name: CountLogin :one
update users set last_login = @now::timestamptz, last_ip = @ip::text, logins_count = logins_count + 1, updated_at = @now::timestamptz
where tenant_id = @tenant_id and id = @id
returning logins_count;

-- name: DeleteUsersOfTenant :exec
delete from users where tenant_id = @tenant_id;

-- name: DeleteOutboxOfTenant :exec
delete from outbox where tenant_id = @tenant_id;

-- name: ListUsersByID :many
select * from users where tenant_id = @tenant_id and id = any(@ids::text[]);
