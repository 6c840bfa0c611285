-- name: AfterSeq :many
select * from entries
where tenant_id = @tenant_id and seq > @seq::bigint and (not @users_only::boolean or user_id is not null)
order by seq limit @max::integer;

-- name: FindBySeq :one
select * from entries where tenant_id = @tenant_id and seq = @seq;

-- name: ListBySeq :many
select * from entries where tenant_id = @tenant_id and seq = any(@seqs::bigint[]) and date between @oldest and @newest;

-- name: CountDays :many
select (date_trunc('day', date at time zone 'UTC') at time zone 'UTC')::timestamptz as day,
  count(*) filter (where type = any(@logins::text[])) as logins,
  count(*) filter (where type = any(@signups::text[])) as signups,
  count(*) filter (where type = any(@leaks::text[])) as leaked_passwords,
  min(ingested_at)::timestamptz as first, max(ingested_at)::timestamptz as last
from entries where tenant_id = @tenant_id and date >= @since and date < @before
group by 1 order by 1;

-- name: CountActiveUsers :one
select count(distinct user_id) from entries
where tenant_id = @tenant_id and date >= @since and type = any(@types::text[]) and user_id is not null;

-- name: DeleteSome :execrows
delete from entries d where d.tenant_id = @tenant_id and d.seq in (
  select e.seq from entries e where e.tenant_id = @tenant_id order by e.seq limit @max::integer);
