-- +goose Up
-- Each login moves last_login. An index on it would have to follow: a new entry in all the indexes of the table, and an old one for the
-- vacuum. One on the day has to with the first login of a day alone; the others rewrite the row on its own page, which has room for it.
alter table users add column last_login_day date generated always as ((last_login at time zone 'UTC')::date) stored;
comment on column users.last_login_day is 'The day of last_login in UTC: what searches for it go by first.';
create index users_by_login_day on users (tenant_id, last_login_day);
drop index users_by_login;
alter table users set (fillfactor = 85);

-- +goose Down
alter table users reset (fillfactor);
create index users_by_login on users (tenant_id, last_login);
alter table users drop column last_login_day;
