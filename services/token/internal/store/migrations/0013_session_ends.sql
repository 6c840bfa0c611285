-- +goose Up
alter table sessions add column created_at timestamptz;
comment on column sessions.created_at is 'When the browser first got it: a login of the same user at the same connection goes on with it. Null: at auth_time, in rows of an older release.';
alter table sessions add column tenant_name text not null default '';
comment on column sessions.tenant_name is 'The account''s slug, for what is told of the session when no request is at hand.';

alter table session_clients add column hears boolean not null default false;
comment on column session_clients.hears is 'The client had a back-channel logout URL when it last took part: only then is it worth a message that the session ran out.';
create policy sweep on session_clients for select using (current_setting('postern.sweep', true) = 'on');

alter table logout_messages add column tenant_name text not null default '';
alter table logout_messages add column metadata jsonb;
comment on column logout_messages.metadata is 'The session''s, for clients that want it told. Null: none.';
-- The sweeper leaves messages about what it deletes, and no others.
create policy sweep_told on logout_messages for insert with check (current_setting('postern.sweep', true) = 'on' and initiator = 'session-expired');

alter table session_clients set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table logout_messages set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- +goose Down
alter table logout_messages reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
alter table session_clients reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);
drop policy sweep_told on logout_messages;
alter table logout_messages drop column metadata, drop column tenant_name;
drop policy sweep on session_clients;
alter table session_clients drop column hears;
alter table sessions drop column tenant_name, drop column created_at;
