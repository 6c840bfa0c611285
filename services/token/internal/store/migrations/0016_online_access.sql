-- +goose Up
-- A refresh token for online_access lives as long as the session it came from, which takes it along: by whatever it ends.
alter table refresh_tokens add column online_session text;
comment on column refresh_tokens.online_session is 'The session that the family lives as long as. Null: it has ends of its own (offline_access).';
alter table refresh_tokens add constraint refresh_tokens_online foreign key (tenant_id, online_session) references sessions (tenant_id, id) on delete cascade;
create index refresh_tokens_online on refresh_tokens (tenant_id, online_session) where online_session is not null;

-- +goose Down
drop index refresh_tokens_online;
delete from refresh_tokens where online_session is not null;
alter table refresh_tokens drop column online_session;
