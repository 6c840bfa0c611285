-- name: InsertAccount :exec
insert into accounts (id, slug, created_at) values ($1, $2, $3);

-- name: InsertMember :exec
insert into members (id, account_id, email, password_hash, role, created_at) values ($1, $2, $3, $4, $5, $6);

-- name: MembersByEmail :many
select m.id, m.account_id, a.slug, m.email, m.password_hash, m.role, m.created_at
from members m join accounts a on a.id = m.account_id
where m.email = @email and a.state <> 'released' and (@slug::text = '' or a.slug = @slug)
order by m.created_at, m.id
limit sqlc.arg(max_rows);

-- name: ListMembers :many
select m.id, m.account_id, a.slug, m.email, m.password_hash, m.role, m.created_at
from members m join accounts a on a.id = m.account_id
where m.account_id = $1
order by m.created_at, m.id;

-- name: InsertToken :exec
insert into api_tokens (hash, member_id, purpose, created_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: DeleteExpiredTokens :exec
delete from api_tokens where member_id = $1 and expires_at <= $2;

-- name: FindPrincipal :one
select t.hash, t.purpose, t.created_at as token_created_at, t.expires_at,
  m.id, m.account_id, a.slug, m.email, m.password_hash, m.role, m.created_at
from api_tokens t join members m on m.id = t.member_id join accounts a on a.id = m.account_id
where t.hash = @hash and t.expires_at > @now and a.state <> 'released';

-- name: DeleteToken :exec
delete from api_tokens where hash = $1;

-- name: OpenAccount :exec
update accounts set state = 'open' where id = $1 and state = 'opening';

-- name: ReleaseAccount :execrows
update accounts set state = 'released' where id = $1 and state = 'opening';

-- name: DeleteMembers :exec
delete from members where account_id = $1;

-- name: LockOpenAccount :one
select id from accounts where id = $1 and state = 'open' for share;
