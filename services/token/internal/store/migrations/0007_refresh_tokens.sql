-- +goose Up
-- A row is a family: the refresh tokens that descend from one login (RFC 9700 §4.14). An exchange rewrites it and adds none.
create table refresh_tokens (
  tenant_id         text not null,
  id                text not null,
  tag_key           bytea not null,
  counter           bigint not null,
  current_hashes    bytea[] not null,
  previous_hashes   bytea[] not null,
  rotated_at        timestamptz,
  rotating          boolean not null,
  client_id         text not null,
  user_id           text not null,
  session_id        text,
  audience          text not null,
  scope             text not null,
  connection_id     text not null,
  connection        text not null,
  strategy          text not null,
  auth_time         timestamptz not null,
  want_auth_time    boolean not null,
  id_token_claims   text[] not null,
  userinfo_claims   text[] not null,
  created_at        timestamptz not null,
  last_exchanged_at timestamptz,
  idle_until        timestamptz,
  expires_at        timestamptz,
  dead_from         timestamptz,
  first_ip          text not null,
  first_user_agent  text not null,
  last_ip           text not null,
  last_user_agent   text not null,
  metadata          jsonb,
  primary key (tenant_id, id)
) with (fillfactor = 80); -- room for an exchange to rewrite a row on its own page, without touching an index
comment on table refresh_tokens is 'Families of refresh tokens.';
comment on column refresh_tokens.id is 'The public name of the family. Opens nothing.';
comment on column refresh_tokens.tag_key is 'Says of a token that was used up that it was given out here. Who reads it can end the family, and open nothing.';
comment on column refresh_tokens.counter is 'Which generation current_hashes holds, from 1.';
comment on column refresh_tokens.current_hashes is 'SHA-256 of the newest tokens: one, or those that were given for one and the same token within its leeway.';
comment on column refresh_tokens.previous_hashes is 'SHA-256 of the generation before, good until the client''s leeway has passed since rotated_at.';
comment on column refresh_tokens.session_id is 'The session it came from. Null: from no browser.';
comment on column refresh_tokens.audience is 'Empty: for /userinfo alone.';
comment on column refresh_tokens.auth_time is 'When the user proved who they are (OIDC Core §2, auth_time).';
comment on column refresh_tokens.want_auth_time is 'ID tokens tell auth_time, since the first one did.';
comment on column refresh_tokens.id_token_claims is 'Claims that ID tokens give beside those of the scope (OIDC Core §5.5); userinfo_claims are those of /userinfo.';
comment on column refresh_tokens.idle_until is 'Moves with use. Null: no end.';
comment on column refresh_tokens.expires_at is 'Never moves. Null: no end.';
comment on column refresh_tokens.dead_from is 'The whole hour after the nearer end. It has the index, so that the ends that move with each exchange need none.';
create index refresh_tokens_owner on refresh_tokens (tenant_id, user_id, client_id, created_at);
create index refresh_tokens_session on refresh_tokens (tenant_id, session_id) where session_id is not null;
create index refresh_tokens_end on refresh_tokens (tenant_id, dead_from);
alter table refresh_tokens enable row level security;
alter table refresh_tokens force row level security;
create policy tenant on refresh_tokens using (tenant_id = current_setting('postern.tenant', true));
create policy sweep on refresh_tokens for select using (current_setting('postern.sweep', true) = 'on');
create policy sweep_expired on refresh_tokens for delete using (current_setting('postern.sweep', true) = 'on' and dead_from <= now());

alter table codes add column refresh_id text;
comment on column codes.refresh_id is 'The family that the code gave: when the code comes back, it goes.';
alter table access_tokens add column refresh_id text;
comment on column access_tokens.refresh_id is 'The family that it came with: when that is revoked, it goes (RFC 7009 §2.1).';
create index access_tokens_refresh on access_tokens (tenant_id, refresh_id) where refresh_id is not null;

create table device_keys (
  tenant_id   text not null,
  id          text not null,
  user_id     text not null,
  client_id   text not null,
  device_id   text not null,
  device_name text not null,
  public_key  text not null,
  created_at  timestamptz not null,
  primary key (tenant_id, id)
);
comment on table device_keys is 'Public keys that users keep for their devices: a record of the wire''s older days, which opens nothing here.';
comment on column device_keys.client_id is 'Empty: of no client in particular.';
create unique index device_keys_device on device_keys (tenant_id, user_id, client_id, device_id);
alter table device_keys enable row level security;
alter table device_keys force row level security;
create policy tenant on device_keys using (tenant_id = current_setting('postern.tenant', true));

-- +goose Down
drop table device_keys;
drop index access_tokens_refresh;
alter table access_tokens drop column refresh_id;
alter table codes drop column refresh_id;
drop table refresh_tokens;
