-- +goose Up
create table signing_keys (
  tenant_id   text not null,
  kid         text not null,
  version     integer not null check (version > 0),
  state       text not null check (state in ('current', 'next', 'previous', 'revoked')),
  public_key  bytea not null,
  certificate bytea not null,
  created_at  timestamptz not null,
  since       timestamptz,
  until       timestamptz,
  revoked_at  timestamptz,
  primary key (tenant_id, kid),
  unique (tenant_id, version)
);
comment on table signing_keys is 'What the world is told of a tenant''s signing key: each version of the key in Vault is one key ID. The private halves never leave Vault.';
comment on column signing_keys.version is 'The version of the tenant''s transit key.';
comment on column signing_keys.public_key is 'PKIX, DER.';
comment on column signing_keys.certificate is 'Self-signed, DER; what x5c and x5t show.';
comment on column signing_keys.since is 'When it began to sign. Null: not yet.';
comment on column signing_keys.until is 'When it stopped signing. Null: not yet.';
create unique index signing_keys_current on signing_keys (tenant_id) where state = 'current';
comment on index signing_keys_current is 'A tenant signs with one key at a time.';
alter table signing_keys enable row level security;
alter table signing_keys force row level security;
create policy tenant on signing_keys using (tenant_id = current_setting('postern.tenant', true));

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
