-- +goose Up
create table clients (
  tenant_id      text not null,
  id             text not null,
  position       bigint not null generated always as identity,
  name           text not null check (name <> ''),
  app_type       text not null default '',
  is_first_party boolean not null,
  is_global      boolean not null default false,
  secret_sealed  bytea not null,
  addons_sealed  bytea,
  settings       jsonb not null,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (tenant_id, id)
);
create unique index clients_position on clients (tenant_id, position);
create unique index clients_global on clients (tenant_id) where is_global;
create index clients_external on clients (tenant_id, (settings ->> 'external_client_id')) where settings ? 'external_client_id';
comment on table clients is 'OAuth clients (RFC 6749 §2).';
comment on column clients.position is 'Order of creation; pages continue after one.';
comment on column clients.app_type is 'Empty: none was given.';
comment on column clients.is_global is 'Stands for all applications; one a tenant.';
comment on column clients.secret_sealed is 'client_secret, under the tenant''s data key, bound to client_secret:<id>.';
comment on column clients.addons_sealed is 'The addons property as JSON, sealed for the secrets in it, bound to client_addons:<id>. Null: none.';
comment on column clients.settings is 'All other properties by their wire names, as they were accepted.';
comment on column clients.version is 'Counts writes, so that one made on an old reading is refused.';
alter table clients enable row level security;
alter table clients force row level security;
create policy tenant on clients using (tenant_id = current_setting('postern.tenant', true));

create table resource_servers (
  tenant_id             text not null,
  id                    text not null,
  position              bigint not null generated always as identity,
  identifier            text not null check (identifier <> ''),
  name                  text not null,
  is_system             boolean not null default false,
  signing_secret_sealed bytea,
  settings              jsonb not null,
  version               bigint not null default 1,
  created_at            timestamptz not null,
  updated_at            timestamptz not null,
  primary key (tenant_id, id),
  constraint resource_servers_identifier unique (tenant_id, identifier)
);
create unique index resource_servers_position on resource_servers (tenant_id, position);
comment on table resource_servers is 'What tokens are for (RFC 6749 §1.1).';
comment on column resource_servers.identifier is 'The audience.';
comment on column resource_servers.is_system is 'The platform''s own; not to be deleted.';
comment on column resource_servers.signing_secret_sealed is 'Key of HS256 tokens, bound to signing_secret:<id>. Null: none.';
comment on column resource_servers.settings is 'All other properties by their wire names, scopes among them.';
alter table resource_servers enable row level security;
alter table resource_servers force row level security;
create policy tenant on resource_servers using (tenant_id = current_setting('postern.tenant', true));

create table client_grants (
  tenant_id    text not null,
  id           text not null,
  position     bigint not null generated always as identity,
  client_id    text,
  default_for  text not null default '',
  audience     text not null,
  scope        text[] not null,
  subject_type text not null,
  is_system    boolean not null default false,
  settings     jsonb not null,
  version      bigint not null default 1,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  primary key (tenant_id, id),
  constraint client_grants_client foreign key (tenant_id, client_id) references clients (tenant_id, id) on delete cascade,
  constraint client_grants_audience foreign key (tenant_id, audience) references resource_servers (tenant_id, identifier) on delete cascade,
  constraint client_grants_once unique nulls not distinct (tenant_id, client_id, default_for, audience, subject_type),
  constraint client_grants_for_one check ((client_id is null) <> (default_for = ''))
);
create unique index client_grants_position on client_grants (tenant_id, position);
create index client_grants_by_audience on client_grants (tenant_id, audience);
comment on table client_grants is 'What a client may ask of a resource server.';
comment on column client_grants.client_id is 'Null: the grant stands in for clients of the kind default_for.';
alter table client_grants enable row level security;
alter table client_grants force row level security;
create policy tenant on client_grants using (tenant_id = current_setting('postern.tenant', true));

create table connections (
  tenant_id      text not null,
  id             text not null,
  position       bigint not null generated always as identity,
  name           text not null,
  strategy       text not null,
  options_sealed bytea not null,
  settings       jsonb not null,
  version        bigint not null default 1,
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (tenant_id, id),
  constraint connections_name unique (tenant_id, name)
);
create unique index connections_position on connections (tenant_id, position);
comment on table connections is 'Sources of identities.';
comment on column connections.name is 'The realm by which a password request picks one.';
comment on column connections.options_sealed is 'The options as JSON, sealed whole for the secrets in them, bound to connection_options:<id>.';
alter table connections enable row level security;
alter table connections force row level security;
create policy tenant on connections using (tenant_id = current_setting('postern.tenant', true));

create table connection_clients (
  tenant_id     text not null,
  connection_id text not null,
  client_id     text not null,
  position      bigint not null generated always as identity,
  primary key (tenant_id, connection_id, client_id),
  constraint connection_clients_connection foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade,
  constraint connection_clients_client foreign key (tenant_id, client_id) references clients (tenant_id, id) on delete cascade
);
create index connection_clients_by_client on connection_clients (tenant_id, client_id);
comment on table connection_clients is 'For which clients a connection is switched on.';
alter table connection_clients enable row level security;
alter table connection_clients force row level security;
create policy tenant on connection_clients using (tenant_id = current_setting('postern.tenant', true));

create table seeds (
  tenant_id            text primary key,
  management_client_id text not null,
  default_client_id    text not null
);
comment on table seeds is 'Tenants that have what every tenant starts with, so that a repeated seeding changes nothing.';
alter table seeds enable row level security;
alter table seeds force row level security;
create policy tenant on seeds using (tenant_id = current_setting('postern.tenant', true));

create table data_keys (
  tenant_id text primary key,
  wrapped   text not null
);
comment on table data_keys is 'The key of each tenant''s sealed columns, wrapped by Vault.';
alter table data_keys enable row level security;
alter table data_keys force row level security;
create policy tenant on data_keys using (tenant_id = current_setting('postern.tenant', true));

create table outbox (
  id          bigint generated always as identity primary key,
  tenant_id   text not null,
  event_id    text not null,
  subject     text not null,
  payload     bytea not null,
  traceparent text,
  created_at  timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table outbox is 'Facts committed with the change they tell of, and not yet published. The relay publishes them in order and deletes them.';
comment on column outbox.event_id is 'The message ID: a fact that is published twice is stored once.';
comment on column outbox.traceparent is 'The trace of the change (W3C Trace Context), under which the fact is published. Null when nobody traces.';
alter table outbox enable row level security;
alter table outbox force row level security;
create policy tenant on outbox using (tenant_id = current_setting('postern.tenant', true));
create policy relay on outbox using (current_setting('postern.relay', true) = 'on');
