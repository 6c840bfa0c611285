-- +goose Up
create table users (
  tenant_id           text not null,
  id                  text collate "C" not null check (position('|' in id) > 1),
  email               text collate "C" check (email = lower(email)),
  email_verified      boolean not null default false,
  username            text collate "C" check (username = lower(username)),
  phone_number        text,
  phone_verified      boolean not null default false,
  name                text not null default '',
  given_name          text not null default '',
  family_name         text not null default '',
  nickname            text not null default '',
  picture             text not null default '',
  blocked             boolean not null default false,
  user_metadata       jsonb check (jsonb_typeof(user_metadata) = 'object'),
  app_metadata        jsonb check (jsonb_typeof(app_metadata) = 'object'),
  created_at          timestamptz not null,
  updated_at          timestamptz not null,
  last_login          timestamptz,
  last_ip             text,
  logins_count        bigint not null default 0,
  last_password_reset timestamptz,
  name_key            text collate "C" not null generated always as (lower(name)) stored,
  given_name_key      text collate "C" not null generated always as (lower(given_name)) stored,
  family_name_key     text collate "C" not null generated always as (lower(family_name)) stored,
  nickname_key        text collate "C" not null generated always as (lower(nickname)) stored,
  primary key (tenant_id, id)
);
comment on table users is 'People''s records. What is known of a person whatever way in they use.';
comment on column users.id is 'The user id of the wire: provider, bar, id of the primary identity.';
comment on column users.email is 'Lower case. Null: none known. Not unique here: two connections may know one address.';
comment on column users.user_metadata is 'Free properties that the user may change. Null: never set.';
comment on column users.app_metadata is 'Free properties that only the tenant may change. Null: never set.';
comment on column users.last_password_reset is 'When the password was last changed. Null: never since creation.';
comment on column users.name_key is
  'Lower case, for search. A column and not an index on lower(name): under row-level security only leakproof comparisons use an index, and lower() is not one.';
create index users_by_creation on users (tenant_id, created_at, id);
create index users_by_email on users (tenant_id, email);
create index users_by_username on users (tenant_id, username);
create index users_by_name on users (tenant_id, name_key);
create index users_by_nickname on users (tenant_id, nickname_key);
create index users_by_login on users (tenant_id, last_login);
alter table users enable row level security;
alter table users force row level security;
create policy tenant on users using (tenant_id = current_setting('postern.tenant', true));

create table identities (
  tenant_id    text not null,
  provider     text not null,
  id           text not null,
  user_id      text not null,
  connection   text not null,
  is_social    boolean not null default false,
  is_primary   boolean not null,
  email        text check (email = lower(email)),
  username     text check (username = lower(username)),
  phone_number text,
  created_at   timestamptz not null,
  primary key (tenant_id, provider, id),
  foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
comment on table identities is 'Logins of users at connections. One user may have several.';
comment on column identities.provider is 'The strategy of the connection, as in the user id.';
comment on column identities.connection is 'The connection''s name.';
comment on column identities.is_primary is 'The one that the user id is made of.';
comment on column identities.email is 'What is typed to log in at this connection, lower case; unique there.';
comment on column identities.phone_number is 'The identifier of a connection whose users have no other; unique there.';
create unique index identities_email on identities (tenant_id, connection, email);
create unique index identities_username on identities (tenant_id, connection, username);
create unique index identities_phone_number on identities (tenant_id, connection, phone_number);
create unique index identities_primary on identities (tenant_id, user_id) where is_primary;
create index identities_by_user on identities (tenant_id, user_id);
alter table identities enable row level security;
alter table identities force row level security;
create policy tenant on identities using (tenant_id = current_setting('postern.tenant', true));

create table credentials (
  tenant_id   text not null,
  provider    text not null,
  identity_id text not null,
  hash        text not null check (hash like '$argon2id$%'),
  updated_at  timestamptz not null,
  primary key (tenant_id, provider, identity_id),
  foreign key (tenant_id, provider, identity_id) references identities (tenant_id, provider, id) on delete cascade
);
comment on table credentials is 'What verifies an identity: the hash of its password.';
comment on column credentials.hash is 'PHC string: algorithm, parameters, salt and hash.';
alter table credentials enable row level security;
alter table credentials force row level security;
create policy tenant on credentials using (tenant_id = current_setting('postern.tenant', true));

create table outbox (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  event_id    text not null,
  subject     text not null,
  payload     bytea not null,
  traceparent text,
  created_at  timestamptz not null default now()
);
comment on table outbox is 'Facts committed with the change they tell of, and not yet published. The relay publishes them in order and deletes them.';
comment on column outbox.event_id is 'The message ID: a fact that is published twice is stored once.';
comment on column outbox.traceparent is 'The trace of the change (W3C Trace Context), under which the fact is published. Null when nobody traces.';
alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox using (tenant_id = current_setting('postern.tenant', true));
create policy relay on outbox using (current_setting('postern.relay', true) = 'on');

-- +goose Down
drop table outbox, credentials, identities, users;
