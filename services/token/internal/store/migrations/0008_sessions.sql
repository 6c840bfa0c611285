-- +goose Up
alter table sessions add column host text not null default '';
comment on column sessions.host is 'Where it was opened: the canonical host and each custom domain have sessions of their own.';
alter table sessions add column ephemeral boolean not null default false;
comment on column sessions.ephemeral is 'Its cookie ends with the browser.';
alter table sessions add column first_ip text not null default '';
alter table sessions add column first_user_agent text not null default '';
alter table sessions add column last_ip text not null default '';
alter table sessions add column last_user_agent text not null default '';
alter table sessions add column metadata jsonb;
alter table sessions add column updated_at timestamptz;
comment on column sessions.updated_at is 'When an administrator last changed metadata. Null: never.';

create table session_clients (
  tenant_id  text not null,
  session_id text not null,
  client_id  text not null,
  primary key (tenant_id, session_id, client_id),
  foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
);
comment on table session_clients is 'The clients that a session let its user into: they are told of its end (OIDC Back-Channel Logout). They go with it.';
alter table session_clients enable row level security;
alter table session_clients force row level security;
create policy tenant on session_clients using (tenant_id = current_setting('postern.tenant', true));

create table logout_messages (
  tenant_id  text not null,
  id         text not null,
  client_id  text not null,
  session_id text not null,
  user_id    text not null,
  host       text not null,
  initiator  text not null,
  ended_at   timestamptz not null,
  due_at     timestamptz not null,
  attempts   integer not null default 0,
  expires_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table logout_messages is 'Ends of sessions that a client has not heard of yet (OIDC Back-Channel Logout §2.5). Written with the end, gone once it was told, or given up.';
comment on column logout_messages.host is 'Of the session: whose issuer speaks.';
comment on column logout_messages.initiator is 'What ended it, in the wire''s words: rp-logout, session-revoked, …';
comment on column logout_messages.due_at is 'When it is tried next; also until when one process has it in hand.';
create index logout_messages_due on logout_messages (tenant_id, due_at);
create index logout_messages_expiry on logout_messages (tenant_id, expires_at);
alter table logout_messages enable row level security;
alter table logout_messages force row level security;
create policy tenant on logout_messages using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on logout_messages for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on logout_messages for delete using (current_setting('postern.sweep', true) = 'on' and expires_at <= now());
create policy deliver on logout_messages for select using (current_setting('postern.deliver', true) = 'on');
create policy deliver_claim on logout_messages for update using (current_setting('postern.deliver', true) = 'on');

-- +goose Down
drop table logout_messages;
drop table session_clients;
alter table sessions drop column updated_at, drop column metadata, drop column last_user_agent, drop column last_ip,
  drop column first_user_agent, drop column first_ip, drop column ephemeral, drop column host;
