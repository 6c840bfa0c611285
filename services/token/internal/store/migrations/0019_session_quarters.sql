-- +goose Up
-- Each use of a session moves its end. An index on the end itself would have to follow: with every use a new entry in all the indexes of
-- the table, and an old one for the vacuum. One on the quarter of an hour after it need not each time, and the row is then rewritten on its
-- own page.
alter table sessions add column dead_from timestamptz not null
  generated always as ((date_bin('15 minutes', idle_until at time zone 'UTC', '2000-01-01') + interval '15 minutes') at time zone 'UTC') stored;
comment on column sessions.dead_from is 'The quarter of an hour after idle_until, from which the row is swept.';
create index sessions_end on sessions (tenant_id, dead_from);
drop index sessions_expiry;

-- +goose Down
create index sessions_expiry on sessions (tenant_id, idle_until);
alter table sessions drop column dead_from;
