-- name: FindConsent :one
select * from consents where tenant_id = @tenant_id and user_id = @user_id and client_id = @client_id and audience = @audience;

-- name: WidenConsent :exec
insert into consents (tenant_id, id, user_id, client_id, audience, scope, given_at)
values (@tenant_id, @id, @user_id, @client_id, @audience, @scope, @given_at)
on conflict (tenant_id, user_id, client_id, audience) do update
set scope = consents.scope || (select coalesce(array_agg(word), '{}') from unnest(excluded.scope) word where word <> all (consents.scope)),
    given_at = excluded.given_at;

-- name: ListConsents :many
select * from consents
where tenant_id = @tenant_id and (@user_id::text = '' or user_id = @user_id) and (@client_id::text = '' or client_id = @client_id)
  and (@audience::text = '' or audience = @audience)
order by id limit @max_rows offset @skip_rows;

-- name: CountConsents :one
select count(*) from consents
where tenant_id = @tenant_id and (@user_id::text = '' or user_id = @user_id) and (@client_id::text = '' or client_id = @client_id)
  and (@audience::text = '' or audience = @audience);

-- name: WithdrawConsents :many
delete from consents
where tenant_id = @tenant_id and (@id::text = '' or id = @id) and (@user_id::text = '' or user_id = @user_id)
  and (@client_id::text = '' or client_id = @client_id) and (@audience::text = '' or audience = @audience)
returning *;

-- name: AgreeToTransaction :execrows
update transactions set agreed = true where tenant_id = @tenant_id and state_hash = @state_hash and session_id = @session_id;

-- name: DeleteTenantConsents :exec
delete from consents where tenant_id = @tenant_id;
