-- +goose Up
create table scim_configurations (
  tenant_id         text not null,
  connection_id     text not null,
  position          bigint not null generated always as identity,
  user_id_attribute text not null,
  mapping           jsonb not null check (jsonb_typeof(mapping) = 'array'),
  created_at        timestamptz not null,
  updated_at        timestamptz not null,
  primary key (tenant_id, connection_id),
  constraint scim_configurations_connection foreign key (tenant_id, connection_id) references connections (tenant_id, id) on delete cascade
);
create unique index scim_configurations_position on scim_configurations (tenant_id, position);
comment on table scim_configurations is 'How the users of connections are provisioned by their identity providers (RFC 7644).';
comment on column scim_configurations.user_id_attribute is 'The SCIM attribute of which user ids are made.';
comment on column scim_configurations.mapping is 'List of {auth0, scim}: which attribute of SCIM is which property of users.';
alter table scim_configurations enable row level security;
alter table scim_configurations force row level security;
create policy tenant on scim_configurations using (tenant_id = current_setting('postern.tenant', true));

create table scim_tokens (
  tenant_id     text not null,
  id            text not null,
  position      bigint not null generated always as identity,
  connection_id text not null,
  hash          bytea not null check (octet_length(hash) = 32),
  scopes        text[] not null,
  created_at    timestamptz not null,
  expires_at    timestamptz,
  last_used_at  timestamptz,
  primary key (tenant_id, id),
  constraint scim_tokens_configuration foreign key (tenant_id, connection_id)
    references scim_configurations (tenant_id, connection_id) on delete cascade
);
create unique index scim_tokens_by_connection on scim_tokens (tenant_id, connection_id, position);
comment on table scim_tokens is 'What identity providers show to provision users. The tokens themselves are kept by nobody.';
comment on column scim_tokens.hash is 'SHA-256 of the token, which is random and long enough to need no salt.';
comment on column scim_tokens.expires_at is 'Null: never.';
comment on column scim_tokens.last_used_at is 'Null: never.';
alter table scim_tokens enable row level security;
alter table scim_tokens force row level security;
create policy tenant on scim_tokens using (tenant_id = current_setting('postern.tenant', true));
