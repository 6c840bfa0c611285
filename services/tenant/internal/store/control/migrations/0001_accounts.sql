-- +goose Up
-- The control plane's tables belong to accounts, not to tenants: there is no row-level security here, because nobody's end users are
-- here. What keeps accounts apart is that every query names the account, or a secret that only the account has.

create table accounts (
  id         text primary key check (id like 'acc\_%'),
  slug       text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{1,61})[a-z0-9]$'),
  state      text not null default 'opening' check (state in ('opening', 'open', 'released')),
  created_at timestamptz not null
);
comment on table accounts is 'Companies that signed up.';
comment on column accounts.slug is 'The first label of the account''s hosts. Never used again, unless the sign-up failed.';
comment on column accounts.state is 'opening: its first tenant is being made. released: its sign-up failed, and the slug is free.';
create unique index accounts_slug on accounts (slug) where state <> 'released';

create table members (
  id            text primary key check (id like 'mbr\_%'),
  account_id    text not null references accounts (id),
  email         text not null check (email = lower(email)),
  password_hash text not null check (password_hash like '$argon2id$%'),
  role          text not null check (role in ('owner')),
  created_at    timestamptz not null,
  constraint members_email unique (account_id, email)
);
comment on table members is 'People of accounts. One address may be in several accounts, each time with a password of its own.';
create index members_by_email on members (email, created_at);

create table api_tokens (
  hash       bytea primary key check (octet_length(hash) = 32),
  member_id  text not null references members (id) on delete cascade,
  purpose    text not null check (purpose in ('sign_up', 'api', 'console')),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
comment on table api_tokens is 'Bearer tokens of the Platform API and of console sessions.';
comment on column api_tokens.hash is 'SHA-256 of the token: the token itself is shown once and kept nowhere.';
create index api_tokens_by_member on api_tokens (member_id);
create index api_tokens_by_expiry on api_tokens (expires_at);

create table tenants (
  id                   text primary key check (id like 'tnt\_%'),
  account_id           text not null references accounts (id),
  region               text not null,
  cell                 text,
  state                text not null check (state in ('provisioning', 'active', 'suspended', 'deleted', 'failed')),
  management_client_id text,
  created_at           timestamptz not null
);
comment on table tenants is 'Isolated customer spaces. All they hold is in their cell; here is only where that is.';
comment on column tenants.cell is 'Null until one is chosen.';
create unique index tenants_place on tenants (account_id, region) where state <> 'failed';
comment on index tenants_place is 'One tenant a region, also after its deletion: its issuer must never speak for another.';

create table hostnames (
  host      text primary key check (host = lower(host) and host !~ ':'),
  tenant_id text not null references tenants (id),
  kind      text not null check (kind in ('canonical', 'alias'))
);
comment on table hostnames is 'The directory: which tenant answers at exactly which host. The routers get it by NATS; this is what it is rebuilt from.';
create index hostnames_by_tenant on hostnames (tenant_id);

create table operations (
  id            text primary key check (id ~ '^(sgn|opr)_'),
  kind          text not null check (kind in ('sign_up', 'create_tenant', 'delete_tenant')),
  account_id    text not null references accounts (id),
  tenant_id     text not null references tenants (id),
  status        text not null check (status in ('pending', 'provisioning', 'ready', 'failed')),
  error         text not null default '',
  token_hash    bytea not null check (octet_length(token_hash) = 32),
  box_key       bytea not null,
  sealed_secret bytea,
  traceparent   text,
  created_at    timestamptz not null,
  started_at    timestamptz,
  ended_at      timestamptz
);
comment on table operations is 'Long work on one tenant. Pending rows are begun by the starter: the workflow engine may be away when they are committed.';
comment on column operations.token_hash is 'Of the token that asked; it alone opens sealed_secret.';
comment on column operations.box_key is 'Public key derived from that token, to which the cell seals the management secret.';
comment on column operations.sealed_secret is 'Null before the tenant is ready, and again once the secret was shown.';
comment on column operations.traceparent is 'The trace of the request that asked (W3C Trace Context), which the work continues. Null when nobody traces.';
create index operations_open on operations (created_at) where ended_at is null;
create index operations_by_tenant on operations (tenant_id, created_at);
create unique index operations_one_at_a_time on operations (tenant_id) where ended_at is null;

create table steps (
  operation_id text not null references operations (id),
  position     int not null,
  name         text not null,
  state        text not null check (state in ('pending', 'running', 'done', 'failed')),
  started_at   timestamptz,
  ended_at     timestamptz,
  primary key (operation_id, name)
);
comment on table steps is 'How far an operation is, for whoever waits for it. The workflow engine knows better; this is what is shown.';

-- +goose Down
drop table steps, operations, hostnames, tenants, api_tokens, members, accounts;
